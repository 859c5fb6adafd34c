/** The properties of a PUBLISH: checked, and forwarded unaltered as raw bytes, in their order [MQTT-3.3.2-18]. */
import { ByteCursor } from './byte-cursor.ts'
import { PACKET } from './packet-type.ts'
import { type Fault, REASON } from './reason-code.ts'

interface PropertyRange {
  readonly buffer: Buffer
  propertiesStart: number
  propertiesEnd: number
}

const TOPIC_ALIAS = 1n << 0x23n // as a set of properties has it

/** Sets the range of the properties behind their length field. */
export function readForwardable(target: PropertyRange, at: number, end: number): Fault | undefined {
  const { buffer } = target
  if (at >= end) return NO_PROPERTY_LENGTH
  if (buffer[at] === 0) {
    target.propertiesStart = at + 1
    target.propertiesEnd = at + 1
    return undefined
  }
  const cursor = new ByteCursor(buffer, at, end)
  const length = cursor.varint()
  const start = cursor.at
  cursor.at = at
  const seen = cursor.properties(PACKET.publish)
  if (cursor.fault !== undefined) return cursor.fault
  target.propertiesStart = start
  target.propertiesEnd = start + length
  // We grant no aliases (Topic Alias Maximum is 0), so one is a fault [MQTT-3.2.2-17].
  return (seen & TOPIC_ALIAS) !== 0n ? TOPIC_ALIAS_FAULT : undefined
}

const NO_PROPERTY_LENGTH: Fault = {
  code: REASON.malformedPacket,
  reason: 'truncated-publish',
  message: 'PUBLISH without a property length',
}
const TOPIC_ALIAS_FAULT: Fault = {
  code: REASON.topicAliasInvalid,
  reason: 'topic-alias',
  message: 'topic aliases are not granted here: Topic Alias Maximum is 0',
}
