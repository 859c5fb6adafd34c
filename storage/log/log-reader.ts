/**
 * Reads a log in order of its sequences, up to where its writer says that it is written, or up to the
 * end of the files where no writer is (recovery, the log of a shard that is no more). Any thread; it
 * opens no store and takes no lock. Holds one file and one chunk (1 MiB, or one larger record).
 *
 * Sequences rise, but not by one: numbers of a turn that failed are never given again.
 */
import type { StoredEntry } from '../../core/domain/log-entry.ts'
import { HighWater, type Mark } from './high-water.ts'
import { isMissing, type LogFiles, SYSTEM_FILES } from './log-files.ts'
import { decodeEntries, type RecordHeader } from './record-codec.ts'
import { listSegments, type Segment } from './segment.ts'
import { CHUNK_BYTES, SegmentReader } from './segment-reader.ts'

export interface LogReaderOptions {
  /** `data/log/<log>` */
  readonly directory: string
  readonly log: number
  /** The writer's mark (`HIGH_WATER_BYTES`); absent: read to the end of the files. */
  readonly highWater?: SharedArrayBuffer | undefined
  readonly files?: LogFiles
  readonly chunkBytes?: number
}

export interface LogBatch {
  readonly entries: readonly StoredEntry[]
  /** Sequences before the first entry that retention has removed unread: at most so many entries. */
  readonly skipped: number
}

export interface RecordPlace {
  readonly bytes: Buffer
  readonly at: number
  readonly record: RecordHeader
}

export class LogReader {
  readonly #directory: string
  readonly #log: number
  readonly #files: LogFiles
  readonly #mark: HighWater | undefined
  readonly #chunkBytes: number
  #reader: SegmentReader | undefined
  #next = 1
  #skipped = 0 // not yet reported
  #tornBytes = 0

  constructor(options: LogReaderOptions) {
    this.#directory = options.directory
    this.#log = options.log
    this.#files = options.files ?? SYSTEM_FILES
    this.#mark = options.highWater === undefined ? undefined : new HighWater(options.highWater)
    this.#chunkBytes = options.chunkBytes ?? CHUNK_BYTES
  }

  /** Bytes of a torn record, left by a crash, at which reading without a mark has ended. */
  get tornBytes(): number {
    return this.#tornBytes
  }

  /** The next batch begins with the first entry behind this sequence; 0: with the oldest. */
  seek(after: number): void {
    this.close()
    this.#next = after + 1
    this.#skipped = 0
  }

  /**
   * About one chunk of whole records; no entries: the end, for now.
   *
   * @throws data.unreadable for a record that does not match its checksum (details: file, offset),
   *   data.newer
   */
  readBatch(): LogBatch {
    const entries: StoredEntry[] = []
    const mark = this.#mark?.read()
    if (mark?.change === 0) return { entries, skipped: 0 } // its writer has not opened yet
    for (let bytes = 0; bytes < this.#chunkBytes; ) {
      this.#reader ??= this.#open(mark)
      const reader = this.#reader
      if (reader === undefined) break
      const gap = reader.segment.first - this.#next
      if (gap > 0) {
        if (entries.length > 0) break // the gap belongs to the next batch
        this.#skipped += gap
        this.#next = reader.segment.first
      }
      const limit = reader.segment.first === mark?.segment ? mark.offset : Number.POSITIVE_INFINITY
      const record = reader.next(limit)
      if (record !== undefined) {
        const end = record.firstSequence + record.count
        if (end > this.#next) {
          decodeEntries(reader.buffer, reader.at, record, this.#next, entries)
          this.#next = end
          bytes += record.length
        }
      } else if (!this.#advance(reader, mark, limit)) break
    }
    if (entries.length === 0) return { entries, skipped: 0 }
    const skipped = this.#skipped
    this.#skipped = 0
    return { entries, skipped }
  }

  /** All entries from here to the end, as they are now. */
  *entries(): Generator<StoredEntry, void, void> {
    for (;;) {
      const { entries } = this.readBatch()
      if (entries.length === 0) return
      yield* entries
    }
  }

  /**
   * Every record from the one that holds the next sequence to the end of the files, where it lies: for whoever
   * needs no copies. A record is valid until the next one is asked for. Only without a mark.
   *
   * @throws as `readBatch`
   */
  *records(): Generator<RecordPlace, void, void> {
    for (;;) {
      this.#reader ??= this.#open(undefined)
      const reader = this.#reader
      if (reader === undefined) return
      const record = reader.next(Number.POSITIVE_INFINITY)
      if (record === undefined) {
        if (!this.#advance(reader, undefined, Number.POSITIVE_INFINITY)) return
      } else if (record.firstSequence + record.count > this.#next) {
        this.#next = record.firstSequence + record.count
        yield { bytes: reader.buffer, at: reader.at, record }
      }
    }
  }

  /** Lets go of the file; `readBatch` takes it up again. */
  close(): void {
    this.#reader?.close()
    this.#reader = undefined
  }

  /** The segment that holds the next sequence, else the oldest behind it; none that is not yet marked. */
  #open(mark: Mark | undefined): SegmentReader | undefined {
    for (;;) {
      const segments = this.#written(mark)
      const holding = segments.findLast((segment) => segment.first <= this.#next) ?? segments[0]
      if (holding === undefined) return undefined
      const reader = this.#tryOpen(holding)
      if (reader !== undefined) return reader
    }
  }

  /** Moves behind a segment that is read to its end; false where that was the last one. */
  #advance(reader: SegmentReader, mark: Mark | undefined, limit: number): boolean {
    const { first, path } = reader.segment
    const torn = reader.hasLeftover(limit)
    if (mark !== undefined && first >= mark.segment) {
      if (torn) throw reader.unreadable()
      return false
    }
    for (;;) {
      const behind = this.#written(mark).find((segment) => segment.first > first)
      if (torn && (behind !== undefined || reader.soundRecordBehind())) throw reader.unreadable()
      if (torn) this.#tornBytes = this.#files.stat(path).bytes - reader.offset
      if (behind === undefined) return false
      const next = this.#tryOpen(behind)
      if (next === undefined) continue
      reader.close()
      this.#reader = next
      return true
    }
  }

  #written(mark: Mark | undefined): readonly Segment[] {
    const segments = listSegments(this.#files, this.#directory)
    return mark === undefined ? segments : segments.filter(({ first }) => first <= mark.segment)
  }

  /** `undefined` where retention has removed it since it was listed. */
  #tryOpen(segment: Segment): SegmentReader | undefined {
    try {
      return new SegmentReader(this.#files, segment, this.#log, this.#chunkBytes)
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }
}
