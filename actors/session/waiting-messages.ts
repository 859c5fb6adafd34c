/**
 * Messages for lasting sessions, on the shard that got them from their publishers. Each is an entry of its log, which is
 * the queue entry of all sessions that it names: so the publisher is acknowledged behind its own shard's record, wherever
 * its subscribers are. Those whose session listens get it at once. What is not done with until the next checkpoint goes to
 * the store; until then it is here, for whoever begins to listen.
 *
 * Bounds: `MAX_UNSTORED_BYTES` where the store stands still, then a publication is refused where its publisher can be
 * told, else dropped for these sessions; the bounds of queues by what the store has of them and what is here.
 */
import {
  type DeliveryTarget,
  mostTermsBytes,
  type TargetTerms,
} from '../../core/domain/delivery-target.ts'
import { lowerQos } from '../../core/domain/qos.ts'
import type { SessionQueuePolicy } from '../../core/domain/settings.ts'
import { encodeWaiting, WaitingMessage } from '../../core/domain/waiting-message.ts'
import type { CheckpointShare } from '../../core/ports/checkpoint-sink.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type {
  QueueTotals,
  SessionReader,
  SessionSink,
  WaitingBatch,
} from '../../core/ports/session-store.ts'
import type { SessionFigures } from './session-figures.ts'

const MAX_UNSTORED_BYTES = 67_108_864 // some seconds of a busy shard
const MAX_TOLD_BYTES = 1_048_576 // to one that begins to listen; where more waits, it reads the store first
const TARGETS_PER_ENTRY = 50_000 // of 65,535 that an entry can have
const TERMS_BYTES_PER_ENTRY = 262_144 // beside a message of any size, within the bound of an entry
const MAX_STORED_SINCE = 1000 // messages of one session that another shard's look may have missed
const BYTES_PER_MESSAGE = 1_048_576 // to the storage thread

interface SessionQueueBounds {
  readonly messages: number
  readonly bytes: number
  readonly policy: SessionQueuePolicy
}

export interface WaitingMessagesParts {
  readonly shard: number
  readonly figures: SessionFigures
  readonly bounds: SessionQueueBounds
  readonly reader: Pick<SessionReader, 'refresh' | 'queue' | 'message' | 'totals'>
  readonly sink: SessionSink
  /** Appends the entry to the log of this shard. */
  readonly journal: (
    message: WaitingMessage,
    targets: readonly number[],
    payload: Uint8Array,
  ) => void
  /** Gives it to a session of this shard, which listens. */
  readonly hear: (session: number, message: Publication, terms: TargetTerms) => void
  /** Gives it to sessions of another shard. */
  readonly tell: (peer: number, message: WaitingMessage, targets: readonly DeliveryTarget[]) => void
  readonly counters: Counters
  readonly now: () => number
}

/** A message with the sessions that have not done with it. */
interface Unstored {
  readonly message: WaitingMessage
  readonly terms: Map<number, TargetTerms>
}

/** A session is over. */
export interface SessionEnd {
  readonly session: number
  readonly born: number
  /** Orders of messages that it was sent at QoS 2. */
  readonly sent: readonly number[]
  /** Up to which order of each log its shard gives what the store has to others. */
  readonly found: readonly (readonly [log: number, order: number])[]
  /** It had shared subscriptions. */
  readonly shared: boolean
}

/** How a shard answers one that begins to listen. */
export type Listening =
  /** It has been told what waits here, and will be told what comes. */
  | 'live'
  /** More waits here than it may be told at once: it will be in the store with the next checkpoint. */
  | 'later'

export class WaitingMessages {
  readonly #parts: WaitingMessagesParts
  /** Not in the store, by order. */
  readonly #unstored = new Map<number, Unstored>()
  /** The same of each session, oldest first. */
  readonly #ofSession = new Map<number, Unstored[]>()
  #unstoredBytes = 0
  /** Sessions that have a connection and keep up, and on which shard. */
  readonly #listening = new Map<number, number>()
  /** Of the store, since the last checkpoint; only where a policy asks. */
  readonly #totals = new Map<number, QueueTotals>()

  constructor(parts: WaitingMessagesParts) {
    this.#parts = parts
  }

  get unstored(): number {
    return this.#unstored.size
  }

  /** It would get a message at once. */
  isListening(session: number): boolean {
    return this.#listening.has(session)
  }

  /** The store has not taken what is here for so long that nothing more may come. */
  get behind(): boolean {
    return this.#unstoredBytes > MAX_UNSTORED_BYTES
  }

  /** Its queue is full, and a publication for it is to be refused before anyone has it. */
  refuses(session: number): boolean {
    return this.#parts.bounds.policy === 'refuse' && this.#isFull(session)
  }

  /** To those who listen now; for the others it waits, unless it comes to them at QoS 0. */
  publish(space: number, publication: Publication, targets: readonly DeliveryTarget[]): void {
    let waiting: DeliveryTarget[] | undefined
    let passing: Map<number, DeliveryTarget[]> | undefined
    for (const target of targets) {
      const { session, terms } = target
      if (lowerQos(publication.qos, terms.qos) > 0) {
        if (this.#drops(session)) continue
        waiting ??= []
        waiting.push(target)
        continue
      }
      const host = this.#listening.get(session)
      if (host === this.#parts.shard) this.#parts.hear(session, publication, terms)
      else if (host !== undefined) {
        passing ??= new Map()
        addTo(passing, host, target)
      }
    }
    if (waiting !== undefined) this.#wait(space, publication, waiting)
    if (passing !== undefined) {
      const where = { space, log: this.#parts.shard, order: 0 }
      const message = WaitingMessage.of(publication, where, this.#parts.now())
      for (const [peer, some] of passing) this.#parts.tell(peer, message, some)
    }
  }

  /** A session's shard tells what it has done with; `upTo` an order. */
  done(session: number, upTo: number): void {
    const list = this.#ofSession.get(session)
    if (list === undefined) return
    let count = 0
    for (const one of list) {
      if (one.message.order > upTo) break
      count += 1
      this.#forget(one, session)
    }
    if (count === list.length) this.#ofSession.delete(session)
    else if (count > 0) list.splice(0, count)
  }

  /**
   * A session begins to listen on a shard. It is told what waits here behind `reached`, and all before that: of these
   * it knows what it has done with.
   */
  listen(session: number, host: number, reached: number): Listening {
    const list = this.#ofSession.get(session) ?? []
    let bytes = 0
    for (const { message } of list) if (message.order > reached) bytes += message.buffer.length
    const all = bytes <= MAX_TOLD_BYTES
    for (const { message, terms } of list) {
      if (!all && message.order > reached) break
      this.#give(host, message, [{ session, terms: terms.get(session) as TargetTerms }])
    }
    if (!all) return 'later'
    this.#listening.set(session, host)
    return 'live'
  }

  stop(session: number, host: number): void {
    if (this.#listening.get(session) === host) this.#listening.delete(session)
  }

  /**
   * A session is over: what waits for it here is of no use; what a shared subscription has chosen it for goes on, but what
   * the shard of the session has found in the store, or has sent at QoS 2 [MQTT-4.8.2-5].
   */
  ended(end: SessionEnd, goesOn: (message: WaitingMessage, group: string) => void): void {
    const { session, born, sent } = end
    const { shard, reader, now } = this.#parts
    const redeliver = (message: WaitingMessage, { group }: TargetTerms): void => {
      if (group === undefined || sent.includes(message.order)) return
      if (message.refresh(now())) goesOn(message, group)
    }
    const found = end.found.find(([log]) => log === shard)?.[1] ?? 0
    const stored = new Set<number>()
    if (end.shared) {
      reader.refresh()
      // Stored since the shard of the session has looked: what a checkpoint takes.
      for (const { order, log, terms } of reader.queue(session, found, MAX_STORED_SINCE)) {
        const message = log === shard && terms.born === born ? reader.message(order) : undefined
        if (message === undefined) continue
        stored.add(order)
        redeliver(message, terms)
      }
    }
    const list = this.#ofSession.get(session) ?? []
    const left = list.filter(({ terms }) => terms.get(session)?.born !== born)
    if (left.length === 0) this.#ofSession.delete(session)
    else this.#ofSession.set(session, left)
    for (const one of list) {
      const terms = one.terms.get(session)
      if (terms?.born !== born) continue
      const { message } = one
      this.#forget(one, session)
      if (message.order > found && !stored.has(message.order)) redeliver(message, terms)
    }
  }

  /** Nobody listens on a shard that died. */
  peerGone(peer: number): void {
    for (const [session, host] of this.#listening) {
      if (host === peer) this.#listening.delete(session)
    }
  }

  /** Takes what is to be stored; it stays here until it is. */
  readonly share = (): CheckpointShare | undefined => {
    this.#totals.clear()
    if (this.#unstored.size === 0) return undefined
    const taken = [...this.#unstored.values()]
    return {
      store: async () => {
        for (const batch of batches(taken)) {
          const dropped = await this.#parts.sink.storeWaiting(batch)
          if (dropped > 0) this.#parts.counters.add('delivery.dropped', 'session-queue', dropped)
        }
        this.#stored(taken)
      },
      failed: () => {}, // nothing has left
    }
  }

  #wait(space: number, publication: Publication, targets: readonly DeliveryTarget[]): void {
    const { figures, shard, journal, now } = this.#parts
    const order = figures.nextOrder()
    const message = WaitingMessage.of(publication, { space, log: shard, order }, now())
    const unstored: Unstored = { message, terms: new Map() }
    let elsewhere: Map<number, DeliveryTarget[]> | undefined
    for (const some of portions(targets)) {
      const sessions = some.map(({ session }) => session)
      journal(message, sessions, encodeWaiting(message, some))
    }
    this.#unstored.set(order, unstored)
    this.#unstoredBytes += message.buffer.length
    for (const target of targets) {
      const { session, terms } = target
      unstored.terms.set(session, terms)
      addTo(this.#ofSession, session, unstored)
    }
    for (const target of targets) {
      const host = this.#listening.get(target.session)
      if (host === undefined) continue
      if (host === shard) this.#parts.hear(target.session, message, target.terms)
      else {
        elsewhere ??= new Map()
        addTo(elsewhere, host, target)
      }
    }
    if (elsewhere === undefined) return
    for (const [peer, some] of elsewhere) this.#parts.tell(peer, message, some)
  }

  #give(host: number, message: WaitingMessage, targets: readonly DeliveryTarget[]): void {
    if (host !== this.#parts.shard) {
      this.#parts.tell(host, message, targets)
      return
    }
    for (const { session, terms } of targets) this.#parts.hear(session, message, terms)
  }

  /** Where nobody was asked who could refuse it, it does without. */
  #drops(session: number): boolean {
    const { bounds, counters } = this.#parts
    if (this.behind) {
      counters.add('delivery.dropped', 'store-behind')
      return true
    }
    if (bounds.policy === 'drop-oldest' || !this.#isFull(session)) return false
    counters.add('delivery.dropped', 'session-queue')
    return true
  }

  #isFull(session: number): boolean {
    let totals = this.#totals.get(session)
    if (totals === undefined) {
      totals = this.#parts.reader.totals(session)
      this.#totals.set(session, totals)
    }
    const here = this.#ofSession.get(session)?.length ?? 0
    const { bounds } = this.#parts
    return totals.messages + here >= bounds.messages || totals.bytes >= bounds.bytes
  }

  #stored(taken: readonly Unstored[]): void {
    const sessions = new Set<number>()
    for (const one of taken) {
      for (const session of one.terms.keys()) sessions.add(session)
      if (this.#unstored.delete(one.message.order)) {
        this.#unstoredBytes -= one.message.buffer.length
      }
    }
    for (const session of sessions) {
      const left = this.#ofSession
        .get(session)
        ?.filter(({ message }) => this.#unstored.has(message.order))
      if (left === undefined || left.length === 0) this.#ofSession.delete(session)
      else this.#ofSession.set(session, left)
    }
  }

  #forget({ message, terms }: Unstored, session: number): void {
    terms.delete(session)
    if (terms.size > 0) return
    if (this.#unstored.delete(message.order)) this.#unstoredBytes -= message.buffer.length
  }
}

function addTo<T>(lists: Map<number, T[]>, key: number, value: T): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

/** As many as an entry can have. */
function* portions(
  targets: readonly DeliveryTarget[],
): Generator<readonly DeliveryTarget[], void, void> {
  let [from, bytes] = [0, 0]
  for (const [at, { terms }] of targets.entries()) {
    bytes += mostTermsBytes(terms)
    if (bytes <= TERMS_BYTES_PER_ENTRY && at - from < TARGETS_PER_ENTRY) continue
    if (at > from) yield targets.slice(from, at)
    ;[from, bytes] = [at, mostTermsBytes(terms)]
  }
  yield from === 0 ? targets : targets.slice(from)
}

/** Those that are done with meanwhile are left out. */
function* batches(taken: readonly Unstored[]): Generator<WaitingBatch[], void, void> {
  let batch: WaitingBatch[] = []
  let bytes = 0
  for (const { message, terms } of taken) {
    if (terms.size === 0) continue
    const targets = Array.from(terms, ([session, wanted]) => ({ session, terms: wanted }))
    const payload = encodeWaiting(message, targets)
    batch.push({ targets: [...terms.keys()], payload: Uint8Array.from(payload) })
    bytes += payload.length
    if (bytes < BYTES_PER_MESSAGE) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}
