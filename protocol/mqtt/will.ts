/**
 * The Will of a CONNECT (§3.1.2.5, §3.1.3.2), read from its bytes: its properties are forwarded as they came, in their
 * order [MQTT-3.1.3-10], but for the delay, which is meant for us.
 */
import { isUtf8 } from 'node:buffer'
import type { Qos } from '../../core/domain/qos.ts'
import { isTopicName } from '../../core/domain/topic.ts'
import type { Publication } from '../../core/ports/publication.ts'
import { ByteCursor, WILL_PROPERTIES } from './byte-cursor.ts'
import { FAULT } from './faults.ts'
import { PACKET } from './packet-type.ts'
import type { Fault } from './reason-code.ts'

const WILL_FLAG = 0x04
const FORMAT_INDICATOR = 0x01
const MESSAGE_EXPIRY = 0x02
const RESPONSE_TOPIC = 0x08
const DELAY = 0x18
const DELAY_BYTES = 5

/** Published where the connection ends without a DISCONNECT that forgoes it [MQTT-3.1.2-8]. */
export interface Will {
  readonly topic: string
  readonly message: Publication
  /** Seconds after the end of the connection, where the session lasts so long (§3.1.3.2.2). */
  readonly delaySec: number
}

export type ReadWill =
  | { readonly kind: 'will'; readonly will: Will | undefined }
  | { readonly kind: 'fault'; readonly fault: Fault }

/**
 * @param frame  a CONNECT that is sound
 * @param bodyStart  where its variable header begins
 */
export function readWill(frame: Buffer, bodyStart: number): ReadWill {
  const cursor = new ByteCursor(frame, bodyStart, frame.length)
  cursor.string()
  const level = cursor.byte()
  const flags = cursor.byte()
  if ((flags & WILL_FLAG) === 0) return { kind: 'will', will: undefined }
  cursor.skip(2)
  if (level === 5) cursor.properties(PACKET.connect)
  cursor.string()
  const properties = level === 5 ? readProperties(frame, cursor) : NO_PROPERTIES
  const topic = readField(frame, cursor)
  const payload = readField(frame, cursor)
  const name = topic.toString('utf8')
  if (!isTopicName(name)) return { kind: 'fault', fault: FAULT.willTopic }
  if (properties.badResponseTopic) return { kind: 'fault', fault: FAULT.willResponseTopic }
  if (properties.text && !isUtf8(payload)) return { kind: 'fault', fault: FAULT.willFormat }
  const { bytes, expiryOffset } = properties
  const propertiesEnd = topic.length + bytes.length
  const message: Publication = {
    buffer: Buffer.concat([topic, bytes, payload]),
    qos: ((flags >> 3) & 3) as Qos,
    retain: (flags & 0x20) !== 0, // [MQTT-3.1.2-14] [MQTT-3.1.2-15]
    serial: 0,
    topicStart: 0,
    topicEnd: topic.length,
    propertiesStart: topic.length,
    propertiesEnd,
    expiryAt: expiryOffset < 0 ? 0 : topic.length + expiryOffset,
    payloadStart: propertiesEnd,
    payloadEnd: propertiesEnd + payload.length,
  }
  return { kind: 'will', will: { topic: name, message, delaySec: properties.delaySec } }
}

interface WillProperties {
  /** Those to forward. */
  readonly bytes: Buffer
  /** Of the value of the Message Expiry Interval among them; -1: there is none. */
  readonly expiryOffset: number
  readonly text: boolean
  readonly badResponseTopic: boolean
  readonly delaySec: number
}

const NO_PROPERTIES: WillProperties = {
  bytes: Buffer.alloc(0),
  expiryOffset: -1,
  text: false,
  badResponseTopic: false,
  delaySec: 0,
}

function readProperties(frame: Buffer, cursor: ByteCursor): WillProperties {
  const at = cursor.at
  cursor.varint()
  const start = cursor.at
  cursor.at = at
  let delayAt = -1
  let expiryAt = -1
  let text = false
  let badResponseTopic = false
  cursor.properties(WILL_PROPERTIES, (id, valueAt, valueEnd) => {
    if (id === DELAY) delayAt = valueAt - 1
    else if (id === MESSAGE_EXPIRY) expiryAt = valueAt
    else if (id === FORMAT_INDICATOR) text = frame[valueAt] === 1
    else if (id === RESPONSE_TOPIC)
      badResponseTopic = !isTopicName(frame.toString('utf8', valueAt + 2, valueEnd))
  })
  const end = cursor.at
  if (delayAt < 0) {
    const bytes = Buffer.from(frame.subarray(start, end))
    const expiryOffset = expiryAt < 0 ? -1 : expiryAt - start
    return { bytes, expiryOffset, text, badResponseTopic, delaySec: 0 }
  }
  const bytes = Buffer.concat([
    frame.subarray(start, delayAt),
    frame.subarray(delayAt + DELAY_BYTES, end),
  ])
  const cut = expiryAt > delayAt ? DELAY_BYTES : 0
  const expiryOffset = expiryAt < 0 ? -1 : expiryAt - start - cut
  const delaySec = frame.readUInt32BE(delayAt + 1)
  return { bytes, expiryOffset, text, badResponseTopic, delaySec }
}

function readField(frame: Buffer, cursor: ByteCursor): Buffer {
  const length = cursor.two()
  const start = cursor.at
  cursor.skip(length)
  return frame.subarray(start, start + length)
}
