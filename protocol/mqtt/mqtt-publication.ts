/** A publication that did not come from a PUBLISH: one buffer with topic and payload. */
import type { Qos } from '../../core/domain/qos.ts'
import type { Publication } from '../../core/ports/publication.ts'

export function publicationOf(topic: string, payload: Uint8Array, qos: Qos): Publication {
  const topicBytes = Buffer.byteLength(topic)
  const buffer = Buffer.allocUnsafe(topicBytes + payload.length)
  buffer.write(topic, 0)
  buffer.set(payload, topicBytes)
  return {
    serial: 0,
    buffer,
    qos,
    retain: false,
    topicStart: 0,
    topicEnd: topicBytes,
    propertiesStart: topicBytes,
    propertiesEnd: topicBytes,
    expiryAt: 0,
    payloadStart: topicBytes,
    payloadEnd: buffer.length,
  }
}
