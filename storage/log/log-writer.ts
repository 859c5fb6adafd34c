/**
 * The append side of a shard's message log: gathers a turn's entries into one record and writes it
 * with one call. On the shard's thread; the path of every message, so an append encodes straight into
 * a kept buffer and makes nothing.
 *
 * What `commit` means by durability: `flush` written, lasting after `sync`; `commit` written; `relaxed`
 * in memory, written within 200 ms. Bound: the buffer grows to 8 MiB; a turn that needs more writes a
 * record early, and so may come in several. A record that cannot be written is dropped with its turn
 * (`relaxed` keeps what it has acknowledged, and tries again); its sequences are never given again, so
 * readers meet gaps.
 */
import { PlatformError } from '../../core/domain/errors.ts'
import type { LogEntry } from '../../core/domain/log-entry.ts'
import { formatMessageId, type MessageIdSource } from '../../core/domain/message-id.ts'
import type { Durability } from '../../core/domain/settings.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Diagnostics } from '../../core/ports/diagnostics.ts'
import type { MessageLog } from '../../core/ports/message-log.ts'
import type { CommitOutcome, TurnLog } from '../../core/ports/turn-log.ts'
import { HighWater } from './high-water.ts'
import { type LogFiles, SYSTEM_FILES } from './log-files.ts'
import {
  encodeEntry,
  entryBound,
  MAX_RECORD_BYTES,
  RECORD_HEADER_BYTES,
  sealRecord,
} from './record-codec.ts'
import type { Retention } from './retention.ts'
import { type LogEnd, SegmentWriter } from './segment-writer.ts'

const FIRST_BUFFER_BYTES = 65_536
const RELAXED_MS = 200
const RELAXED_BYTES = 1_048_576 // written sooner: a bigger write only makes a longer turn
const MAX_TOPIC_BYTES = 0xffff // what its length field can say
const MAX_TARGETS = 0xffff

export interface LogWriterOptions {
  /** `data/log/<log>`; made where it is missing. */
  readonly directory: string
  /** 0 to 65,535. */
  readonly log: number
  readonly incarnation: number
  readonly durability: Durability
  /** A segment ends before the record that would exceed it. */
  readonly segmentBytes: number
  readonly clock: Clock
  readonly ids: MessageIdSource
  readonly diagnostics: Diagnostics
  /** No sequence below it is given: one behind the checkpoint, which may outlive the log's tail. */
  readonly firstSequence?: number
  /** `HIGH_WATER_BYTES` of shared memory for the readers. */
  readonly highWater?: SharedArrayBuffer | undefined
  readonly files?: LogFiles
}

export class LogWriter implements MessageLog, TurnLog {
  /** What the run before left behind. */
  readonly found: LogEnd
  readonly #options: LogWriterOptions
  readonly #segments: SegmentWriter
  readonly #ids: MessageIdSource
  #bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES)
  #view: DataView
  #next: number
  #start = 0 // of the open record
  #end = 0
  #count = 0 // entries of the open record
  #pendingFirst = 0 // sequence of the first entry in the buffer
  #recordFirst = 0
  #lost = false // this turn has lost entries
  #failing = false
  #closed = false
  #writes = 0
  #writtenBytes = 0
  #timer: NodeJS.Timeout | undefined
  #syncing = false
  #waiting: ((synced: boolean) => void)[] = [] // bounded by the turns that one sync takes
  #uncovered = false // written since `sync` was last asked for
  #cut = false // what is uncovered was cut off after a sync failed

  /** @throws data.unreadable, data.newer; what the file system says */
  static open(options: LogWriterOptions): LogWriter {
    return new LogWriter(options)
  }

  private constructor(options: LogWriterOptions) {
    this.#options = options
    this.#ids = options.ids
    this.#view = new DataView(this.#bytes.buffer)
    const { directory, log, segmentBytes, highWater } = options
    this.#segments = new SegmentWriter({
      directory,
      log,
      segmentBytes,
      syncOnRotate: options.durability === 'flush',
      files: options.files ?? SYSTEM_FILES,
      highWater: highWater === undefined ? undefined : new HighWater(highWater),
    })
    this.found = this.#segments.open()
    const { messageId, lastSequence, cutBytes } = this.found
    if (messageId !== undefined) this.#ids.resumeAfter(messageId.hi, messageId.lo)
    this.#next = Math.max(lastSequence + 1, options.firstSequence ?? 1)
    if (cutBytes > 0) options.diagnostics.warn('message log: cut a torn record', { log, cutBytes })
  }

  /** The sequence that the next entry gets. */
  get nextSequence(): number {
    return this.#next
  }

  /** Since it was opened; each write is a record, or at `relaxed` several. */
  get written(): { readonly writes: number; readonly bytes: number } {
    return { writes: this.#writes, bytes: this.#writtenBytes }
  }

  /** Id of the entry appended last. */
  get lastMessageId(): string {
    return formatMessageId(this.#ids.hi, this.#ids.lo)
  }

  /** @throws payload.too-large (8 MiB), topic.invalid (65,535 bytes) */
  append(entry: LogEntry): number {
    const bound = entryBound(entry)
    checkEntry(entry, bound)
    if (!this.#lost && this.#end + RECORD_HEADER_BYTES + bound > this.#bytes.length)
      this.#makeRoom(bound)
    const sequence = this.#next
    this.#next += 1
    this.#ids.next()
    if (this.#lost) return sequence
    if (this.#count === 0) {
      if (this.#end === 0) this.#pendingFirst = sequence
      this.#recordFirst = sequence
      this.#start = this.#end
      this.#end += RECORD_HEADER_BYTES
    }
    this.#end = encodeEntry(this.#bytes, this.#view, this.#end, entry, this.#ids.hi, this.#ids.lo)
    this.#count += 1
    return sequence
  }

  commit(now: number): CommitOutcome {
    if (this.#lost) {
      this.#lost = false
      return 'failed'
    }
    if (this.#count === 0) return 'empty'
    this.#seal(now)
    if (this.#options.durability === 'relaxed') {
      this.#timer ??= setTimeout(this.#writeRelaxed, RELAXED_MS).unref()
      if (this.#end >= RELAXED_BYTES) this.#write(now)
      return 'stored'
    }
    if (!this.#write(now)) {
      this.#end = 0
      return 'failed'
    }
    this.#uncovered = true
    return this.#options.durability === 'flush' ? 'unsynced' : 'stored'
  }

  /** One sync at a time; calls meanwhile share the next one. `done` is called in order of the calls. */
  sync(done: (synced: boolean) => void): void {
    this.#waiting.push(this.#cut ? () => done(false) : done)
    this.#uncovered = false
    this.#cut = false
    if (!this.#syncing) this.#sync()
  }

  /**
   * Removes the segments behind which everything is checkpointed and which retention no longer keeps.
   * Returns how many. @throws what the file system says
   */
  retire(checkpointed: number, now: number, retention: Retention): number {
    return this.#segments.retire(checkpointed, now, retention)
  }

  /**
   * Writes what is committed, syncs, closes. Entries of a turn that was not committed are dropped.
   *
   * @throws log.full where `relaxed` could not write what it has acknowledged
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    this.#dropOpen()
    const written = this.#end === 0 || this.#write(this.#options.clock.now())
    await this.#segments.close()
    if (!written)
      throw new PlatformError('log.full', 'the message log could not be written at close')
  }

  /** Grows the buffer, or writes what it holds where it is at its bound. */
  #makeRoom(bound: number): void {
    const needed = this.#end + RECORD_HEADER_BYTES + bound
    if (needed > MAX_RECORD_BYTES) {
      const now = this.#options.clock.now()
      const acknowledged = this.#count > 0 ? this.#start : this.#end
      if (this.#count > 0) this.#seal(now)
      if (this.#end > 0 && !this.#write(now)) {
        this.#end = this.#options.durability === 'relaxed' ? acknowledged : 0
        this.#lost = true
        return
      }
      if (RECORD_HEADER_BYTES + bound <= this.#bytes.length) return
    }
    let size = this.#bytes.length
    while (size < this.#end + RECORD_HEADER_BYTES + bound) size *= 2
    const larger = Buffer.allocUnsafeSlow(Math.min(size, MAX_RECORD_BYTES))
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }

  #seal(now: number): void {
    const { log, incarnation } = this.#options
    const header = {
      log,
      incarnation,
      firstSequence: this.#recordFirst,
      time: now,
      count: this.#count,
    }
    sealRecord(this.#bytes, this.#view, this.#start, this.#end, header)
    this.#count = 0
  }

  #dropOpen(): void {
    if (this.#count === 0) return
    this.#count = 0
    this.#end = this.#start
  }

  /** Writes the sealed records; false where the disk refused, and says so at the first refusal. */
  #write(now: number): boolean {
    try {
      this.#segments.write(this.#bytes, 0, this.#end, this.#pendingFirst, this.#next - 1, now)
    } catch (error) {
      if (!this.#failing) this.#report('message log: cannot write', error)
      this.#failing = true
      return false
    }
    if (this.#failing) this.#options.diagnostics.info('message log: written again', this.#facts())
    this.#failing = false
    this.#writes += 1
    this.#writtenBytes += this.#end
    this.#end = 0
    return true
  }

  /** By the timer. Keeps an open record: it moves to the front of the buffer. */
  readonly #writeRelaxed = (): void => {
    this.#timer = undefined
    const end = this.#end
    const open = this.#count > 0 ? this.#start : end
    if (open === 0) return
    const next = this.#next
    this.#end = open
    this.#next -= this.#count
    const written = this.#write(this.#options.clock.now())
    this.#next = next
    if (!written) {
      this.#end = end
      this.#timer = setTimeout(this.#writeRelaxed, RELAXED_MS).unref()
      return
    }
    this.#bytes.copyWithin(0, open, end)
    this.#start = 0
    this.#end = end - open
    this.#pendingFirst = this.#recordFirst
  }

  #sync(): void {
    const covered = this.#waiting
    this.#waiting = []
    this.#syncing = true
    this.#segments.sync((error) => {
      this.#syncing = false
      if (error !== null) {
        this.#report('message log: cannot sync', error)
        covered.push(...this.#waiting) // written meanwhile, and cut off with the rest
        this.#waiting = []
        this.#cut = this.#uncovered
      }
      for (const done of covered) done(error === null)
      if (this.#waiting.length > 0 && !this.#syncing) this.#sync()
    })
  }

  #report(message: string, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    this.#options.diagnostics.error(message, { ...this.#facts(), reason })
  }

  #facts(): { log: number; directory: string } {
    return { log: this.#options.log, directory: this.#options.directory }
  }
}

function checkEntry(entry: LogEntry, bound: number): void {
  if (bound + RECORD_HEADER_BYTES > MAX_RECORD_BYTES || entry.targets.length > MAX_TARGETS) {
    throw new PlatformError('payload.too-large', `an entry may have ${MAX_RECORD_BYTES} bytes`)
  }
  if (
    entry.topic.length * 3 > MAX_TOPIC_BYTES &&
    Buffer.byteLength(entry.topic) > MAX_TOPIC_BYTES
  ) {
    throw new PlatformError('topic.invalid', `a topic may have ${MAX_TOPIC_BYTES} bytes`)
  }
}
