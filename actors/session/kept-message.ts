/** A message that outlives its turn: only the bytes that matter, in a buffer of their own. */
import type { Qos } from '../../core/domain/qos.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type { DeliveryTerms } from '../../core/ports/relay.ts'

export class KeptMessage implements Publication {
  readonly serial = 0
  readonly buffer: Uint8Array
  /** As it is to be delivered: the lower of the message's and the subscription's. */
  readonly qos: Qos
  readonly retain: boolean
  readonly topicStart = 0
  readonly topicEnd: number
  readonly propertiesStart: number
  readonly propertiesEnd: number
  readonly payloadStart: number
  readonly payloadEnd: number
  readonly expiryAt: number
  readonly terms: DeliveryTerms
  /** ms as the clock's `now`; infinite where it never expires. */
  readonly #expiresAt: number

  constructor(
    p: Publication,
    how: {
      readonly qos: Qos
      readonly retain: boolean
      readonly terms: DeliveryTerms
      readonly now: number
    },
  ) {
    const topicBytes = p.topicEnd - p.topicStart
    const propertyBytes = p.propertiesEnd - p.propertiesStart
    const total = topicBytes + propertyBytes + (p.payloadEnd - p.payloadStart)
    const buffer = new Uint8Array(total)
    buffer.set(p.buffer.subarray(p.topicStart, p.topicEnd), 0)
    buffer.set(p.buffer.subarray(p.propertiesStart, p.propertiesEnd), topicBytes)
    buffer.set(p.buffer.subarray(p.payloadStart, p.payloadEnd), topicBytes + propertyBytes)
    this.buffer = buffer
    this.qos = how.qos
    this.retain = how.retain
    this.topicEnd = topicBytes
    this.propertiesStart = topicBytes
    this.propertiesEnd = topicBytes + propertyBytes
    this.payloadStart = topicBytes + propertyBytes
    this.payloadEnd = total
    this.expiryAt = p.expiryAt === 0 ? 0 : p.expiryAt - p.propertiesStart + topicBytes
    this.terms = how.terms
    this.#expiresAt =
      this.expiryAt === 0 ? Number.POSITIVE_INFINITY : how.now + this.#interval * 1000
  }

  /** Bytes that it holds. */
  get bytes(): number {
    return this.buffer.length
  }

  /**
   * Before it is sent: takes what it has waited off its Message Expiry Interval [MQTT-3.3.2-6]. False where
   * nothing is left of it: not to be delivered [MQTT-3.3.2-5].
   */
  refresh(now: number): boolean {
    if (this.expiryAt === 0) return true
    const left = Math.ceil((this.#expiresAt - now) / 1000)
    if (left <= 0) return false
    if (left < this.#interval) this.#interval = left // a clock that was set back adds nothing
    return true
  }

  /** To another member of its shared subscription, where it came by one and has not expired. */
  giveBack(now: number): void {
    const { redelivery } = this.terms
    if (redelivery !== undefined && this.refresh(now)) redelivery.redeliver(this)
  }

  get #interval(): number {
    return this.#view.getUint32(this.expiryAt)
  }

  set #interval(seconds: number) {
    this.#view.setUint32(this.expiryAt, seconds)
  }

  get #view(): DataView {
    return new DataView(this.buffer.buffer)
  }
}
