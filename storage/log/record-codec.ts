/**
 * Records of the message log as bytes, little endian; the grammar is `docs/formats.md`, "Message log".
 * Encoding is on the path of every message: offsets into one buffer, nothing allocated. Whoever
 * encodes makes room first.
 */
import { crc32 } from 'node:zlib'
import type { DeviceNumber } from '../../core/domain/identifiers.ts'
import type { EntryClass, LogEntry, StoredEntry } from '../../core/domain/log-entry.ts'
import { formatMessageId } from '../../core/domain/message-id.ts'

export const RECORD_FORMAT = 1
export const RECORD_HEADER_BYTES = 40
const ENTRY_HEADER_BYTES = 42
/** Bound of a record, so that a reader can tell a length from rubbish. */
export const MAX_RECORD_BYTES = 8_388_608
const QOS_1 = 1 // flags of an entry
const WHOLE = 2
const CRC_FROM = 8
const TWO_32 = 0x1_0000_0000

export interface RecordHeader {
  readonly length: number
  readonly format: number
  readonly log: number
  readonly incarnation: number
  readonly firstSequence: number
  readonly time: number
  readonly count: number
}

/** Most bytes that the entry can take: a UTF-16 unit is at most three bytes of UTF-8. */
export function entryBound(entry: LogEntry): number {
  const { targets, topic, payload } = entry
  return ENTRY_HEADER_BYTES + targets.length * 4 + topic.length * 3 + payload.byteLength
}

/** Writes the entry at `at`; returns the offset behind it. */
export function encodeEntry(
  bytes: Buffer,
  view: DataView,
  at: number,
  entry: LogEntry,
  idHi: number,
  idLo: number,
): number {
  const { targets, payload, token, version } = entry
  let end = at + ENTRY_HEADER_BYTES
  for (let i = 0; i < targets.length; i++) {
    view.setUint32(end, targets[i] as number, true)
    end += 4
  }
  const topicBytes = writeText(bytes, end, entry.topic)
  end += topicBytes
  bytes.set(payload, end)
  end += payload.byteLength
  view.setUint32(at, end - at, true)
  view.setUint8(at + 4, entry.class)
  view.setUint8(at + 5, entry.qos | (entry.whole ? WHOLE : 0))
  view.setUint16(at + 6, targets.length, true)
  view.setUint32(at + 8, entry.number, true)
  view.setUint32(at + 12, token.incarnation, true)
  view.setUint32(at + 16, token.epoch, true)
  view.setUint32(at + 20, version >>> 0, true)
  view.setUint32(at + 24, Math.floor(version / TWO_32), true)
  view.setUint32(at + 28, idLo, true)
  view.setUint32(at + 32, idHi, true)
  view.setUint16(at + 36, topicBytes, true)
  view.setUint32(at + 38, payload.byteLength, true)
  return end
}

/** Puts the header before entries that are in place from `at + RECORD_HEADER_BYTES` to `end`. */
export function sealRecord(
  bytes: Buffer,
  view: DataView,
  at: number,
  end: number,
  header: Omit<RecordHeader, 'length' | 'format'>,
): void {
  view.setUint32(at, end - at, true)
  view.setUint16(at + 8, RECORD_FORMAT, true)
  view.setUint16(at + 10, header.log, true)
  view.setUint32(at + 12, header.incarnation, true)
  view.setUint32(at + 16, header.firstSequence >>> 0, true)
  view.setUint32(at + 20, Math.floor(header.firstSequence / TWO_32), true)
  view.setFloat64(at + 24, header.time, true)
  view.setUint32(at + 32, header.count, true)
  view.setUint32(at + 36, 0, true)
  view.setUint32(at + 4, crc32(bytes.subarray(at + CRC_FROM, end)), true)
}

/** The record at `at`, or `undefined` where the bytes are not one whole, sound record of that log. */
export function decodeRecord(bytes: Buffer, at: number, log: number): RecordHeader | undefined {
  if (bytes.length - at < RECORD_HEADER_BYTES) return undefined
  const length = bytes.readUInt32LE(at)
  if (length < RECORD_HEADER_BYTES || length > MAX_RECORD_BYTES) return undefined
  if (length > bytes.length - at || bytes.readUInt16LE(at + 10) !== log) return undefined
  if (crc32(bytes.subarray(at + CRC_FROM, at + length)) !== bytes.readUInt32LE(at + 4))
    return undefined
  return {
    length,
    format: bytes.readUInt16LE(at + 8),
    log,
    incarnation: bytes.readUInt32LE(at + 12),
    firstSequence: bytes.readUInt32LE(at + 20) * TWO_32 + bytes.readUInt32LE(at + 16),
    time: bytes.readDoubleLE(at + 24),
    count: bytes.readUInt32LE(at + 32),
  }
}

/** Adds the record's entries from sequence `from` on to `into`; topic and payload are copies. */
export function decodeEntries(
  bytes: Buffer,
  at: number,
  record: RecordHeader,
  from: number,
  into: StoredEntry[],
): void {
  let position = at + RECORD_HEADER_BYTES
  for (let i = 0; i < record.count; i++) {
    const sequence = record.firstSequence + i
    if (sequence >= from) into.push(decodeEntry(bytes, position, record, sequence))
    position += bytes.readUInt32LE(position)
  }
}

/**
 * One entry where it lies, for whoever needs few fields of very many: nothing is copied. Valid until `moveTo`
 * is called again, or its bytes are read over.
 */
export class EntryView {
  bytes: Buffer = Buffer.alloc(0)
  #at = 0
  /** Offset behind it, and behind its payload. */
  end = 0

  /** Returns the offset behind the entry. */
  moveTo(bytes: Buffer, at: number): number {
    this.bytes = bytes
    this.#at = at
    this.end = at + bytes.readUInt32LE(at)
    return this.end
  }

  get class(): EntryClass {
    return this.bytes[this.#at + 4] as EntryClass
  }

  get whole(): boolean {
    return ((this.bytes[this.#at + 5] as number) & WHOLE) !== 0
  }

  get number(): DeviceNumber {
    return this.bytes.readUInt32LE(this.#at + 8) as DeviceNumber
  }

  get incarnation(): number {
    return this.bytes.readUInt32LE(this.#at + 12)
  }

  get epoch(): number {
    return this.bytes.readUInt32LE(this.#at + 16)
  }

  get version(): number {
    return this.bytes.readUInt32LE(this.#at + 24) * TWO_32 + this.bytes.readUInt32LE(this.#at + 20)
  }

  get targets(): number[] {
    const targets: number[] = []
    const first = this.#at + ENTRY_HEADER_BYTES
    const count = this.bytes.readUInt16LE(this.#at + 6)
    for (let i = 0; i < count; i++) targets.push(this.bytes.readUInt32LE(first + i * 4))
    return targets
  }

  get payloadAt(): number {
    return this.end - this.bytes.readUInt32LE(this.#at + 38)
  }
}

/** Halves of the message id of the record's last entry; `undefined` for a record without entries. */
export function lastMessageId(
  bytes: Buffer,
  at: number,
  record: RecordHeader,
): { readonly hi: number; readonly lo: number } | undefined {
  if (record.count === 0) return undefined
  let position = at + RECORD_HEADER_BYTES
  for (let i = 1; i < record.count; i++) position += bytes.readUInt32LE(position)
  return { hi: bytes.readUInt32LE(position + 32), lo: bytes.readUInt32LE(position + 28) }
}

function decodeEntry(
  bytes: Buffer,
  at: number,
  record: RecordHeader,
  sequence: number,
): StoredEntry {
  const targetCount = bytes.readUInt16LE(at + 6)
  const targets: number[] = []
  let position = at + ENTRY_HEADER_BYTES
  for (let i = 0; i < targetCount; i++) {
    targets.push(bytes.readUInt32LE(position))
    position += 4
  }
  const payloadAt = position + bytes.readUInt16LE(at + 36)
  const payload = new Uint8Array(bytes.readUInt32LE(at + 38))
  payload.set(bytes.subarray(payloadAt, payloadAt + payload.byteLength))
  return {
    class: bytes.readUInt8(at + 4) as EntryClass,
    number: bytes.readUInt32LE(at + 8) as DeviceNumber,
    token: { incarnation: bytes.readUInt32LE(at + 12), epoch: bytes.readUInt32LE(at + 16) },
    version: bytes.readUInt32LE(at + 24) * TWO_32 + bytes.readUInt32LE(at + 20),
    qos: (bytes.readUInt8(at + 5) & QOS_1) as 0 | 1,
    whole: (bytes.readUInt8(at + 5) & WHOLE) !== 0,
    targets,
    topic: bytes.toString('utf8', position, payloadAt),
    payload,
    log: record.log,
    sequence,
    storedAt: record.time,
    messageId: formatMessageId(bytes.readUInt32LE(at + 32), bytes.readUInt32LE(at + 28)),
  }
}

/** Topics are ASCII nearly always and short: then a loop beats the call into C++. */
function writeText(bytes: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return bytes.write(text, at, 'utf8')
    bytes[at + i] = unit
  }
  return text.length
}
