/** A publication that did not come from a PUBLISH: one buffer with topic and payload. */
import type { Publication } from '../../core/ports/publication.ts'

export function publicationOf(topic: string, payload: Uint8Array, qos: 0 | 1): Publication {
  const topicBytes = Buffer.byteLength(topic)
  const buffer = Buffer.allocUnsafe(topicBytes + payload.length)
  buffer.write(topic, 0)
  buffer.set(payload, topicBytes)
  return {
    buffer,
    qos,
    topicStart: 0,
    topicEnd: topicBytes,
    propertiesStart: topicBytes,
    propertiesEnd: topicBytes,
    payloadStart: topicBytes,
    payloadEnd: buffer.length,
  }
}
