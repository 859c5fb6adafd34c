/**
 * Tells the truth of devices whose row says online, and whose connection died with a process or a shard:
 * in the background, some per turn, since there may be a million of them and their fleet is coming back. Nor
 * faster than their rows are stored, or a close would have to wait for them.
 */
import type { DeviceNumber } from '../../core/domain/identifiers.ts'
import type { LiveDevices } from './live-devices.ts'

const PER_TURN = 200 // some two milliseconds
const MAX_UNSTORED = 10_000 // rows; more wait for the next checkpoint

export interface SettlementParts {
  readonly devices: LiveDevices
  /** The next numbers whose stored row says online, rising; at most `limit`. */
  readonly onlineNumbers: (after: number, limit: number) => readonly DeviceNumber[]
  /** How many there are. */
  readonly count: number
  /** Those that this shard settles. */
  readonly isOurs: (number: DeviceNumber) => boolean
  /** Rows that wait to be stored. */
  readonly unstored: () => number
}

export class Settlement {
  readonly #parts: SettlementParts
  #left: number
  #after = 0
  #done = false

  constructor(parts: SettlementParts) {
    this.#parts = parts
    this.#left = parts.count
  }

  /** Still to be looked at, of all shards' devices. */
  get left(): number {
    return this.#done ? 0 : this.#left
  }

  /** The next ones; call it in a turn of its own. */
  run(): 'done' | 'more' | 'later' {
    const { devices, onlineNumbers, isOurs, unstored } = this.#parts
    if (unstored() >= MAX_UNSTORED) return 'later'
    const numbers = onlineNumbers(this.#after, PER_TURN)
    for (const number of numbers) if (isOurs(number)) devices.settle(number)
    this.#left = Math.max(0, this.#left - numbers.length)
    this.#after = numbers.at(-1) ?? this.#after
    this.#done = numbers.length < PER_TURN
    return this.#done ? 'done' : 'more'
  }
}
