/**
 * What every thread may know of every shard without asking: eight Int32 per shard in shared memory. Each
 * shard writes its own words, main clears those of one that died.
 */
const WORDS = 8
const BEAT = 0
const CONNECTIONS = 1
const ABANDONED = 2

export class ShardBoard {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array<SharedArrayBuffer>

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#words = new Int32Array(memory, 0, memory.byteLength / 4)
  }

  static create(shards: number): ShardBoard {
    return new ShardBoard(new SharedArrayBuffer(shards * WORDS * 4))
  }

  /** The shard's event loop runs; `ms` by a clock that all threads share. */
  beat(shard: number, ms: number): void {
    Atomics.store(this.#words, shard * WORDS + BEAT, ms | 0)
  }

  /** Milliseconds since the shard's last beat. */
  silentMs(shard: number, ms: number): number {
    return ((ms | 0) - Atomics.load(this.#words, shard * WORDS + BEAT)) | 0
  }

  addConnections(shard: number, by: number): void {
    Atomics.add(this.#words, shard * WORDS + CONNECTIONS, by)
  }

  /** Open connections of all shards. */
  connections(): number {
    let sum = 0
    for (let at = CONNECTIONS; at < this.#words.length; at += WORDS) {
      sum += Atomics.load(this.#words, at)
    }
    return sum
  }

  /** A shard that died has none. */
  clear(shard: number): void {
    Atomics.store(this.#words, shard * WORDS + CONNECTIONS, 0)
  }

  /** The shard has let go of what must not be open when the process ends. */
  abandoned(shard: number): void {
    Atomics.store(this.#words, shard * WORDS + ABANDONED, 1)
    Atomics.notify(this.#words, shard * WORDS + ABANDONED)
  }

  /** Blocks until the shard has, or the time is over: only for the last moments of the process. */
  waitAbandoned(shard: number, timeoutMs: number): void {
    Atomics.wait(this.#words, shard * WORDS + ABANDONED, 0, timeoutMs)
  }
}
