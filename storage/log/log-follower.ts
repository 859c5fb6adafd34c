/**
 * Follows logs as they are written: batches for a consumer, which waits on the writers' marks when it has
 * read all. Keeps no process alive; `return` (or the signal) ends a wait at once. Any thread.
 *
 * Several logs become one sequence. What waits to be read is looked at twice, first for what is handed out,
 * then for what may come before that in another log: of an entry seen at the first look, everything that
 * led to it is stored at the second. An idle log is never waited for.
 *
 * Bound: two chunks of each log; a chunk is 256 KiB by the number of logs, at least 32 KiB, or one record
 * that is larger. Between batches the event loop turns.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { StoredEntry } from '../../core/domain/log-entry.ts'
import { type Bound, DeviceOrder } from './device-order.ts'
import { HighWater } from './high-water.ts'
import type { LogFiles } from './log-files.ts'
import { type LogBatch, LogReader } from './log-reader.ts'
import { MarkWatch } from './mark-watch.ts'

const CHUNKS_BYTES = 262_144 // some milliseconds of the thread that reads
const LEAST_BYTES = 32_768

interface FollowedLog {
  readonly log: number
  /** `data/log/<log>` */
  readonly directory: string
  /** Its writer's mark; `undefined`: nobody writes it any more, and it is read to its end. */
  readonly highWater: SharedArrayBuffer | undefined
  /** The sequence seen last; 0: from the oldest entry kept. */
  readonly after: number
}

export interface FollowOptions {
  readonly logs: readonly FollowedLog[]
  readonly signal?: AbortSignal | undefined
  readonly files?: LogFiles
  /** Of one log; at least 64. */
  readonly chunkBytes?: number
}

interface Source {
  readonly log: number
  readonly reader: LogReader
  readonly mark: HighWater | undefined
  /** The change of its mark at which there was nothing left to read. */
  idleAt: number | undefined
  /** Last sequences of the chunks that wait, at most two. */
  readonly chunks: number[]
}

export class LogFollower implements AsyncIterableIterator<LogBatch> {
  readonly #order: DeviceOrder
  readonly #watch: MarkWatch
  readonly #signal: AbortSignal | undefined
  readonly #sources: readonly Source[]
  #skipped = 0
  #closed = false
  #before = false // a batch was handed out, and the event loop has not turned since

  constructor({ logs, signal, files, chunkBytes }: FollowOptions) {
    const each = Math.max(LEAST_BYTES, Math.floor(CHUNKS_BYTES / Math.max(1, logs.length)))
    this.#order = new DeviceOrder(logs.map(({ log }) => log))
    this.#sources = logs.map(({ log, directory, highWater, after }) => {
      const place = { log, directory, highWater, chunkBytes: chunkBytes ?? each }
      const reader = new LogReader(files === undefined ? place : { ...place, files })
      reader.seek(after)
      const mark = highWater === undefined ? undefined : new HighWater(highWater)
      return { log, reader, mark, idleAt: undefined, chunks: [] }
    })
    this.#watch = new MarkWatch(this.#sources.flatMap(({ mark }) => mark ?? []))
    this.#signal = signal
    if (signal?.aborted === true) this.#close()
    else signal?.addEventListener('abort', this.#close)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /**
   * The next batch, never an empty one; `skipped` sums up all logs. Call it again only once it has resolved.
   *
   * @throws data.unreadable, data.newer; it is closed then
   */
  async next(): Promise<IteratorResult<LogBatch, undefined>> {
    if (this.#before) await turn()
    while (!this.#closed) {
      const since = this.#watch.now()
      const entries = this.#read()
      if (entries.length > 0) {
        const skipped = this.#skipped
        this.#skipped = 0
        this.#before = true
        return { done: false, value: { entries, skipped } }
      }
      this.#before = false
      await this.#watch.changed(since)
    }
    return { done: true, value: undefined }
  }

  return(): Promise<IteratorResult<LogBatch, undefined>> {
    this.#close()
    return Promise.resolve({ done: true, value: undefined })
  }

  #read(): StoredEntry[] {
    try {
      return this.#batch()
    } catch (error) {
      this.#close()
      throw error
    }
  }

  #batch(): StoredEntry[] {
    const several = this.#sources.length > 1
    for (const source of this.#sources)
      if (source.chunks.length < (several ? 2 : 1)) this.#fill(source)
    const seen = this.#sources.map(({ chunks }) => chunks.at(-1))
    if (seen.every((last) => last === undefined)) return []
    const bounds = new Map<number, Bound>()
    for (const [i, source] of this.#sources.entries()) {
      const { log, chunks } = source
      if (several && chunks.length < 2) this.#fill(source)
      const last = seen[i]
      if (last === undefined) continue
      const hasMore = chunks.length === 2
      bounds.set(log, { through: hasMore ? (chunks[0] as number) : last, hasMore })
    }
    const entries: StoredEntry[] = []
    while (this.#order.take(bounds, entries));
    for (const { log, chunks } of this.#sources) {
      const head = this.#order.head(log) ?? Number.POSITIVE_INFINITY
      while (chunks.length > 0 && (chunks[0] as number) < head) chunks.shift()
    }
    return entries
  }

  #fill(source: Source): void {
    const change = source.mark?.read().change ?? 0 // of a log without a writer nothing changes
    if (change === source.idleAt) return
    const { entries, skipped } = source.reader.readBatch()
    const last = entries.at(-1)
    if (last === undefined) {
      source.idleAt = change
      return
    }
    this.#skipped += skipped
    source.chunks.push(last.sequence)
    this.#order.offer(source.log, entries)
  }

  readonly #close = (): void => {
    if (this.#closed) return
    this.#closed = true
    this.#signal?.removeEventListener('abort', this.#close)
    for (const { reader } of this.#sources) reader.close()
    this.#watch.close()
  }
}
