/**
 * Lasting sessions as one shard has them: those in its custody that have a connection, are not in the store as they are, or
 * are due soon. All others rest in the store, where any shard may take them from. Docs: docs/ownership.md, "Sessions".
 *
 * Bounds: `limits.sessions` over all shards; in memory, one object per session with a connection or changed within the
 * last seconds.
 */
import type { TargetTerms } from '../../core/domain/delivery-target.ts'
import { decodeRow, encodeCursor, encodeHead, encodeRow } from '../../core/domain/session-codec.ts'
import {
  applyChange,
  changesHead,
  doneUpTo,
  dueAt,
  NEVER,
  newSession,
  type SessionChange,
  type SessionRow,
  type SessionWill,
} from '../../core/domain/session-row.ts'
import type { Stamp, Token } from '../../core/domain/token.ts'
import { WaitingMessage } from '../../core/domain/waiting-message.ts'
import type { CheckpointShare } from '../../core/ports/checkpoint-sink.ts'
import type { LastingTerms, OpenedSession, SessionEnding } from '../../core/ports/client-session.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { PacketOutlet } from '../../core/ports/packet-outlet.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type { SubscriptionOptions } from '../../core/ports/relay.ts'
import type { SessionReader, SessionSink, SessionUpdate } from '../../core/ports/session-store.ts'
import type { Timers } from '../../core/ports/timers.ts'
import type { QueueBounds } from './kept-queue.ts'
import { LastingSession, type LastingSessionParts } from './lasting-session.ts'
import type { SessionFigures } from './session-figures.ts'
import type { SessionEnd } from './waiting-messages.ts'

const LINGER_MS = 10_000 // what is due within it is done here, and not found in the store
const DUE_AT_ONCE = 100 // sessions of the store in one look
const ROWS_PER_MESSAGE = 500 // to the storage thread
const REDELIVERED_AT_ONCE = 64 // messages of a session that ended

/** Custody of sessions, and their names: the directory. */
export interface SessionCustody {
  /** The number of a name that is claimed here. */
  numberOf(name: string): number
  raiseEpoch(session: number): number
  /** Takes a session that no shard holds. */
  take(session: number): boolean
  /** Nobody else may have its number until `forget`. */
  keep(name: string, session: number): void
  forget(name: string, session: number): void
  /** It rests in the store, where no connection has it. */
  letGo(session: number): void
}

/** The other shards, and this one, as those who have messages for a session. */
export interface SessionLines {
  /** Asks each shard: see `LastingSession.asks`, `begins`, `told`. */
  gather(session: LastingSession, gathering: number): void
  silence(session: number): void
  done(session: number, log: number, upTo: number): void
  subscribed(row: SessionRow, session: number, filter: string, options: SubscriptionOptions): void
  unsubscribed(row: SessionRow, session: number, filter: string): void
  /** All its subscriptions go, and what waits for it. */
  ended(end: SessionEnd): void
}

export interface LastingSessionsParts {
  readonly incarnation: number
  readonly figures: SessionFigures
  readonly custody: SessionCustody
  readonly lines: SessionLines
  readonly reader: SessionReader
  readonly sink: SessionSink
  readonly bounds: {
    readonly sessions: number
    readonly inflight: number
    readonly queue: QueueBounds
  }
  readonly counters: Counters
  readonly timers: Timers
  readonly background: (step: () => boolean) => void
  readonly now: () => number
  /** Appends the change to the log of this shard. */
  readonly journal: (session: number, stamp: Stamp, change: SessionChange) => void
  readonly queueOne: (
    space: number,
    session: number,
    message: Publication,
    terms: TargetTerms,
  ) => void
  readonly publishWill: (session: LastingSession, will: WaitingMessage) => void
  /** A message that a shared subscription had chosen a session for that has ended. */
  readonly redeliver: (space: number, group: string, message: WaitingMessage) => void
}

export class LastingSessions {
  readonly #parts: LastingSessionsParts
  readonly #sessions = new Map<number, LastingSession>()
  readonly #dirty = new Set<LastingSession>()
  /** Without a connection, and still here. */
  readonly #away = new Set<LastingSession>()
  readonly #tokens = new Map<number, Token>()
  readonly #sessionParts: LastingSessionParts
  #gatherings = 0

  constructor(parts: LastingSessionsParts) {
    this.#parts = parts
    const { reader, counters, timers, bounds, background, now, lines } = parts
    this.#sessionParts = {
      reader,
      counters,
      timers,
      queue: bounds.queue,
      now,
      background,
      change: (session, change) => this.#change(session, change),
      nextGathering: () => ++this.#gatherings,
      gather: (session, gathering) => lines.gather(session, gathering),
      silence: ({ number }) => lines.silence(number),
      done: ({ number, row }, log) => lines.done(number, log, doneUpTo(row.cursor, log)),
      queueOne: ({ number, row }, message, terms) =>
        parts.queueOne(row.head.space, number, message, terms),
      subscribed: ({ number, row }, filter, options) =>
        lines.subscribed(row, number, filter, options),
      unsubscribed: ({ number, row }, filter) => lines.unsubscribed(row, number, filter),
    }
  }

  /** In memory. */
  get size(): number {
    return this.#sessions.size
  }

  get(session: number): LastingSession | undefined {
    return this.#sessions.get(session)
  }

  /** With a connection. */
  *online(): Generator<LastingSession, void, void> {
    for (const session of this.#sessions.values()) if (session.online) yield session
  }

  // ---- connections

  /** @param make  makes a session that ends with its connection */
  open(
    name: string,
    space: number,
    outlet: PacketOutlet,
    terms: LastingTerms,
    make: () => OpenedSession & { readonly kind: 'opened' },
  ): OpenedSession {
    const { custody, bounds, figures } = this.#parts
    const number = custody.numberOf(name)
    let session = this.#find(number, name)
    if (session !== undefined && terms.cleanStart) {
      this.#end(session)
      session = undefined
    }
    const present = session !== undefined // then it goes on [MQTT-3.1.2-5]
    if (session === undefined) {
      // [MQTT-3.1.2-6]
      if (terms.expirySec === 0) return make()
      if (figures.sessions >= bounds.sessions) return { kind: 'too-many' }
      session = this.#begin(name, space, number)
    }
    const { expirySec, will } = terms
    this.#change(session, { kind: 'opened', expirySec, will: this.#kept(will, session.row) })
    this.#away.delete(session)
    const inflight = Math.min(bounds.inflight, terms.receiveMaximum)
    session.attach(outlet, { inflight, arrivals: terms.arrivals })
    const held = session
    const close = (ending: SessionEnding): void => this.#closed(held, ending)
    const lasting = { filters: () => held.filters(), close }
    return { kind: 'opened', session, lasting, present }
  }

  // ---- custody

  /** Another shard takes it; `undefined`: the store has it as it is. */
  surrender(number: number): Uint8Array | undefined {
    const session = this.#sessions.get(number)
    if (session === undefined) return undefined
    this.#sessions.delete(number)
    this.#tokens.delete(number)
    this.#away.delete(session)
    // An ended one is in the store until its end is.
    const { dirty, storing, ended, row } = session
    return dirty || storing || ended ? encodeRow(row) : undefined
  }

  /** It came with a row that the store does not have; the whole of it is our first entry. */
  adopt(number: number, row: Uint8Array): void {
    const session = new LastingSession(number, decodeRow(row), this.#sessionParts)
    this.#sessions.set(number, session)
    this.#tokens.set(number, this.#newToken(number))
    this.#change(session, { kind: 'whole', row: session.row })
    if (!session.ended) this.#away.add(session)
  }

  /** It has something here that must not be let go yet. */
  keeps(number: number): boolean {
    return this.#sessions.has(number)
  }

  /** Of those in memory that go on. */
  names(): (readonly [name: string, session: number])[] {
    return Array.from(this.#sessions)
      .filter(([, session]) => !session.ended)
      .map(([number, { row }]) => [row.head.name, number] as const)
  }

  // ---- the clock

  /** Each second: what is due of those without a connection. `isOurs`: of the store, those that this shard looks after. */
  tick(isOurs: (session: number) => boolean): void {
    const now = this.#parts.now()
    for (const session of Array.from(this.#away)) if (dueAt(session.row) <= now) this.#due(session)
    const { reader, custody } = this.#parts
    reader.refresh()
    for (const number of reader.due(now, DUE_AT_ONCE)) {
      if (!isOurs(number) || this.#sessions.has(number) || !custody.take(number)) continue
      const session = this.#load(number)
      if (session === undefined) custody.letGo(number)
      else if (dueAt(session.row) <= now) this.#due(session)
    }
  }

  /** Says of a session that its connection died with its process or shard. False: it did not, or somebody has it. */
  settle(number: number): boolean {
    const { custody, reader } = this.#parts
    if (this.#sessions.has(number) || !custody.take(number)) return false
    reader.refresh()
    const session = this.#load(number)
    if (session === undefined) {
      custody.letGo(number)
      return false
    }
    this.#closeLost(session)
    return true
  }

  // ---- the store

  /** Takes what has changed; those without a connection rest in the store then. */
  readonly share = (): CheckpointShare | undefined => {
    if (this.#dirty.size === 0 && this.#away.size === 0) return undefined
    const taken = [...this.#dirty].filter((session) => !session.redelivers)
    for (const session of taken) this.#dirty.delete(session)
    const updates = taken.map((session) => {
      const head = session.headDirty
      session.dirty = false
      session.headDirty = false
      session.storing = true
      return { update: updateOf(session, head), head }
    })
    const failed = (): void => {
      for (const [i, session] of taken.entries()) {
        session.dirty = true
        session.storing = false
        session.headDirty ||= updates[i]?.head ?? true
        this.#dirty.add(session)
      }
    }
    return {
      store: async () => {
        for (let at = 0; at < updates.length; at += ROWS_PER_MESSAGE) {
          const some = updates.slice(at, at + ROWS_PER_MESSAGE).map(({ update }) => update)
          await this.#parts.sink.storeSessions(some)
        }
        for (const session of taken) {
          session.storing = false
          if (session.ended && !session.dirty) this.#forget(session)
        }
        this.#rest()
      },
      failed,
    }
  }

  // ---- inside

  #find(number: number, name: string): LastingSession | undefined {
    const here = this.#sessions.get(number)
    if (here === undefined) this.#parts.reader.refresh()
    const session = here ?? this.#load(number)
    if (session === undefined || session.ended) return undefined
    if (session.row.head.name !== name) return undefined // of a name that had the number before
    this.#tokens.set(number, this.#newToken(number)) // a new one for each connection, as for devices
    this.#closeLost(session)
    if (ends(session.row) <= this.#parts.now()) this.#end(session) // nobody has said so yet
    return session.ended ? undefined : session
  }

  /** Its connection died with its process or shard, and nobody has said so. */
  #closeLost(session: LastingSession): void {
    const { cursor, head } = session.row
    if (cursor.online && !session.online) {
      const { now } = this.#parts
      const { expirySec, will } = head
      this.#change(session, { kind: 'closed', at: now(), expirySec, will: will !== undefined })
    }
    if (dueAt(session.row) <= this.#parts.now()) this.#due(session)
  }

  #load(number: number): LastingSession | undefined {
    const row = this.#parts.reader.session(number)
    if (row === undefined) return undefined
    const session = new LastingSession(number, row, this.#sessionParts)
    session.headDirty = false
    this.#sessions.set(number, session)
    this.#away.add(session)
    this.#tokens.set(number, this.#newToken(number))
    return session
  }

  #begin(name: string, space: number, number: number): LastingSession {
    const { figures, custody } = this.#parts
    const row = newSession({ name, space, born: figures.nextOrder() })
    const session = new LastingSession(number, row, this.#sessionParts)
    const before = this.#sessions.get(number)
    if (before !== undefined) this.#away.delete(before)
    this.#sessions.set(number, session)
    this.#tokens.set(number, this.#newToken(number))
    figures.addSessions(1)
    custody.keep(name, number)
    this.#change(session, { kind: 'whole', row })
    return session
  }

  #closed(session: LastingSession, ending: SessionEnding): void {
    if (!session.online) return
    session.closed()
    const { now } = this.#parts
    this.#change(session, { kind: 'closed', at: now(), ...ending })
    this.#away.add(session)
    if (dueAt(session.row) <= now()) this.#due(session)
  }

  /** Its Will, its end, or both. */
  #due(session: LastingSession): void {
    if (ends(session.row) <= this.#parts.now()) {
      this.#end(session)
      return
    }
    this.#publishWill(session)
  }

  /** Where the session ends, whatever the delay [MQTT-3.1.3-9]. */
  #publishWill(session: LastingSession): void {
    const { will } = session.row.head
    if (will === undefined) return
    this.#change(session, { kind: 'willDone' })
    this.#parts.publishWill(session, new WaitingMessage(Uint8Array.from(will.bytes)))
  }

  #end(session: LastingSession): void {
    if (session.ended) return
    const { lines, figures, now } = this.#parts
    session.closed()
    const end = this.#endOf(session)
    lines.ended(end) // before its Will: it is none of its own subscribers any more
    this.#publishWill(session)
    if (end.shared) this.#redeliverStored(session, end)
    this.#change(session, { kind: 'ended', at: now() })
    this.#away.delete(session)
    figures.addSessions(-1)
  }

  #endOf({ number, row }: LastingSession): SessionEnd {
    const { reader } = this.#parts
    const { cursor, head } = row
    const shared = [...head.subscriptions.keys()].some((filter) => filter.startsWith('$share/'))
    if (shared) reader.refresh()
    const found = shared ? [...reader.storedOrders()] : []
    const sent = [...cursor.inflight.values()].flatMap(({ qos, order }) => (qos === 2 ? order : []))
    return { session: number, born: cursor.born, sent, found, shared }
  }

  /**
   * What the store has that shared subscriptions had chosen it for, and it has not taken. The store keeps it until this is
   * through.
   */
  #redeliverStored(session: LastingSession, { found, sent }: SessionEnd): void {
    const { reader, redeliver, now, background } = this.#parts
    const { number, row } = session
    const { cursor, head } = row
    const upTo = new Map(found)
    const open = new Set([...cursor.inflight.values()].map(({ order }) => order))
    let after = 0
    session.redelivers = true
    background(() => {
      reader.refresh()
      const page = reader.queue(number, after, REDELIVERED_AT_ONCE)
      for (const { order, log, terms } of page) {
        after = order
        if (terms.group === undefined || terms.born !== cursor.born) continue
        if (order > (upTo.get(log) ?? 0) || sent.includes(order)) continue // [MQTT-4.8.2-5]
        if (!open.has(order) && order <= (cursor.reached.get(log) ?? 0)) continue
        const message = reader.message(order)
        if (message?.refresh(now()) === true) redeliver(head.space, terms.group, message)
      }
      session.redelivers = page.length === REDELIVERED_AT_ONCE
      return session.redelivers
    })
  }

  #change(session: LastingSession, change: SessionChange): void {
    const { number, row } = session
    const version = row.cursor.stamp.version + 1
    const stamp = { token: this.#tokens.get(number) as Token, version }
    row.cursor.stamp = stamp
    if (change.kind !== 'whole') applyChange(row, change)
    this.#parts.journal(number, stamp, change)
    if (changesHead(change)) session.headDirty = true
    if (session.dirty) return
    session.dirty = true
    this.#dirty.add(session)
  }

  /** The store has it no more; its number may be another's. */
  #forget(session: LastingSession): void {
    const { number, row } = session
    const { custody } = this.#parts
    // One that began anew under the same name keeps the number.
    if (this.#sessions.get(number) !== session) return
    this.#sessions.delete(number)
    this.#tokens.delete(number)
    custody.forget(row.head.name, number)
    custody.letGo(number)
  }

  #rest(): void {
    const soon = this.#parts.now() + LINGER_MS
    for (const session of Array.from(this.#away)) {
      if (session.dirty || session.online || dueAt(session.row) <= soon) continue
      this.#away.delete(session)
      if (this.#sessions.get(session.number) !== session) continue
      this.#sessions.delete(session.number)
      this.#tokens.delete(session.number)
      this.#parts.custody.letGo(session.number)
    }
  }

  #newToken(number: number): Token {
    const { incarnation, custody } = this.#parts
    return { incarnation, epoch: custody.raiseEpoch(number) }
  }

  #kept(will: LastingTerms['will'], { head }: SessionRow): SessionWill | undefined {
    if (will === undefined) return undefined
    const where = { space: head.space, log: 0, order: 0 }
    const { buffer } = WaitingMessage.of(will.message, where, this.#parts.now())
    return { bytes: buffer, delaySec: will.delaySec }
  }
}

/** When the session is over; infinite where it has a connection, or never ends. */
function ends({ head, cursor }: SessionRow): number {
  if (cursor.online || head.expirySec === NEVER) return Number.POSITIVE_INFINITY
  return cursor.offlineAt + head.expirySec * 1000
}

function updateOf(session: LastingSession, head: boolean): SessionUpdate {
  const { number, row } = session
  const cursor = encodeCursor(row.cursor)
  return { number, head: head ? encodeHead(row.head) : undefined, cursor }
}
