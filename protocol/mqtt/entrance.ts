/**
 * Who is let in when many come at once: what newcomers cost (TLS handshake, CONNECT) has a share of each turn, so that
 * those who are connected are read and answered in between. Above it newcomers wait, in three lanes that are served in turn:
 * known ones before strangers, handshakes between them. One per shard, over all its listeners.
 *
 * The share is all there is to regulate: where the turns of the shard get long, they are fewer, and newcomers get less of
 * the time. Bounds: `waiting` newcomers, each for as long as its own time-out; one more is refused by who asked.
 */
import type { Clock } from '../../core/ports/clock.ts'
import type { Turn } from '../../core/ports/turn.ts'

const SHARE_MS = 2 // as much as a turn reads of those who are connected (shard-turn.ts)
/** What is not seen by the clock: a handshake is worked on behind the call that begins it. */
const LEAST_MS: Readonly<Record<Lane, number>> = { known: 0, handshake: 0.5, stranger: 0 }
/** A stranger waits longer, but never for ever. */
const ORDER: readonly Lane[] = ['known', 'handshake', 'known', 'handshake', 'stranger']

/**
 * `known`: a CONNECT of a device that was here before, or of a client that goes on with its session. `handshake`: a
 * socket that begins TLS, of whom nothing is known yet. `stranger`: any other CONNECT.
 */
export type Lane = 'known' | 'handshake' | 'stranger'

export interface Newcomer {
  /** Its turn has come. Called once for each `wait`, unless it leaves before. */
  enter(): void
}

/** In the order in which they came; each may leave at any time. */
class Waiting {
  readonly #all = new Set<Newcomer>()
  /** Kept from one to the next: a new one would step over all that have gone before. */
  #at = this.#all.values()

  get size(): number {
    return this.#all.size
  }

  add(newcomer: Newcomer): void {
    this.#all.add(newcomer)
  }

  delete(newcomer: Newcomer): boolean {
    return this.#all.delete(newcomer)
  }

  /** Only where there is one. */
  take(): Newcomer {
    let next = this.#at.next()
    if (next.done === true) {
      this.#at = this.#all.values()
      next = this.#at.next()
    }
    const newcomer = next.value as Newcomer
    this.#all.delete(newcomer)
    return newcomer
  }
}

export interface EntranceParts {
  readonly clock: Clock
  readonly turn: Turn
  /** Runs a slice in a later turn: `setImmediate`, with the turn entered. */
  readonly schedule: (slice: () => void) => void
  /** Newcomers that may wait. */
  readonly limit: number
  /** The shard sheds load: whoever comes to its turn is refused. */
  readonly shedding: () => boolean
}

export class Entrance {
  readonly #parts: EntranceParts
  readonly #lanes: Readonly<Record<Lane, Waiting>> = {
    known: new Waiting(),
    handshake: new Waiting(),
    stranger: new Waiting(),
  }
  #next = 0 // in ORDER
  #serial = -1
  #spentMs = 0 // in the turn of this serial
  #startedAt = 0
  #scheduled = false

  constructor(parts: EntranceParts) {
    this.#parts = parts
  }

  get shedding(): boolean {
    return this.#parts.shedding()
  }

  get waiting(): number {
    const { known, handshake, stranger } = this.#lanes
    return known.size + handshake.size + stranger.size
  }

  /** A newcomer need not wait: between `begin` and `end` it does its work at once. In an open turn. */
  get free(): boolean {
    return this.waiting === 0 && this.#leftMs() > 0
  }

  begin(): void {
    this.#startedAt = this.#parts.clock.monotonic()
  }

  end(lane: Lane): void {
    const tookMs = this.#parts.clock.monotonic() - this.#startedAt
    this.#renew()
    this.#spentMs += Math.max(tookMs, LEAST_MS[lane])
  }

  /** False: as many wait as may. */
  wait(newcomer: Newcomer, lane: Lane): boolean {
    if (this.waiting >= this.#parts.limit) return false
    this.#lanes[lane].add(newcomer)
    this.#schedule()
    return true
  }

  /** It waits no more. */
  leave(newcomer: Newcomer): void {
    for (const lane of ORDER) if (this.#lanes[lane].delete(newcomer)) return
  }

  /** At least one, so that all come in at some time. */
  readonly #slice = (): void => {
    this.#scheduled = false
    do {
      const lane = this.#choose()
      if (lane === undefined) return
      const newcomer = this.#lanes[lane].take()
      this.begin()
      newcomer.enter()
      this.end(lane)
    } while (this.#leftMs() > 0)
    this.#schedule()
  }

  #choose(): Lane | undefined {
    for (let i = 0; i < ORDER.length; i++) {
      const lane = ORDER[this.#next] as Lane
      this.#next = (this.#next + 1) % ORDER.length
      if (this.#lanes[lane].size > 0) return lane
    }
    return undefined
  }

  #leftMs(): number {
    this.#renew()
    return SHARE_MS - this.#spentMs
  }

  /** A new turn, a new share. */
  #renew(): void {
    const { serial } = this.#parts.turn
    if (serial === this.#serial) return
    this.#serial = serial
    this.#spentMs = 0
  }

  #schedule(): void {
    if (this.#scheduled || this.waiting === 0) return
    this.#scheduled = true
    this.#parts.schedule(this.#slice)
  }
}
