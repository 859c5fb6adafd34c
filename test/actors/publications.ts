/** Publications for tests of what hears and keeps them. */
import type { Qos } from '../../core/domain/qos.ts'
import type { Publication } from '../../core/ports/publication.ts'

/** In a buffer with other bytes around it, as in a read. */
export function publicationOf(
  topic: string,
  payload: string,
  qos: Qos = 1,
  properties: string | Uint8Array = '',
): Publication {
  const parts = [`before${topic}`, properties, `${payload}after`]
  const buffer = Buffer.concat(parts.map((part) => Buffer.from(part)))
  const topicStart = 'before'.length
  const topicEnd = topicStart + Buffer.byteLength(topic)
  const propertiesEnd = topicEnd + properties.length
  const payloadEnd = buffer.length - 'after'.length
  return {
    serial: 0,
    buffer,
    qos,
    retain: false,
    topicStart,
    topicEnd,
    propertiesStart: topicEnd,
    propertiesEnd,
    expiryAt: 0,
    payloadStart: propertiesEnd,
    payloadEnd,
  }
}

/** `topic properties payload qos`. */
export function inWords(p: Publication): string {
  const part = (start: number, end: number): string =>
    Buffer.from(p.buffer).toString('utf8', start, end)
  const topic = part(p.topicStart, p.topicEnd)
  const properties = part(p.propertiesStart, p.propertiesEnd)
  return `${topic} ${properties} ${part(p.payloadStart, p.payloadEnd)} ${p.qos}`
}
