/**
 * Tells the truth of devices whose row says online, and whose connection died with a process or a shard:
 * in the background, some per turn, since there may be a million of them and their fleet is coming back.
 */
import type { DeviceNumber } from '../../core/domain/identifiers.ts'
import type { LiveDevices } from './live-devices.ts'

const PER_TURN = 200 // some two milliseconds

export class Settlement {
  readonly #devices: LiveDevices
  readonly #numbers: readonly DeviceNumber[]
  #next = 0
  /** Offline entries that were written. */
  settled = 0

  constructor(devices: LiveDevices, numbers: readonly DeviceNumber[]) {
    this.#devices = devices
    this.#numbers = numbers
  }

  get left(): number {
    return this.#numbers.length - this.#next
  }

  /** The next ones; call it in a turn of its own. False: all are done. */
  run(): boolean {
    const end = Math.min(this.#next + PER_TURN, this.#numbers.length)
    for (; this.#next < end; this.#next++) {
      if (this.#devices.settle(this.#numbers[this.#next] as DeviceNumber)) this.settled += 1
    }
    return this.left > 0
  }
}
