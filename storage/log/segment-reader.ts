/**
 * One segment, record by record, in chunks of bounded size. Used on any thread; holds one file open
 * until `close`, also where retention removes the file meanwhile.
 */
import { PlatformError } from '../../core/domain/errors.ts'
import type { LogFiles } from './log-files.ts'
import {
  decodeRecord,
  MAX_RECORD_BYTES,
  RECORD_FORMAT,
  RECORD_HEADER_BYTES,
  type RecordHeader,
} from './record-codec.ts'
import { checkSegmentHeader, SEGMENT_HEADER_BYTES, type Segment } from './segment.ts'

export const CHUNK_BYTES = 1_048_576 // one read; a larger record gets a buffer of its own size

export class SegmentReader {
  readonly segment: Segment
  /** Holds the record that `next` returned, from `at` on, until it is called again. */
  buffer: Buffer
  at = 0
  /** Of the next record in the file. */
  offset: number
  readonly #files: LogFiles
  readonly #log: number
  readonly #fd: number
  readonly #chunkBytes: number
  #bufferOffset = 0
  #bufferEnd = 0

  /**
   * @param chunkBytes  at least 64
   * @throws data.unreadable, data.newer; what the file system says where it is gone
   */
  constructor(files: LogFiles, segment: Segment, log: number, chunkBytes: number = CHUNK_BYTES) {
    this.segment = segment
    this.#files = files
    this.#log = log
    this.#chunkBytes = chunkBytes
    this.buffer = bufferOf(chunkBytes)
    this.#fd = files.openRead(segment.path)
    try {
      const got = files.read(this.#fd, this.buffer, 0, SEGMENT_HEADER_BYTES, 0)
      if (got === SEGMENT_HEADER_BYTES) checkSegmentHeader(this.buffer, log, segment.path)
      this.offset = got // a shorter file was left by a crash while it was made: no records
    } catch (error) {
      files.close(this.#fd)
      throw error
    }
  }

  /** False where the crash of a writer left less than a header. */
  get hasHeader(): boolean {
    return this.offset >= SEGMENT_HEADER_BYTES
  }

  /**
   * The next record below `limit`, a file offset; `undefined` where there is none that is whole and
   * sound: then `hasLeftover` tells whether bytes remain.
   *
   * @throws data.newer where a later version wrote it
   */
  next(limit: number): RecordHeader | undefined {
    if (!this.hasHeader || !this.#load(RECORD_HEADER_BYTES, limit)) return undefined
    const length = this.buffer.readUInt32LE(this.at)
    if (length > MAX_RECORD_BYTES || !this.#load(length, limit)) return undefined
    const record = decodeRecord(this.buffer.subarray(0, this.#bufferEnd), this.at, this.#log)
    if (record === undefined) return undefined
    if (record.format > RECORD_FORMAT) {
      throw new PlatformError(
        'data.newer',
        `${this.segment.path} was written by a newer Tidegate (record format ${record.format})`,
        { details: { file: this.segment.path, offset: this.offset } },
      )
    }
    this.offset += length
    return record
  }

  /** True where bytes remain below `limit` behind the last record returned. */
  hasLeftover(limit: number): boolean {
    if (!this.hasHeader) return false
    this.#load(1, limit)
    return this.#bufferEnd > this.at
  }

  /**
   * Looks for a sound record anywhere behind the one that is not: a tail without any is what a crash
   * leaves, a sound record behind it means that the file was damaged. Reads the rest of the segment.
   */
  soundRecordBehind(): boolean {
    const rest = this.#readRest()
    for (let at = 1; at + RECORD_HEADER_BYTES <= rest.length; at++) {
      if (rest[at + 8] !== RECORD_FORMAT || rest[at + 9] !== 0) continue // cheap, before the checksum
      if (decodeRecord(rest, at, this.#log) !== undefined) return true
    }
    return false
  }

  unreadable(): PlatformError {
    const { path } = this.segment
    return new PlatformError(
      'data.unreadable',
      `${path} is damaged: the record at offset ${this.offset} does not match its checksum`,
      { details: { file: path, offset: this.offset } },
    )
  }

  close(): void {
    this.#files.close(this.#fd)
  }

  /** Makes `at` point to `bytes` bytes from `offset` on; false where the file or `limit` ends before. */
  #load(bytes: number, limit: number): boolean {
    this.at = this.offset - this.#bufferOffset
    if (this.at >= 0 && this.at + bytes <= this.#bufferEnd) return true
    const wanted = Math.min(Math.max(bytes, this.#chunkBytes), limit - this.offset)
    if (wanted > this.buffer.length) this.buffer = bufferOf(wanted)
    this.#bufferOffset = this.offset
    this.at = 0
    this.#bufferEnd = this.#readInto(this.buffer, Math.max(0, wanted), this.offset)
    return bytes <= this.#bufferEnd
  }

  #readRest(): Buffer {
    const parts: Buffer[] = []
    for (let position = this.offset; ; ) {
      const part = Buffer.allocUnsafeSlow(CHUNK_BYTES)
      const got = this.#readInto(part, CHUNK_BYTES, position)
      parts.push(part.subarray(0, got))
      position += got
      if (got < CHUNK_BYTES) return Buffer.concat(parts)
    }
  }

  #readInto(buffer: Buffer, length: number, position: number): number {
    let got = 0
    while (got < length) {
      const more = this.#files.read(this.#fd, buffer, got, length - got, position + got)
      if (more === 0) break
      got += more
    }
    return got
  }
}

/** Memory of its own and of whole words, for whoever copies by words. */
function bufferOf(bytes: number): Buffer {
  return Buffer.allocUnsafeSlow(Math.ceil(bytes / 4) * 4)
}
