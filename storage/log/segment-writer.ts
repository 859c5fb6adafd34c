/**
 * The files behind a log's writer: appends whole records to the last segment, begins a new one when
 * it is full, removes old ones. One per log, on its shard's thread.
 *
 * The file always ends with a whole record, or is cut back to one before anything else is written.
 * A finished segment is synced: at `flush` before the next one begins, else soon after.
 */
import type { HighWater } from './high-water.ts'
import type { LogFiles } from './log-files.ts'
import { lastMessageId } from './record-codec.ts'
import { countRetired, type KeptSegment, type Retention } from './retention.ts'
import {
  encodeSegmentHeader,
  listSegments,
  SEGMENT_HEADER_BYTES,
  type Segment,
  segmentPath,
} from './segment.ts'
import { SegmentReader } from './segment-reader.ts'

export interface SegmentWriterOptions {
  readonly directory: string
  readonly log: number
  readonly segmentBytes: number
  /** Segments last before the next one begins (`flush`). */
  readonly syncOnRotate: boolean
  readonly files: LogFiles
  readonly highWater: HighWater | undefined
}

/** What an earlier run left. */
export interface LogEnd {
  /** 0: the log is empty. */
  readonly lastSequence: number
  readonly messageId: { readonly hi: number; readonly lo: number } | undefined
  /** Bytes of a torn record that were cut off. */
  readonly cutBytes: number
}

type OwnSegment = { -readonly [K in keyof KeptSegment]: KeptSegment[K] }

export class SegmentWriter {
  readonly #options: SegmentWriterOptions
  readonly #segments: OwnSegment[] = [] // the last one is being written
  readonly #closing: number[] = []
  #fd = -1
  #torn = false
  #full = false
  #syncedBytes = 0
  #syncs = 0
  #idle: (() => void) | undefined

  constructor(options: SegmentWriterOptions) {
    this.#options = options
  }

  /** @throws data.unreadable, data.newer */
  open(): LogEnd {
    const { files, directory, log } = this.#options
    files.makeDirectory(directory)
    let end: LogEnd = { lastSequence: 0, messageId: undefined, cutBytes: 0 }
    const segments = [...listSegments(files, directory)]
    for (let i = segments.length - 1; i >= 0 && end.messageId === undefined; i--) {
      const segment = segments[i] as Segment
      const last = i === segments.length - 1
      const found = scan(new SegmentReader(files, segment, log), last)
      const lastSequence = Math.max(end.lastSequence, found.lastSequence, segment.first - 1)
      const cutBytes = last ? files.stat(segment.path).bytes - found.bytes : end.cutBytes
      end = { lastSequence, messageId: found.messageId, cutBytes }
      if (found.bytes < SEGMENT_HEADER_BYTES) {
        files.remove(segment.path) // died while it was made
        segments.splice(i, 1)
      }
    }
    for (const [i, segment] of segments.entries()) {
      const { bytes, modifiedAt } = files.stat(segment.path)
      const lastSequence = (segments[i + 1]?.first ?? end.lastSequence + 1) - 1
      this.#segments.push({ ...segment, bytes, lastSequence, writtenAt: modifiedAt })
    }
    this.#takeUp(end)
    this.#publish(end.lastSequence)
    return end
  }

  /**
   * Appends `from[start..end)`, whole records, or nothing.
   *
   * @throws what the file system says; the file is cut back then
   */
  write(
    from: Uint8Array,
    start: number,
    end: number,
    first: number,
    last: number,
    now: number,
  ): void {
    const { files, segmentBytes } = this.#options
    this.#mend()
    let segment = this.#segments.at(-1)
    const exceeds = segment !== undefined && segment.bytes + end - start > segmentBytes
    const empty = segment !== undefined && segment.bytes === SEGMENT_HEADER_BYTES
    if (segment === undefined || ((exceeds || this.#full) && !empty)) segment = this.#rotate(first)
    this.#full = false
    this.#torn = true
    try {
      for (let at = start; at < end; ) {
        const written = files.write(this.#fd, from, at, end - at, segment.bytes + at - start)
        if (written <= 0) throw new Error(`${segment.path} takes no more bytes`)
        at += written
      }
      this.#torn = false
    } catch (error) {
      this.#tryMend()
      throw error
    }
    segment.bytes += end - start
    segment.lastSequence = last
    segment.writtenAt = now
    this.#publish(last)
  }

  /** Syncs what is written so far. After a failure what was not synced is cut off: the disk may have lost it. */
  sync(done: (error: Error | null) => void): void {
    const segment = this.#segments.at(-1)
    if (segment === undefined) {
      queueMicrotask(() => done(null))
      return
    }
    const { bytes } = segment
    this.#syncLater(this.#fd, (error) => {
      const current = this.#segments.at(-1) === segment
      if (current && error === null) this.#syncedBytes = Math.max(this.#syncedBytes, bytes)
      if (current && error !== null) {
        segment.bytes = this.#syncedBytes
        this.#torn = true
        this.#full = true
        this.#tryMend()
      }
      done(error)
    })
  }

  /** Removes segments, oldest first, that no row needs and that are too old or too much; returns how many. */
  retire(checkpointed: number, now: number, retention: Retention): number {
    const retired = countRetired(this.#segments, checkpointed, now, retention)
    const removed = Math.min(retired, this.#segments.length - 1) // the last one is being written
    for (let i = 0; i < removed; i++) {
      this.#options.files.remove((this.#segments[0] as OwnSegment).path)
      this.#segments.shift()
    }
    return Math.max(0, removed)
  }

  /** Syncs and closes. @throws what the file system says, after closing */
  async close(): Promise<void> {
    if (this.#syncs > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    if (this.#fd === -1) return
    try {
      this.#mend()
      this.#options.files.sync(this.#fd)
    } finally {
      this.#options.files.close(this.#fd)
      this.#fd = -1
    }
  }

  /** Goes on in the last segment, behind its last whole record. */
  #takeUp(end: LogEnd): void {
    const segment = this.#segments.at(-1)
    if (segment === undefined) return
    const { files } = this.#options
    this.#fd = files.open(segment.path)
    segment.bytes -= end.cutBytes
    this.#syncedBytes = segment.bytes
    files.truncate(this.#fd, segment.bytes)
    files.sync(this.#fd)
  }

  #publish(last: number): void {
    const segment = this.#segments.at(-1)
    this.#options.highWater?.publish(segment?.first ?? last + 1, segment?.bytes ?? 0, last)
  }

  #mend(): void {
    if (!this.#torn) return
    this.#options.files.truncate(this.#fd, (this.#segments.at(-1) as OwnSegment).bytes)
    this.#torn = false
  }

  #tryMend(): void {
    try {
      this.#mend()
    } catch {
      // stays torn: the next write begins with it
    }
  }

  #rotate(first: number): OwnSegment {
    const { files, directory, log, syncOnRotate } = this.#options
    if (this.#fd !== -1 && syncOnRotate) files.sync(this.#fd)
    const path = segmentPath(directory, first)
    const fd = files.create(path)
    try {
      const header = encodeSegmentHeader(log)
      const written = files.write(fd, header, 0, SEGMENT_HEADER_BYTES, 0)
      if (written < SEGMENT_HEADER_BYTES) throw new Error(`${path} takes no more bytes`)
      if (syncOnRotate) files.syncDirectory(directory)
    } catch (error) {
      files.close(fd)
      files.remove(path)
      throw error
    }
    this.#letGo(this.#fd, !syncOnRotate)
    this.#fd = fd
    this.#syncedBytes = SEGMENT_HEADER_BYTES
    const segment = { first, path, bytes: SEGMENT_HEADER_BYTES, lastSequence: 0, writtenAt: 0 }
    this.#segments.push(segment)
    return segment
  }

  /** Closes a finished segment once no sync needs its descriptor. */
  #letGo(fd: number, syncFirst: boolean): void {
    if (fd === -1) return
    this.#closing.push(fd)
    if (syncFirst) this.#syncLater(fd, () => undefined)
    else if (this.#syncs === 0) this.#closeFinished()
  }

  #syncLater(fd: number, done: (error: Error | null) => void): void {
    this.#syncs += 1
    this.#options.files.syncLater(fd, (error) => {
      this.#syncs -= 1
      if (this.#syncs === 0) this.#closeFinished()
      done(error)
      if (this.#syncs === 0) this.#idle?.()
    })
  }

  #closeFinished(): void {
    for (const fd of this.#closing.splice(0)) this.#options.files.close(fd)
  }
}

interface Scan {
  /** Up to the end of the last sound record; less than a header where there is none. */
  readonly bytes: number
  readonly lastSequence: number
  readonly messageId: LogEnd['messageId']
}

/** Walks a segment to its end, and closes it. @throws data.unreadable where it is damaged, not torn */
function scan(reader: SegmentReader, last: boolean): Scan {
  try {
    let lastSequence = 0
    let messageId: LogEnd['messageId']
    for (;;) {
      const record = reader.next(Number.POSITIVE_INFINITY)
      if (record === undefined) break
      lastSequence = record.firstSequence + record.count - 1
      messageId = lastMessageId(reader.buffer, reader.at, record) ?? messageId
    }
    const torn = reader.hasLeftover(Number.POSITIVE_INFINITY)
    if (torn && (!last || reader.soundRecordBehind())) throw reader.unreadable()
    return { bytes: reader.offset, lastSequence, messageId }
  } finally {
    reader.close()
  }
}
