/**
 * Custody of numbers, as one shard sees it: the table of docs/ownership.md, row by row. Decides who may
 * speak for a device or client; what a row is, and how a connection is closed, its custodian knows.
 *
 * Bounds: one waiting claim and one queued ask per number; `MAX_ASKS` asks without an answer towards one
 * shard, one more is refused as busy. Everything here happens within the turn in which it is called.
 */
import type { TimerEntry, Timers } from '../../core/ports/timers.ts'
import {
  asked,
  given,
  hasCustody,
  held,
  nextOf,
  ownerOf,
  type PresenceTable,
  phaseOf,
  saysOnline,
  UNOWNED,
} from './presence-table.ts'

const CLAIM_SEC = 2 // then the client is told Server Busy: it waits no longer than this for a shard that stands still
export const MAX_ASKS = 16_384 // towards one shard: some 100 bytes each in its queue

/** Messages of the control lane; numbers, since they are many in a storm. */
const ASK = 1
const QUEUED_ASK = 2
const GIVE = 3
const DECLINE_SUPERSEDED = 4
const DECLINE_MOVED = 5

/** `row` is the custodian's own: it went through `surrender` on the other side. */
type Message = readonly [kind: number, number: number, askId: number, row?: unknown]

/** Who wants a number; exactly one of these is called, once, now or later. */
export interface Claimant {
  /** Custody is here, and the row is. */
  granted(): void
  /** No answer in time. */
  busy(): void
  /** A later connect was faster. */
  superseded(): void
}

export interface Custodian {
  /**
   * Custody leaves: closes the connection, whose end is the last entry of the number, and forgets it.
   * `undefined`: the store has the row as it is.
   */
  surrender(number: number): unknown
  /** Custody came with a row that is not in the store; its adopt record is written now. */
  adopt(number: number, row: unknown): void
  /** Custody came, and nobody waits for it. */
  rest(number: number): void
}

/** The part of the mesh that custody needs. */
export interface ControlLane {
  tell(peer: number, channel: number, body: unknown): boolean
  onControl(channel: number, receive: (from: number, body: unknown) => void): void
}

export interface CustodyParts {
  readonly shard: number
  readonly presence: PresenceTable
  readonly mesh: ControlLane
  readonly channel: number
  readonly timers: Timers
  readonly custodian: Custodian
}

/** Since the start of the shard; `waiting` now. */
export interface CustodyCounts {
  readonly given: number
  readonly adopted: number
  readonly declined: number
  readonly timedOut: number
  readonly superseded: number
  readonly waiting: number
}

interface QueuedAsk {
  readonly shard: number
  readonly askId: number
}

const NOBODY = -1

/** A connect that waits for custody. */
class Waiting implements TimerEntry {
  timerSlot = -1
  timerRounds = 0
  timerNext: TimerEntry | undefined = undefined
  timerPrevious: TimerEntry | undefined = undefined
  readonly number: number
  claimant: Claimant
  /** The shard whose answer is awaited; NOBODY: custody is on its way, or the shard to ask is gone. */
  asked = NOBODY
  askId = 0
  readonly #expire: (waiting: Waiting) => void

  constructor(number: number, claimant: Claimant, expire: (waiting: Waiting) => void) {
    this.number = number
    this.claimant = claimant
    this.#expire = expire
  }

  onTimer(): void {
    this.#expire(this)
  }
}

export class Custody {
  readonly #parts: CustodyParts
  readonly #waiting = new Map<number, Waiting>()
  readonly #queued = new Map<number, QueuedAsk>()
  /** Asks without an answer, by shard. */
  readonly #outstanding = new Map<number, number>()
  #nextAskId = 1
  #given = 0
  #adopted = 0
  #declined = 0
  #timedOut = 0
  #superseded = 0

  constructor(parts: CustodyParts) {
    this.#parts = parts
    parts.mesh.onControl(parts.channel, this.#receive)
  }

  get counts(): CustodyCounts {
    return {
      given: this.#given,
      adopted: this.#adopted,
      declined: this.#declined,
      timedOut: this.#timedOut,
      superseded: this.#superseded,
      waiting: this.#waiting.size,
    }
  }

  /** This shard may change the row of the number. */
  holds(number: number): boolean {
    return hasCustody(this.#parts.presence.word(number), this.#parts.shard)
  }

  /** A connect: it becomes the one connection of the number, or hears why not. */
  claim(number: number, claimant: Claimant): void {
    let waiting = this.#waiting.get(number)
    if (waiting === undefined) {
      waiting = new Waiting(number, claimant, this.#expire)
    } else {
      const before = waiting.claimant
      waiting.claimant = claimant
      this.#superseded += 1
      before.superseded()
    }
    this.#attempt(waiting)
  }

  /** Takes a number that no shard holds, with the row as the store has it. False where one does. */
  take(number: number): boolean {
    return this.#parts.presence.swap(number, UNOWNED, held(this.#parts.shard, false))
  }

  /** Says whether the number has a connection; only where custody is here. */
  setOnline(number: number, online: boolean): void {
    const { presence, shard } = this.#parts
    for (;;) {
      const word = presence.word(number)
      if (!hasCustody(word, shard)) return // given meanwhile: the next owner says
      const to = phaseOf(word) === 'held' ? held(shard, online) : asked(shard, nextOf(word), online)
      if (presence.swap(number, word, to)) return
    }
  }

  /** Nothing lives in the number any more, not even a row: custody goes back to the store. */
  release(number: number): void {
    const { presence, shard } = this.#parts
    const word = presence.word(number)
    if (phaseOf(word) === 'held' && ownerOf(word) === shard) presence.swap(number, word, UNOWNED)
    // Where another shard asks for it, its ask is under way and will be answered.
  }

  /** A connect that waits is not wanted any more; its claimant hears nothing from here. */
  abandon(number: number): Claimant | undefined {
    const waiting = this.#waiting.get(number)
    if (waiting === undefined) return undefined
    this.#withdraw(waiting)
    return waiting.claimant
  }

  /** A shard has died, and all that it had posted was handled. */
  peerGone(peer: number): void {
    this.#outstanding.delete(peer)
    for (const [number, ask] of this.#queued) if (ask.shard === peer) this.#queued.delete(number)
    for (const waiting of this.#waiting.values()) if (waiting.asked === peer) waiting.asked = NOBODY
  }

  /** What the dead shard held is in the store: who waited for it begins again. */
  peerRecovered(): void {
    const { presence, shard } = this.#parts
    for (const [number, ask] of Array.from(this.#queued)) {
      const word = presence.word(number)
      if (phaseOf(word) === 'given' && nextOf(word) === shard) continue
      this.#queued.delete(number) // what was on its way here went down with its sender
      this.#decline(ask.shard, number, ask.askId, DECLINE_MOVED)
    }
    for (const waiting of Array.from(this.#waiting.values())) {
      if (waiting.asked === NOBODY) this.#attempt(waiting)
    }
  }

  // ---- connects

  #attempt(waiting: Waiting): void {
    const { presence, shard } = this.#parts
    const { number } = waiting
    for (;;) {
      const word = presence.word(number)
      const owner = ownerOf(word)
      switch (phaseOf(word)) {
        case 'unowned':
          if (!presence.swap(number, word, held(shard, false))) continue
          this.#grant(waiting)
          return
        case 'held':
          if (owner === shard) {
            this.#grant(waiting)
            return
          }
          if (!this.#ask(waiting, word, owner)) continue
          return
        case 'asked':
          if (owner === shard) {
            if (!presence.swap(number, word, held(shard, saysOnline(word)))) continue
            this.#grant(waiting) // the other's ask will find that it was overtaken
            return
          }
          if (nextOf(word) === shard) {
            this.#wait(waiting) // our ask is under way
            return
          }
          if (!this.#ask(waiting, word, owner)) continue
          return
        case 'given':
          this.#follow(waiting, nextOf(word))
          return
      }
    }
  }

  /** False where the word has changed meanwhile. */
  #ask(waiting: Waiting, word: number, owner: number): boolean {
    const { presence, shard } = this.#parts
    if (!this.#hasRoom(owner)) {
      this.#refuse(waiting)
      return true
    }
    const wanted = asked(owner, shard, saysOnline(word))
    if (!presence.swap(waiting.number, word, wanted)) return false
    if (!this.#sendAsk(waiting, owner, ASK)) {
      // That shard is gone: what it held will be in the store, then we begin again.
      presence.swap(waiting.number, wanted, word)
    }
    this.#wait(waiting)
    return true
  }

  /** Custody is on its way to `next`. */
  #follow(waiting: Waiting, next: number): void {
    const { number } = waiting
    if (next === this.#parts.shard) {
      const queued = this.#queued.get(number)
      if (queued !== undefined) {
        this.#queued.delete(number)
        this.#decline(queued.shard, number, queued.askId, DECLINE_SUPERSEDED)
      }
      waiting.asked = NOBODY
    } else if (this.#hasRoom(next)) {
      this.#sendAsk(waiting, next, QUEUED_ASK)
    } else {
      this.#refuse(waiting)
      return
    }
    this.#wait(waiting)
  }

  #sendAsk(waiting: Waiting, to: number, kind: number): boolean {
    const { mesh, channel } = this.#parts
    const askId = this.#nextAskId++
    const sent = mesh.tell(to, channel, [kind, waiting.number, askId] satisfies Message)
    waiting.askId = askId
    waiting.asked = sent ? to : NOBODY
    if (sent) this.#outstanding.set(to, (this.#outstanding.get(to) ?? 0) + 1)
    return sent
  }

  #hasRoom(peer: number): boolean {
    return (this.#outstanding.get(peer) ?? 0) < MAX_ASKS
  }

  #wait(waiting: Waiting): void {
    if (this.#waiting.get(waiting.number) !== waiting) {
      this.#waiting.set(waiting.number, waiting)
    }
    if (waiting.timerSlot < 0) this.#parts.timers.arm(waiting, CLAIM_SEC)
  }

  #grant(waiting: Waiting): void {
    this.#forget(waiting)
    waiting.claimant.granted()
  }

  #refuse(waiting: Waiting): void {
    this.#timedOut += 1
    this.#withdraw(waiting)
    waiting.claimant.busy()
  }

  readonly #expire = (waiting: Waiting): void => {
    if (this.#waiting.get(waiting.number) === waiting) this.#refuse(waiting)
  }

  /** Takes the wish back where that is still possible; where custody is on its way, it rests here. */
  #withdraw(waiting: Waiting): void {
    const { presence, shard } = this.#parts
    this.#forget(waiting)
    const word = presence.word(waiting.number)
    if (phaseOf(word) !== 'asked' || nextOf(word) !== shard) return
    presence.swap(waiting.number, word, held(ownerOf(word), saysOnline(word)))
    // Failing means that the owner, or another claimant, has moved it: then the wish is over, too.
  }

  #forget(waiting: Waiting): void {
    if (this.#waiting.get(waiting.number) === waiting) this.#waiting.delete(waiting.number)
    this.#parts.timers.disarm(waiting)
  }

  // ---- messages

  readonly #receive = (from: number, body: unknown): void => {
    const [kind, number, askId, row] = body as Message
    switch (kind) {
      case ASK:
        this.#onAsk(from, number, askId)
        break
      case QUEUED_ASK:
        this.#onQueuedAsk(from, number, askId)
        break
      case GIVE:
        this.#answered(from)
        this.#onGive(from, number, row)
        break
      default:
        this.#answered(from)
        this.#onDecline(number, askId, kind)
    }
  }

  #onAsk(from: number, number: number, askId: number): void {
    const { presence, shard } = this.#parts
    for (;;) {
      const word = presence.word(number)
      const wanted = phaseOf(word) === 'asked' && ownerOf(word) === shard && nextOf(word) === from
      if (!wanted) break
      if (this.#give(number, word, from, askId)) return
    }
    this.#decline(from, number, askId, DECLINE_SUPERSEDED)
  }

  #onQueuedAsk(from: number, number: number, askId: number): void {
    const { presence, shard } = this.#parts
    for (;;) {
      const word = presence.word(number)
      const phase = phaseOf(word)
      const here = ownerOf(word) === shard
      if (phase === 'given' && nextOf(word) === shard) {
        this.#queue(from, number, askId)
        return
      }
      if (!here || !(phase === 'held' || (phase === 'asked' && nextOf(word) === from))) break
      if (this.#give(number, word, from, askId)) return
    }
    this.#decline(from, number, askId, DECLINE_MOVED)
  }

  /** Asked while custody is still on its way here: the ask is kept, the latest one counts. */
  #queue(from: number, number: number, askId: number): void {
    const waiting = this.#waiting.get(number)
    if (waiting !== undefined) {
      this.#forget(waiting)
      this.#superseded += 1
      waiting.claimant.superseded()
    }
    const before = this.#queued.get(number)
    if (before !== undefined) {
      this.#decline(before.shard, number, before.askId, DECLINE_SUPERSEDED)
    }
    this.#queued.set(number, { shard: from, askId })
  }

  /** False where the word has changed meanwhile. The swap comes first: from then on we write nothing more for it. */
  #give(number: number, word: number, to: number, askId: number): boolean {
    const { presence, shard, custodian, mesh, channel } = this.#parts
    if (!presence.swap(number, word, given(shard, to))) return false
    this.#given += 1
    const row = custodian.surrender(number)
    mesh.tell(to, channel, [GIVE, number, askId, row] satisfies Message)
    return true
  }

  #onGive(from: number, number: number, row: unknown): void {
    const { presence, shard, custodian } = this.#parts
    if (!presence.swap(number, given(from, shard), held(shard, false))) {
      throw new Error(`custody of ${number} came from shard ${from}, which had not given it`)
    }
    this.#adopted += 1
    if (row !== undefined) custodian.adopt(number, row)
    const waiting = this.#waiting.get(number)
    if (waiting !== undefined) {
      this.#grant(waiting)
      return
    }
    const queued = this.#queued.get(number)
    if (queued === undefined) {
      custodian.rest(number)
      return
    }
    this.#queued.delete(number)
    this.#onQueuedAsk(queued.shard, number, queued.askId)
  }

  #onDecline(number: number, askId: number, kind: number): void {
    const waiting = this.#waiting.get(number)
    if (waiting === undefined || waiting.askId !== askId) return // withdrawn, or asked again since
    this.#declined += 1
    waiting.asked = NOBODY
    if (kind === DECLINE_MOVED) {
      this.#attempt(waiting)
      return
    }
    this.#forget(waiting)
    this.#superseded += 1
    waiting.claimant.superseded()
  }

  #decline(to: number, number: number, askId: number, kind: number): void {
    this.#parts.mesh.tell(to, this.#parts.channel, [kind, number, askId] satisfies Message)
  }

  #answered(from: number): void {
    const left = (this.#outstanding.get(from) ?? 1) - 1
    if (left > 0) this.#outstanding.set(from, left)
    else this.#outstanding.delete(from)
  }
}
