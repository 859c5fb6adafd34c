/**
 * A PUBLISH read in place (§3.3): one object per shard, filled for each packet, so nothing is allocated
 * on the way. Valid during the call it is handed to.
 */
import type { Publication } from '../../core/ports/publication.ts'
import type { ProtocolLevel } from './packet-type.ts'
import { readForwardable } from './publish-properties.ts'
import { type Fault, REASON } from './reason-code.ts'

export class IncomingPublish implements Publication {
  buffer: Buffer = Buffer.alloc(0)
  qos: 0 | 1 = 0
  retain = false
  /** 0 at QoS 0. */
  packetId = 0
  topicStart = 0
  topicEnd = 0
  propertiesStart = 0
  propertiesEnd = 0
  payloadStart = 0
  payloadEnd = 0

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
    if (qos === 2) return QOS_2
    this.buffer = buffer
    this.qos = qos as 0 | 1
    this.retain = (first & 1) !== 0
    let at = bodyStart + 2
    if (at > end) return TRUNCATED
    const topicEnd = at + (((buffer[bodyStart] as number) << 8) | (buffer[bodyStart + 1] as number))
    this.topicStart = at
    this.topicEnd = topicEnd
    at = topicEnd
    this.packetId = 0
    if (qos === 1) {
      if (at + 2 > end) return TRUNCATED
      this.packetId = ((buffer[at] as number) << 8) | (buffer[at + 1] as number)
      if (this.packetId === 0) return ZERO_PACKET_ID // [MQTT-2.2.1-3]
      at += 2
    }
    if (at > end) return TRUNCATED
    this.propertiesStart = at
    this.propertiesEnd = at
    if (level === 5) {
      const fault = readForwardable(this, at, end)
      if (fault !== undefined) return fault
      at = this.propertiesEnd
    }
    this.payloadStart = at
    this.payloadEnd = end
    return undefined
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
const QOS_2: Fault = {
  code: REASON.qosNotSupported,
  reason: 'qos-2',
  message: 'QoS 2 is not supported here; publish at QoS 0 or 1',
}
const ZERO_PACKET_ID: Fault = {
  code: REASON.protocolError,
  reason: 'packet-id-0',
  message: 'a packet identifier of 0',
}
