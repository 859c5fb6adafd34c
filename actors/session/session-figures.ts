/**
 * What all threads know of lasting sessions: shared memory of two 64-bit words. The order names each message that waits
 * for sessions, over all shards and all starts; the number of sessions is their bound.
 */
const ORDER = 0
const SESSIONS = 1
const WORDS = 2

export class SessionFigures {
  readonly memory: SharedArrayBuffer
  readonly #words: BigInt64Array<SharedArrayBuffer>

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 8)) {
    this.memory = memory
    this.#words = new BigInt64Array(memory)
  }

  /** Each once, rising. */
  nextOrder(): number {
    return Number(Atomics.add(this.#words, ORDER, 1n)) + 1
  }

  /** Given last. */
  get order(): number {
    return Number(Atomics.load(this.#words, ORDER))
  }

  get sessions(): number {
    return Number(Atomics.load(this.#words, SESSIONS))
  }

  addSessions(by: number): void {
    Atomics.add(this.#words, SESSIONS, BigInt(by))
  }

  /** At the start, before anyone asks. */
  begin(order: number, sessions: number): void {
    Atomics.store(this.#words, ORDER, BigInt(order))
    Atomics.store(this.#words, SESSIONS, BigInt(sessions))
  }
}
