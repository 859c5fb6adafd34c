/**
 * A session that outlives its connection (MQTT 5.0 §4.1) [MQTT-3.1.2-23] [MQTT-4.1.0-1], on the shard that has custody of it. What happens to it is a
 * change of its row, in the log before its effect leaves. Its messages come from the shards that got them, once it
 * listens there, and from the store.
 *
 *   away ─ opened ─► gathering ─ all shards have answered ─► live ─ too much at once ─► behind ─┐
 *     ▲                  ▲                                    │                                 │
 *     └── closed ────────┼────────────────────────────────────┘       the store is read through │
 *                        └──────────────────────────────────────────────────────────────────────┘
 *
 * Live or behind, what the store has of its queue is read first, by pages, as there is room. Bounds in memory: the
 * inflight window, and `limits.queueMessages` and `limits.queueBytes` of what was told and not yet sent; above them it
 * forgets that, no longer listens, and reads it from the store: so a backlog may be of any length.
 */
import type { TargetTerms } from '../../core/domain/delivery-target.ts'
import { lowerQos, type Qos } from '../../core/domain/qos.ts'
import {
  type Inflight,
  isDone,
  type SessionChange,
  type SessionRow,
} from '../../core/domain/session-row.ts'
import { WaitingMessage } from '../../core/domain/waiting-message.ts'
import type { Arrival, ClientSession } from '../../core/ports/client-session.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { MessageSource } from '../../core/ports/message-source.ts'
import type { PacketOutlet, PublishHeader } from '../../core/ports/packet-outlet.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type {
  DeliveryTerms,
  LastingSubscriber,
  SubscriptionOptions,
} from '../../core/ports/relay.ts'
import type { SessionReader } from '../../core/ports/session-store.ts'
import type { TimerEntry, Timers } from '../../core/ports/timers.ts'
import { Backlog } from './backlog.ts'
import type { QueueBounds } from './kept-queue.ts'
import { Replay } from './replay.ts'

const LOOK_AGAIN_SEC = 1 // what a shard could not tell at once is in the store by then
const REPLAY_AHEAD = 16 // retained messages on their way through the log

export interface LastingSessionParts {
  readonly reader: SessionReader
  readonly counters: Counters
  readonly timers: Timers
  readonly queue: QueueBounds
  /** ms since the epoch, of the turn. */
  readonly now: () => number
  readonly background: (step: () => boolean) => void
  /** Writes the change to the log, and does it to the row. */
  readonly change: (session: LastingSession, change: SessionChange) => void
  /** No two of a shard are the same: an answer may come when the session has been closed and opened again. */
  readonly nextGathering: () => number
  /** Begins to listen on all shards: each of them calls `begins`, then tells, then `told`, with this number. */
  readonly gather: (session: LastingSession, gathering: number) => void
  readonly silence: (session: LastingSession) => void
  /** Some of what waits for it in this log is done with. */
  readonly done: (session: LastingSession, log: number) => void
  /** Has a message wait for this session alone. */
  readonly queueOne: (session: LastingSession, message: Publication, terms: TargetTerms) => void
  readonly subscribed: (
    session: LastingSession,
    filter: string,
    options: SubscriptionOptions,
  ) => void
  readonly unsubscribed: (session: LastingSession, filter: string) => void
}

interface Told {
  readonly message: WaitingMessage
  readonly terms: TargetTerms
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Filled for each packet: the sessions of a thread send one after the other. */
const HEADER: Mutable<PublishHeader> = {
  qos: 0,
  retain: false,
  dup: false,
  packetId: 0,
  identifiers: [],
}

export class LastingSession implements ClientSession, LastingSubscriber, TimerEntry {
  timerSlot = -1
  timerRounds = 0
  timerNext: TimerEntry | undefined = undefined
  timerPrevious: TimerEntry | undefined = undefined
  readonly number: number
  readonly row: SessionRow
  /** Not in the store as it is; the head with it. */
  dirty = false
  headDirty = true
  /** On its way to the store. */
  storing = false
  /** It has ended, and what it had not taken is given to others. */
  redelivers = false
  readonly #parts: LastingSessionParts
  #outlet: PacketOutlet | undefined = undefined
  #mode: 'away' | 'gathering' | 'live' | 'behind' = 'away'
  #bound = 0 // of what is out
  #arrivals = 0
  /** Sent on this connection, and not done with. */
  readonly #out = new Set<number>()
  /** Sent before this connection, to be sent again; oldest last. */
  #again: Inflight[] = []
  /** Of those, what was told. */
  readonly #found = new Map<number, Told>()
  /** Names what is gathered now: what was asked for before that, and comes late, is not heard. */
  #gathering = 0
  /** Shards that have not begun to tell. */
  #deaf = new Set<number>()
  /** Shards that have not told all. */
  #awaited = new Set<number>()
  #incomplete = false // a shard had more than it may tell
  #told: Told[] = []
  #toldAt = 0
  #toldBytes = 0
  /** While the store is not read through. */
  #backlog: Backlog | undefined = undefined
  #stepping = false
  #replays: Replay[] = []

  constructor(number: number, row: SessionRow, parts: LastingSessionParts) {
    this.number = number
    this.row = row
    this.#parts = parts
  }

  get lasting(): LastingSubscriber {
    return this
  }

  get ended(): boolean {
    return this.row.cursor.ended
  }

  get online(): boolean {
    return this.#outlet !== undefined
  }

  get ready(): boolean {
    return (
      this.#mode === 'live' &&
      this.#backlog === undefined &&
      this.#again.length === 0 &&
      this.#told.length === this.#toldAt &&
      this.#hasRoom()
    )
  }

  // ---- its connection

  /** A connection has it; nothing is sent before `opened`. */
  attach(
    outlet: PacketOutlet,
    terms: { readonly inflight: number; readonly arrivals: number },
  ): void {
    this.#outlet = outlet
    this.#bound = terms.inflight
    this.#arrivals = terms.arrivals
  }

  opened(): void {
    if (this.#outlet !== undefined) this.#listen(true)
  }

  closed(): void {
    if (this.#outlet === undefined) return
    this.#outlet = undefined
    this.#parts.silence(this)
    this.#parts.timers.disarm(this)
    this.#mode = 'away'
    this.#out.clear()
    this.#again = []
    this.#replays = []
    this.#forgetTold()
  }

  /** A shard that it listened on has died, or is there again: all is gathered anew. */
  restart(): void {
    if (this.#outlet === undefined || this.#mode === 'away') return
    this.#parts.silence(this)
    this.#listen(this.#again.length > 0)
  }

  filters(): Iterable<string> {
    return this.row.head.subscriptions.keys()
  }

  // ---- its subscriptions

  subscribe(filter: string, options: SubscriptionOptions): boolean {
    const renewed = this.row.head.subscriptions.has(filter)
    this.#parts.change(this, { kind: 'subscribed', filter, options })
    this.#parts.subscribed(this, filter, options)
    return renewed
  }

  unsubscribe(filter: string): boolean {
    if (!this.row.head.subscriptions.has(filter)) return false
    this.#parts.change(this, { kind: 'unsubscribed', filter })
    this.#parts.unsubscribed(this, filter)
    return true
  }

  // ---- what it is told

  begins(log: number, gathering: number): void {
    if (gathering === this.#gathering) this.#deaf.delete(log)
  }

  /** A shard has told all that waits there, or has too much of it (`all` false). */
  told(log: number, gathering: number, all: boolean): void {
    if (gathering !== this.#gathering || !this.#awaited.delete(log)) return
    if (!all) this.#incomplete = true
    if (this.#awaited.size === 0) this.#gathered()
  }

  /** A shard is gone: nothing of it is awaited. */
  peerGone(log: number): void {
    this.#deaf.delete(log)
    this.told(log, this.#gathering, true)
  }

  hear(message: Publication, terms: TargetTerms): void {
    const outlet = this.#outlet
    const { cursor } = this.row
    if (outlet === undefined || this.#mode === 'away' || terms.born !== cursor.born) return
    if (lowerQos(message.qos, terms.qos) === 0 || !(message instanceof WaitingMessage)) {
      if (outlet.congested) this.#parts.counters.add('delivery.dropped', 'slow-reader')
      else this.#send(message, 0, 0, false, terms)
      return
    }
    if (this.#mode === 'behind' || this.#deaf.has(message.log)) return
    const { log, order } = message
    if (isDone(cursor, { log, order, born: terms.born })) return
    const told = { message, terms }
    if (message.order <= (cursor.reached.get(message.log) ?? 0)) {
      this.#found.set(message.order, told)
    } else if (this.ready) {
      this.#sendFirst(told)
    } else {
      this.#keep(told)
    }
  }

  /** Retained messages are given by `replay`, and others by `hear`. */
  deliver(publication: Publication, terms: DeliveryTerms): void {
    const { qos, retainAsPublished, identifiers } = terms
    const { born } = this.row.cursor
    const retain = retainAsPublished && publication.retain
    const wanted = { born, qos, retain, identifiers, group: undefined }
    if (lowerQos(publication.qos, qos) === 0) {
      this.hear(publication, wanted)
    } else {
      this.#parts.queueOne(this, publication, wanted)
    }
  }

  replay(source: MessageSource, terms: DeliveryTerms): void {
    this.#replays.push(new Replay(source, terms))
    this.#stepLater()
  }

  drain(): void {
    this.#pump()
  }

  onTimer(): void {
    if (this.#mode === 'behind' && this.#backlog === undefined) this.#listen(false)
  }

  // ---- acknowledgements of what was sent

  acknowledged(packetId: number): boolean {
    const sent = this.row.cursor.inflight.get(packetId)
    if (sent === undefined || sent.qos !== 1) return false
    this.#finish(sent)
    return true
  }

  received(packetId: number, refused: boolean): boolean {
    const sent = this.row.cursor.inflight.get(packetId)
    if (sent === undefined || sent.qos !== 2) return false
    if (refused) {
      if (sent.received) return false
      this.#finish(sent) // [MQTT-4.4.0-2]
      return true
    }
    if (!sent.received) {
      // In the log before PUBREL leaves: from here on it is never sent again.
      this.#parts.change(this, { kind: 'received', packetId })
      this.#parts.done(this, sent.log)
    }
    return true
  }

  completed(packetId: number): boolean {
    const sent = this.row.cursor.inflight.get(packetId)
    if (sent === undefined || !sent.received) return false
    this.#finish(sent)
    return true
  }

  // ---- what it publishes at QoS 2

  arrived(packetId: number): Arrival {
    const { arrivals } = this.row.cursor
    if (arrivals.has(packetId)) return 'again'
    if (arrivals.size >= this.#arrivals) return 'excess'
    this.#parts.change(this, { kind: 'arrived', packetId })
    return 'first'
  }

  released(packetId: number): boolean {
    if (!this.row.cursor.arrivals.has(packetId)) return false
    this.#parts.change(this, { kind: 'released', packetId })
    return true
  }

  // ---- inside

  /** @param resends  what was sent on an earlier connection comes first, in its order [MQTT-4.4.0-1] [MQTT-4.6.0-1] */
  #listen(resends: boolean): void {
    this.#forgetTold()
    this.#mode = 'gathering'
    this.#incomplete = false
    if (resends) {
      this.#again = [...this.row.cursor.inflight.values()]
        .filter(({ packetId }) => !this.#out.has(packetId))
        .reverse()
    }
    this.#deaf = new Set()
    this.#awaited = new Set()
    this.#gathering = this.#parts.nextGathering()
    this.#parts.gather(this, this.#gathering)
  }

  /** For whoever gathers: this shard is asked. */
  asks(log: number): void {
    this.#deaf.add(log)
    this.#awaited.add(log)
  }

  #gathered(): void {
    if (this.#mode !== 'gathering') return
    this.#mode = this.#incomplete ? 'behind' : 'live'
    if (this.#incomplete) {
      this.#parts.silence(this)
      this.#clearTold()
    }
    this.#backlog = new Backlog(this.number, this.#parts.reader)
    this.#pump()
  }

  #hasRoom(): boolean {
    const outlet = this.#outlet
    return outlet !== undefined && !outlet.congested && this.#out.size < this.#bound
  }

  #pump(): void {
    if (this.#mode !== 'live' && this.#mode !== 'behind') return
    this.#sendAgain()
    if (this.#again.length > 0) return
    if (this.#backlog !== undefined || this.#replays.length > 0) this.#stepLater()
    if (this.#backlog !== undefined) return
    while (this.#toldAt < this.#told.length && this.#hasRoom()) {
      const told = this.#told[this.#toldAt++] as Told
      this.#toldBytes -= told.message.buffer.length
      this.#sendFirst(told)
    }
    if (this.#toldAt === this.#told.length) this.#clearTold()
  }

  #stepLater(): void {
    if (this.#stepping) return
    this.#stepping = true
    this.#parts.background(this.#step)
  }

  readonly #step = (): boolean => {
    const busy = this.#mode === 'live' || this.#mode === 'behind'
    if (!busy || this.#again.length > 0 || !this.#hasRoom()) {
      this.#stepping = false
      return false
    }
    const more = this.#backlog === undefined ? this.#replaySome() : this.#readBacklog(this.#backlog)
    if (!more) this.#stepping = false
    return more
  }

  /** A page of what the store has; true: there is more to do. */
  #readBacklog(backlog: Backlog): boolean {
    const { reader } = this.#parts
    for (let queued = backlog.peek(); queued !== undefined; queued = backlog.peek()) {
      if (!this.#hasRoom()) return true
      backlog.take()
      const { order, log, terms } = queued
      if (this.#isBehindUs(log, order, terms.born)) continue
      const message = reader.message(order)
      if (message !== undefined) this.#sendFirst({ message, terms })
    }
    if (backlog.turnPage()) return true
    // One that listens has been told what was stored since it began to read.
    if (this.#mode === 'behind' && backlog.passAgain()) return true
    this.#backlog = undefined
    if (this.#mode === 'behind') this.#parts.timers.arm(this, LOOK_AGAIN_SEC)
    else this.#pump()
    return this.#replays.length > 0
  }

  /** Retained messages: at QoS 1 and 2 they go through the log, as all that may have to be sent again. */
  #replaySome(): boolean {
    const [replay] = this.#replays
    if (replay === undefined || this.#told.length - this.#toldAt > REPLAY_AHEAD) return false
    for (let due = replay.due; due !== undefined && this.#hasRoom(); due = replay.due) {
      replay.sent()
      this.deliver(due, replay.terms)
    }
    if (replay.due === undefined && !replay.fetch()) this.#replays.shift()
    return this.#replays.length > 0
  }

  #sendAgain(): void {
    while (this.#again.length > 0 && this.#hasRoom()) {
      const sent = this.#again.pop() as Inflight
      const { packetId, order, qos, received } = sent
      if (this.row.cursor.inflight.get(packetId) !== sent) continue // acknowledged meanwhile
      if (received) {
        this.#out.add(packetId)
        this.#outlet?.release(packetId)
        continue
      }
      const told = this.#found.get(order) ?? this.#stored(order)
      const { now, counters } = this.#parts
      if (told === undefined) counters.add('delivery.dropped', 'session-queue')
      // An expired one that was sent may have arrived: its exchange goes on.
      told?.message.refresh(now())
      const { message, terms } = told ?? {}
      if (
        message === undefined ||
        terms === undefined ||
        !this.#send(message, qos, packetId, true, terms) // marked [MQTT-3.3.1-1]
      ) {
        this.#finish(sent)
      } else {
        this.#out.add(packetId)
      }
    }
    if (this.#again.length === 0) this.#found.clear()
  }

  #stored(order: number): Told | undefined {
    const { reader } = this.#parts
    const queued = reader.queued(this.number, order)
    const message = queued === undefined ? undefined : reader.message(order)
    if (message === undefined || queued?.terms.born !== this.row.cursor.born) return undefined
    return { message, terms: queued.terms }
  }

  #sendFirst({ message, terms }: Told): void {
    const { log, order } = message
    if (this.#isBehindUs(log, order, terms.born)) return
    const { change, counters, now } = this.#parts
    if (!message.refresh(now())) {
      counters.add('delivery.dropped', 'expired')
      change(this, { kind: 'skipped', log, order })
      this.#parts.done(this, log)
      return
    }
    const qos = lowerQos(message.qos, terms.qos)
    const packetId = this.#nextPacketId()
    if (!this.#send(message, qos, packetId, false, terms)) {
      change(this, { kind: 'skipped', log, order }) // as if it had been sent and acknowledged [MQTT-3.1.2-25]
      this.#parts.done(this, log)
      return
    }
    this.#out.add(packetId)
    change(this, { kind: 'sent', packetId, log, order, qos })
  }

  /** Sent already, or not for this session. */
  #isBehindUs(log: number, order: number, born: number): boolean {
    const { cursor } = this.row
    return born !== cursor.born || order <= (cursor.reached.get(log) ?? 0)
  }

  /** In no use: never one of a message that may be sent again [MQTT-2.2.1-3]. */
  #nextPacketId(): number {
    const { inflight, lastPacketId } = this.row.cursor
    let packetId = lastPacketId
    do packetId = packetId >= 0xffff ? 1 : packetId + 1
    while (inflight.has(packetId))
    return packetId
  }

  #finish({ packetId, log }: Inflight): void {
    this.#out.delete(packetId)
    this.#parts.change(this, { kind: 'acknowledged', packetId })
    this.#parts.done(this, log)
    this.#pump()
  }

  #keep(told: Told): void {
    const { messages, bytes } = this.#parts.queue
    this.#told.push(told)
    this.#toldBytes += told.message.buffer.length
    if (this.#told.length - this.#toldAt <= messages && this.#toldBytes <= bytes) return
    // It does not keep up: what was told waits in the store, too.
    this.#clearTold()
    if (this.#mode === 'gathering') {
      this.#incomplete = true
      return
    }
    this.#parts.silence(this)
    this.#mode = 'behind'
    if (this.#backlog === undefined) this.#parts.timers.arm(this, LOOK_AGAIN_SEC)
  }

  #clearTold(): void {
    this.#told = []
    this.#toldAt = 0
    this.#toldBytes = 0
  }

  #forgetTold(): void {
    this.#clearTold()
    this.#found.clear()
    this.#backlog = undefined
  }

  #send(
    message: Publication,
    qos: Qos,
    packetId: number,
    dup: boolean,
    { retain, identifiers }: TargetTerms,
  ): boolean {
    HEADER.qos = qos
    HEADER.packetId = packetId
    HEADER.dup = dup
    HEADER.retain = retain
    HEADER.identifiers = identifiers
    return this.#outlet?.publish(message, HEADER) ?? false
  }
}
