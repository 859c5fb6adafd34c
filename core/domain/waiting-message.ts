/**
 * A message that waits for sessions, as bytes: in the message log, in the store, and between shards. Layout:
 * `docs/formats.md`, "Message that waits". Its order is its name: one counter gives it over all shards and all starts.
 */
import type { Publication } from '../ports/publication.ts'
import { type DeliveryTarget, encodeTerms, endOfTerms } from './delivery-target.ts'
import type { DeviceNumber } from './identifiers.ts'
import { ENTRY_CLASS, type LogEntry } from './log-entry.ts'
import type { Qos } from './qos.ts'
import { NO_TOKEN } from './token.ts'

const FORMAT = 1
const HEADER_BYTES = 32
const QOS = 3 // bits of the flags
const RETAIN = 4
const NOBODY = 0 as DeviceNumber

export class WaitingMessage implements Publication {
  readonly buffer: Uint8Array
  readonly serial = 0
  readonly topicStart: number = HEADER_BYTES
  readonly topicEnd: number
  readonly propertiesStart: number
  readonly propertiesEnd: number
  readonly expiryAt: number
  readonly payloadStart: number
  readonly payloadEnd: number
  readonly #view: DataView

  /** @param bytes  as `of` has made them; not copied */
  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = view
    this.buffer = bytes
    this.topicEnd = HEADER_BYTES + view.getUint16(6, true)
    this.propertiesStart = this.topicEnd
    this.propertiesEnd = this.topicEnd + view.getUint32(24, true)
    const expiry = view.getUint32(28, true)
    this.expiryAt = expiry === 0 ? 0 : this.propertiesStart + expiry - 1
    this.payloadStart = this.propertiesEnd
    this.payloadEnd = bytes.byteLength
  }

  /** Copies. */
  static of(
    p: Publication,
    where: { readonly space: number; readonly log: number; readonly order: number },
    now: number,
  ): WaitingMessage {
    const topicBytes = p.topicEnd - p.topicStart
    const propertyBytes = p.propertiesEnd - p.propertiesStart
    const topicEnd = HEADER_BYTES + topicBytes
    const bytes = new Uint8Array(topicEnd + propertyBytes + p.payloadEnd - p.payloadStart)
    const view = new DataView(bytes.buffer)
    view.setUint8(0, FORMAT)
    view.setUint8(1, where.space)
    view.setUint8(2, p.qos | (p.retain ? RETAIN : 0))
    view.setUint16(4, where.log, true)
    view.setUint16(6, topicBytes, true)
    view.setFloat64(8, where.order, true)
    view.setUint32(24, propertyBytes, true)
    bytes.set(p.buffer.subarray(p.topicStart, p.topicEnd), HEADER_BYTES)
    bytes.set(p.buffer.subarray(p.propertiesStart, p.propertiesEnd), topicEnd)
    bytes.set(p.buffer.subarray(p.payloadStart, p.payloadEnd), topicEnd + propertyBytes)
    if (p.expiryAt > 0) {
      const offset = p.expiryAt - p.propertiesStart
      view.setUint32(28, offset + 1, true)
      view.setFloat64(16, now + view.getUint32(topicEnd + offset) * 1000, true)
    }
    return new WaitingMessage(bytes)
  }

  get space(): number {
    return this.#view.getUint8(1)
  }

  get qos(): Qos {
    return (this.#view.getUint8(2) & QOS) as Qos
  }

  get retain(): boolean {
    return (this.#view.getUint8(2) & RETAIN) !== 0
  }

  /** The message log that has it. */
  get log(): number {
    return this.#view.getUint16(4, true)
  }

  get order(): number {
    return this.#view.getFloat64(8, true)
  }

  get topic(): string {
    const { buffer, byteOffset } = this.buffer
    return Buffer.from(buffer, byteOffset + HEADER_BYTES, this.topicEnd - HEADER_BYTES).toString()
  }

  /**
   * Before it is sent: sets its Message Expiry Interval to what is left of it [MQTT-3.3.2-6]. False where nothing is:
   * it is not sent any more [MQTT-3.3.2-5].
   */
  refresh(now: number): boolean {
    if (this.expiryAt === 0) return true
    const left = Math.ceil((this.#view.getFloat64(16, true) - now) / 1000)
    if (left <= 0) return false
    const interval = this.#view.getUint32(this.expiryAt)
    if (left < interval) this.#view.setUint32(this.expiryAt, left) // a clock that was set back adds nothing
    return true
  }
}

/** What a log entry says beside the numbers of its targets: the message, and what each of them wants. */
export function encodeWaiting(message: WaitingMessage, targets: readonly DeliveryTarget[]): Buffer {
  const terms = targets.map((target) => encodeTerms(target.terms))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(message.buffer.length)
  return Buffer.concat([length, message.buffer, ...terms])
}

export interface Waiting {
  readonly message: WaitingMessage
  /** Of each target, in their order. */
  readonly terms: readonly Buffer[]
}

/** The inverse; views of `payload`. */
export function decodeWaiting(payload: Uint8Array, targets: number): Waiting {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  const end = 4 + bytes.readUInt32LE(0)
  const terms: Buffer[] = []
  let at = end
  for (let i = 0; i < targets; i++) {
    const next = endOfTerms(bytes, at)
    terms.push(bytes.subarray(at, next))
    at = next
  }
  return { message: new WaitingMessage(bytes.subarray(4, end)), terms }
}

/** The entry that is the queue entry of all its targets; its order stands where others have their version. */
export function waitingEntry(
  message: WaitingMessage,
  targets: readonly number[],
  payload: Uint8Array,
): LogEntry {
  return {
    class: ENTRY_CLASS.waiting,
    number: NOBODY,
    token: NO_TOKEN,
    version: message.order,
    qos: message.qos === 0 ? 0 : 1,
    whole: false,
    targets,
    topic: '',
    payload,
  }
}
