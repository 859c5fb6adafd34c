/**
 * Which device number is held by which shard: two Int32 per number in shared memory, read by every
 * thread without asking. Word 0 is `state | shard << 8`, word 1 the epoch of the token; changed only
 * by Atomics. A fixed table: 8 bytes for each of `limits.devices` numbers, which the system gives memory
 * only where they are used.
 */
import type { DeviceNumber } from '../../core/domain/identifiers.ts'

const WORDS = 2
const ONLINE = 1

export class PresenceTable {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#words = new Int32Array(memory, 0, memory.byteLength / 4)
  }

  /** @param devices  highest number that may be given */
  static create(devices: number): PresenceTable {
    return new PresenceTable(new SharedArrayBuffer((devices + 1) * WORDS * 4))
  }

  /** Makes `shard` the owner of an online number and returns the new epoch of its token. */
  claim(number: DeviceNumber, shard: number): number {
    const epoch = Atomics.add(this.#words, number * WORDS + 1, 1) + 1
    Atomics.store(this.#words, number * WORDS, ONLINE | (shard << 8))
    return epoch
  }

  /** The shard stays the owner of the number; its connection is gone. */
  release(number: DeviceNumber, shard: number): void {
    Atomics.store(this.#words, number * WORDS, shard << 8)
  }

  isOnline(number: DeviceNumber): boolean {
    return (Atomics.load(this.#words, number * WORDS) & 0xff) === ONLINE
  }
}
