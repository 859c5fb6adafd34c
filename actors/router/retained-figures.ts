/**
 * What all threads know of the retained messages: shared memory of three 64-bit words. The counter orders them over all
 * shards, so that of two retained for one topic every shard keeps the same; the storage thread alone writes the totals.
 */
const ORDER = 0
const MESSAGES = 1
const BYTES = 2
const WORDS = 3

export class RetainedFigures {
  readonly memory: SharedArrayBuffer
  readonly #words: BigInt64Array<SharedArrayBuffer>

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 8)) {
    this.memory = memory
    this.#words = new BigInt64Array(memory)
  }

  /** From 1, each once. */
  nextOrder(): number {
    return Number(Atomics.add(this.#words, ORDER, 1n)) + 1
  }

  /** As the store has them. */
  get messages(): number {
    return Number(Atomics.load(this.#words, MESSAGES))
  }

  get bytes(): number {
    return Number(Atomics.load(this.#words, BYTES))
  }

  setTotals({ messages, bytes }: { readonly messages: number; readonly bytes: number }): void {
    Atomics.store(this.#words, MESSAGES, BigInt(messages))
    Atomics.store(this.#words, BYTES, BigInt(bytes))
  }
}
