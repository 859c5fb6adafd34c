/**
 * A retained message as bytes: in the message log, in the store, and between shards. Layout: `docs/formats.md`,
 * "Retained message". A row without a message is kept for a while where one was removed, so that an older one that
 * comes late does not come back.
 */
import type { Publication } from '../ports/publication.ts'
import type { Qos } from './qos.ts'

const FORMAT = 1
const HEADER_BYTES = 36
const QOS = 3 // bits of the flags
const GONE = 4
const FORGET_MS = 3_600_000 // longer than any shard may be behind with its checkpoints

/** What is retained last of a topic: by one counter that all shards share, never by a clock. */
export interface RetainedStamp {
  readonly incarnation: number
  /** Raised at each retained message of an incarnation, from 1. */
  readonly order: number
}

export class RetainedRow implements Publication {
  readonly buffer: Uint8Array
  readonly serial = 0
  readonly topicStart: number = HEADER_BYTES
  readonly topicEnd: number
  readonly propertiesStart: number
  readonly propertiesEnd: number
  readonly expiryAt: number
  readonly payloadStart: number
  readonly payloadEnd: number
  readonly retain = true
  readonly #view: DataView

  /** @param bytes  as `of` has made them; not copied */
  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = view
    this.buffer = bytes
    this.topicEnd = HEADER_BYTES + view.getUint16(24, true)
    this.propertiesStart = this.topicEnd
    this.propertiesEnd = this.topicEnd + view.getUint32(28, true)
    const expiry = view.getUint32(32, true)
    this.expiryAt = expiry === 0 ? 0 : this.propertiesStart + expiry - 1
    this.payloadStart = this.propertiesEnd
    this.payloadEnd = bytes.byteLength
  }

  /** Copies. An empty payload removes what the topic has [MQTT-3.3.1-6] and is no message itself [MQTT-3.3.1-7]. */
  static of(space: number, p: Publication, stamp: RetainedStamp, now: number): RetainedRow {
    const gone = p.payloadEnd === p.payloadStart
    const topicBytes = p.topicEnd - p.topicStart
    const propertyBytes = gone ? 0 : p.propertiesEnd - p.propertiesStart
    const bytes = new Uint8Array(
      HEADER_BYTES + topicBytes + propertyBytes + p.payloadEnd - p.payloadStart,
    )
    const view = new DataView(bytes.buffer)
    view.setUint8(0, FORMAT)
    view.setUint8(1, space)
    view.setUint8(2, p.qos | (gone ? GONE : 0))
    view.setUint32(4, stamp.incarnation, true)
    view.setFloat64(8, stamp.order, true)
    view.setUint16(24, topicBytes, true)
    view.setUint32(28, propertyBytes, true)
    const topicEnd = HEADER_BYTES + topicBytes
    bytes.set(p.buffer.subarray(p.topicStart, p.topicEnd), HEADER_BYTES)
    if (gone) {
      view.setFloat64(16, now + FORGET_MS, true)
      return new RetainedRow(bytes)
    }
    bytes.set(p.buffer.subarray(p.propertiesStart, p.propertiesEnd), topicEnd)
    bytes.set(p.buffer.subarray(p.payloadStart, p.payloadEnd), topicEnd + propertyBytes)
    if (p.expiryAt > 0) {
      const offset = p.expiryAt - p.propertiesStart
      view.setUint32(32, offset + 1, true)
      view.setFloat64(16, now + view.getUint32(topicEnd + offset) * 1000, true)
    }
    return new RetainedRow(bytes)
  }

  get space(): number {
    return this.#view.getUint8(1)
  }

  get qos(): Qos {
    return (this.#view.getUint8(2) & QOS) as Qos
  }

  /** There is no message: one was removed. */
  get gone(): boolean {
    return (this.#view.getUint8(2) & GONE) !== 0
  }

  get topic(): string {
    return Buffer.from(
      this.buffer.buffer,
      this.buffer.byteOffset + this.topicStart,
      this.topicEnd - this.topicStart,
    ).toString('utf8')
  }

  get incarnation(): number {
    return this.#view.getUint32(4, true)
  }

  get order(): number {
    return this.#view.getFloat64(8, true)
  }

  /** Nobody asks for it any more: it may be removed. An hour after its end, for the same reason as above. */
  isForgettable(now: number): boolean {
    const at = this.#view.getFloat64(16, true)
    return at > 0 && now >= at + (this.gone ? 0 : FORGET_MS)
  }

  isNewerThan(other: RetainedStamp): boolean {
    return (
      this.incarnation - other.incarnation > 0 ||
      (this.incarnation === other.incarnation && this.order > other.order)
    )
  }

  /**
   * Before it is sent: sets its Message Expiry Interval to what is left of it [MQTT-3.3.2-6]. False where there is
   * nothing to send [MQTT-3.3.2-5].
   */
  refresh(now: number): boolean {
    if (this.gone) return false
    if (this.expiryAt === 0) return true
    const left = Math.ceil((this.#view.getFloat64(16, true) - now) / 1000)
    if (left <= 0) return false
    this.#view.setUint32(this.expiryAt, left)
    return true
  }
}
