/**
 * How far a log is written, in shared memory: its writer publishes after each write, readers on any
 * thread look without asking. A sequence lock: the first word is odd while the others change.
 *
 * One writer per mark; 32 bytes: [change, segment lo, segment hi, offset, sequence lo, sequence hi].
 */
const CHANGE = 0
const SEGMENT = 1
const OFFSET = 3
const SEQUENCE = 4
const WORDS = 8
const TWO_32 = 0x1_0000_0000

export const HIGH_WATER_BYTES: number = WORDS * 4

export interface Mark {
  /** Counts publications; what a waiter compares. */
  readonly change: number
  /** First sequence of the segment that is being written. */
  readonly segment: number
  /** Bytes of that segment which hold whole records. */
  readonly offset: number
  /** The last sequence written; -1: none yet. */
  readonly sequence: number
}

export class HighWater {
  readonly words: Int32Array<SharedArrayBuffer>

  /** @param memory  `HIGH_WATER_BYTES`, zeroed when made */
  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory, 0, WORDS)
  }

  publish(segment: number, offset: number, sequence: number): void {
    const { words } = this
    Atomics.add(words, CHANGE, 1)
    const last = sequence + 1 // so that zeroed memory says: none
    Atomics.store(words, SEGMENT, segment | 0)
    Atomics.store(words, SEGMENT + 1, Math.floor(segment / TWO_32))
    Atomics.store(words, OFFSET, offset | 0)
    Atomics.store(words, SEQUENCE, last | 0)
    Atomics.store(words, SEQUENCE + 1, Math.floor(last / TWO_32))
    Atomics.add(words, CHANGE, 1)
    Atomics.notify(words, CHANGE)
  }

  read(): Mark {
    const { words } = this
    for (;;) {
      const change = Atomics.load(words, CHANGE)
      const segment = wide(words, SEGMENT)
      const offset = Atomics.load(words, OFFSET) >>> 0
      const sequence = wide(words, SEQUENCE) - 1
      const settled = (change & 1) === 0 && Atomics.load(words, CHANGE) === change
      if (settled) return { change, segment, offset, sequence }
    }
  }
}

function wide(words: Int32Array<SharedArrayBuffer>, index: number): number {
  return (Atomics.load(words, index + 1) >>> 0) * TWO_32 + (Atomics.load(words, index) >>> 0)
}
