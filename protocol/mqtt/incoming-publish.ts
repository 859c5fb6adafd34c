/**
 * A PUBLISH read in place (§3.3): one object per shard, filled for each packet, so nothing is allocated
 * on the way. Valid during the call it is handed to.
 */
import type { Qos } from '../../core/domain/qos.ts'
import type { Publication } from '../../core/ports/publication.ts'
import { FAULT } from './faults.ts'
import type { ProtocolLevel } from './packet-type.ts'
import { readPublishProperties } from './publish-properties.ts'
import { type Fault, REASON } from './reason-code.ts'

export class IncomingPublish implements Publication {
  serial = 0
  buffer: Buffer = Buffer.alloc(0)
  qos: Qos = 0
  retain = false
  /** 0 at QoS 0. */
  packetId = 0
  topicStart = 0
  topicEnd = 0
  propertiesStart = 0
  propertiesEnd = 0
  expiryAt = 0
  payloadStart = 0
  payloadEnd = 0
  /** Topic Alias (§3.3.2.3.4); 0: none. */
  alias = 0
  textPayload = false
  /** For what must move: grows to the largest packet that came by alias alone. */
  #scratch: Buffer = Buffer.alloc(0)
  readonly #maxUserProperties: number

  /** @param maxUserProperties  of one packet */
  constructor(maxUserProperties: number) {
    this.#maxUserProperties = maxUserProperties
  }

  /** Reads the packet; returns what is wrong with it, if anything is. */
  read(
    buffer: Buffer,
    start: number,
    bodyStart: number,
    end: number,
    level: ProtocolLevel,
  ): Fault | undefined {
    const first = buffer[start] as number
    const qos = (first >> 1) & 3
    if (qos === 3) return BOTH_QOS_BITS // [MQTT-3.3.1-4]
    if (qos === 0 && (first & 8) !== 0) return DUP_AT_QOS_0 // [MQTT-3.3.1-2]
    this.serial += 1
    this.buffer = buffer
    this.qos = qos as Qos
    this.retain = (first & 1) !== 0
    let at = bodyStart + 2
    if (at > end) return TRUNCATED
    const topicEnd = at + (((buffer[bodyStart] as number) << 8) | (buffer[bodyStart + 1] as number))
    this.topicStart = at
    this.topicEnd = topicEnd
    at = topicEnd
    this.packetId = 0
    if (qos > 0) {
      if (at + 2 > end) return TRUNCATED
      this.packetId = ((buffer[at] as number) << 8) | (buffer[at + 1] as number)
      if (this.packetId === 0) return FAULT.zeroPacketId // [MQTT-2.2.1-3]
      at += 2
    }
    if (at > end) return TRUNCATED
    this.propertiesStart = at
    this.propertiesEnd = at
    this.expiryAt = 0
    this.alias = 0
    this.textPayload = false
    if (level === 5) {
      const fault = readPublishProperties(this, at, end, this.#maxUserProperties)
      if (fault !== undefined) return fault
      at = this.propertiesEnd
    }
    this.payloadStart = at
    this.payloadEnd = end
    return undefined
  }

  /** Puts a topic in place of the empty one of a packet that names it by its alias. */
  setTopic(topic: Uint8Array): void {
    const { buffer, propertiesStart, propertiesEnd, payloadEnd } = this
    const total = topic.length + payloadEnd - propertiesStart
    if (this.#scratch.length < total) this.#scratch = Buffer.allocUnsafeSlow(total)
    this.#scratch.set(topic, 0)
    this.#scratch.set(buffer.subarray(propertiesStart, payloadEnd), topic.length)
    this.buffer = this.#scratch
    this.topicStart = 0
    this.topicEnd = topic.length
    this.propertiesStart = topic.length
    this.propertiesEnd = topic.length + propertiesEnd - propertiesStart
    if (this.expiryAt > 0) this.expiryAt += topic.length - propertiesStart
    this.payloadStart = this.propertiesEnd
    this.payloadEnd = total
  }
}

const TRUNCATED: Fault = {
  code: REASON.malformedPacket,
  reason: 'truncated-publish',
  message: 'PUBLISH is shorter than its fields',
}
const BOTH_QOS_BITS: Fault = {
  code: REASON.malformedPacket,
  reason: 'qos-3',
  message: 'PUBLISH with both QoS bits set',
}
const DUP_AT_QOS_0: Fault = {
  code: REASON.malformedPacket,
  reason: 'dup-at-qos-0',
  message: 'PUBLISH at QoS 0 with the DUP flag',
}
