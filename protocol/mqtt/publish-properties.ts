/**
 * The properties of a PUBLISH: checked, and forwarded unaltered as raw bytes [MQTT-3.3.2-4] [MQTT-3.3.2-15]
 * [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-20], in their order [MQTT-3.3.2-18].
 * Only the Topic Alias is meant for us alone: it is cut out in place, so that none reaches a client that
 * takes none [MQTT-3.1.2-27].
 */
import { isTopicName } from '../../core/domain/topic.ts'
import { ByteCursor } from './byte-cursor.ts'
import { PACKET } from './packet-type.ts'
import { type Fault, REASON } from './reason-code.ts'

const FORMAT_INDICATOR = 0x01
const MESSAGE_EXPIRY = 0x02
const RESPONSE_TOPIC = 0x08
const TOPIC_ALIAS = 0x23
const ALIAS_BYTES = 3

export interface PublishProperties {
  readonly buffer: Buffer
  propertiesStart: number
  propertiesEnd: number
  expiryAt: number
  /** 0: none. */
  alias: number
  /** Payload Format Indicator 1: the payload says it is UTF-8. */
  textPayload: boolean
}

/** Sets the range of the properties behind their length field, without an alias. Its cut moves what is before it. */
export function readPublishProperties(
  target: PublishProperties,
  at: number,
  end: number,
  maxUserProperties: number,
): Fault | undefined {
  const { buffer } = target
  if (at >= end) return NO_PROPERTY_LENGTH
  target.propertiesStart = at + 1
  target.propertiesEnd = at + 1
  if (buffer[at] === 0) return undefined
  const cursor = new ByteCursor(buffer, at, end, maxUserProperties)
  const length = cursor.varint()
  target.propertiesStart = cursor.at
  target.propertiesEnd = cursor.at + length
  cursor.at = at
  let responseTopic: string | undefined
  let aliasAt = 0
  cursor.properties(PACKET.publish, (id, valueAt, valueEnd) => {
    if (id === FORMAT_INDICATOR) target.textPayload = buffer[valueAt] === 1
    else if (id === MESSAGE_EXPIRY) target.expiryAt = valueAt
    else if (id === RESPONSE_TOPIC) responseTopic = buffer.toString('utf8', valueAt + 2, valueEnd)
    else if (id === TOPIC_ALIAS) aliasAt = valueAt
  })
  if (cursor.fault !== undefined) return cursor.fault
  if (responseTopic !== undefined && !isTopicName(responseTopic)) return RESPONSE_TOPIC_FAULT // [MQTT-3.3.2-14]
  if (aliasAt > 0) cutAlias(target, aliasAt)
  return undefined
}

function cutAlias(target: PublishProperties, valueAt: number): void {
  const { buffer, propertiesStart } = target
  target.alias = ((buffer[valueAt] as number) << 8) | (buffer[valueAt + 1] as number)
  const idAt = valueAt - 1
  buffer.copyWithin(propertiesStart + ALIAS_BYTES, propertiesStart, idAt)
  target.propertiesStart += ALIAS_BYTES
  if (target.expiryAt > 0 && target.expiryAt < idAt) target.expiryAt += ALIAS_BYTES
}

const NO_PROPERTY_LENGTH: Fault = {
  code: REASON.malformedPacket,
  reason: 'truncated-publish',
  message: 'PUBLISH without a property length',
}
const RESPONSE_TOPIC_FAULT: Fault = {
  code: REASON.protocolError,
  reason: 'response-topic',
  message: 'the Response Topic is no topic name',
}
