/** Publications for tests of what hears and keeps them. */
import type { Publication } from '../../core/ports/publication.ts'

/** In a buffer with other bytes around it, as in a read. */
export function publicationOf(
  topic: string,
  payload: string,
  qos: 0 | 1 = 1,
  properties = '',
): Publication {
  const buffer = Buffer.from(`before${topic}${properties}${payload}after`)
  const topicStart = 'before'.length
  const topicEnd = topicStart + Buffer.byteLength(topic)
  const propertiesEnd = topicEnd + Buffer.byteLength(properties)
  const payloadEnd = buffer.length - 'after'.length
  return {
    buffer,
    qos,
    topicStart,
    topicEnd,
    propertiesStart: topicEnd,
    propertiesEnd,
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
