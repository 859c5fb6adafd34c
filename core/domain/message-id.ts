/**
 * Message ids: decimal strings of at most 19 digits that only rise per shard, also across restarts.
 * A 64-bit number in three parts: milliseconds since 2020-01-01 (42 bits), shard (8), counter (14).
 *
 * One source per shard, on its thread. Made per message, so it works on two 32-bit halves; a BigInt
 * appears only where an id becomes text. More than 16,384 ids in one millisecond borrow from the
 * next one; a clock that stands or steps back does not make ids fall.
 */
import type { Clock } from '../ports/clock.ts'
import type { MessageId } from './identifiers.ts'

const EPOCH_MS = 1_577_836_800_000 // 2020-01-01T00:00:00Z: 19 digits last until 2095
const MAX_SHARD = 0xff
const MAX_COUNTER = 0x3fff

export class MessageIdSource {
  /** Halves of the id made last, unsigned; both 0 before the first. */
  hi = 0
  lo = 0
  readonly #clock: Clock
  readonly #shardBits: number
  #ms = 0
  #counter = 0

  /** @param shard  0 to 255 */
  constructor(shard: number, clock: Clock) {
    if (!Number.isInteger(shard) || shard < 0 || shard > MAX_SHARD) {
      throw new RangeError(`shard ${shard} is not within 0 to ${MAX_SHARD}`)
    }
    this.#clock = clock
    this.#shardBits = shard << 14
  }

  /** All ids made from now on are greater than this one: the last that an earlier run has logged. */
  resumeAfter(hi: number, lo: number): void {
    const ms = hi * 1024 + (lo >>> 22)
    if (ms < this.#ms) return
    this.#ms = ms
    this.#counter = MAX_COUNTER // whatever its shard and counter: the next id is of a later millisecond
  }

  /** Makes the next id, into `hi` and `lo`. */
  next(): void {
    const now = this.#clock.now() - EPOCH_MS
    if (now > this.#ms) {
      this.#ms = Math.floor(now)
      this.#counter = 0
    } else if (this.#counter < MAX_COUNTER) {
      this.#counter += 1
    } else {
      this.#ms += 1
      this.#counter = 0
    }
    this.hi = Math.floor(this.#ms / 1024)
    this.lo = (((this.#ms % 1024) << 22) | this.#shardBits | this.#counter) >>> 0
  }

  nextString(): MessageId {
    this.next()
    return formatMessageId(this.hi, this.lo)
  }
}

export function formatMessageId(hi: number, lo: number): MessageId {
  return ((BigInt(hi) << 32n) | BigInt(lo)).toString() as MessageId
}
