/**
 * Follows a log as it is written: batches for a consumer, which waits on the writer's mark when it
 * has read all. Keeps no process alive; `return` (or the signal) ends a wait at once.
 *
 * The mark wakes it through `Atomics.waitAsync`; a look every 100 ms serves runtimes where the wake
 * does not arrive. At most one such wait is outstanding.
 */
import { HighWater } from './high-water.ts'
import { type LogBatch, LogReader, type LogReaderOptions } from './log-reader.ts'

const POLL_MS = 100

export interface FollowOptions extends LogReaderOptions {
  readonly highWater: SharedArrayBuffer
  /** The sequence seen last; 0: from the oldest entry kept. */
  readonly after: number
  readonly signal?: AbortSignal | undefined
}

export class LogFollower implements AsyncIterableIterator<LogBatch> {
  readonly #reader: LogReader
  readonly #mark: HighWater
  readonly #signal: AbortSignal | undefined
  #closed = false
  #waiting = false
  #wake: (() => void) | undefined

  constructor(options: FollowOptions) {
    this.#reader = new LogReader(options)
    this.#reader.seek(options.after)
    this.#mark = new HighWater(options.highWater)
    this.#signal = options.signal
    if (options.signal?.aborted === true) this.#close()
    else options.signal?.addEventListener('abort', this.#close)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /**
   * The next batch, never an empty one. Call it again only once it has resolved.
   *
   * @throws data.unreadable, data.newer; it is closed then
   */
  async next(): Promise<IteratorResult<LogBatch, undefined>> {
    while (!this.#closed) {
      const { change } = this.#mark.read()
      const batch = this.#read()
      if (batch.entries.length > 0) return { done: false, value: batch }
      await this.#changed(change)
    }
    return { done: true, value: undefined }
  }

  return(): Promise<IteratorResult<LogBatch, undefined>> {
    this.#close()
    return Promise.resolve({ done: true, value: undefined })
  }

  #read(): LogBatch {
    try {
      return this.#reader.readBatch()
    } catch (error) {
      this.#close()
      throw error
    }
  }

  readonly #close = (): void => {
    if (this.#closed) return
    this.#closed = true
    this.#signal?.removeEventListener('abort', this.#close)
    this.#reader.close()
    this.#wake?.()
    if (this.#waiting) Atomics.notify(this.#mark.words, 0) // ours resolves; others look and wait again
  }

  #changed(since: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), POLL_MS)
      timer.unref()
      this.#wake = () => {
        this.#wake = undefined
        clearTimeout(timer)
        resolve()
      }
      if (this.#waiting) return
      const wait = Atomics.waitAsync(this.#mark.words, 0, since)
      if (!wait.async) {
        this.#wake()
        return
      }
      this.#waiting = true
      void wait.value.then(() => {
        this.#waiting = false
        this.#wake?.()
      })
    })
  }
}
