/** Packets that no client may send: the bytes, what the standard says, and under which word we count them. */

export interface InvalidPacket {
  readonly says: string
  readonly levels: readonly (4 | 5)[]
  readonly bytes: Uint8Array
  readonly reason: string
}

type Part = number | Uint8Array | readonly number[]
const V4 = [4] as const
const V5 = [5] as const
const BOTH = [4, 5] as const

/** A packet with its remaining length. */
export function packet(first: number, ...parts: readonly Part[]): Uint8Array {
  const body = parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part]))
  return Uint8Array.from([first, ...(body.length < 128 ? [body.length] : varint(body.length)), ...body])
}

/** With its length in front; a string as UTF-8. */
export function field(text: string | readonly number[]): number[] {
  const bytes = typeof text === 'string' ? [...Buffer.from(text)] : text
  return [bytes.length >> 8, bytes.length & 0xff, ...bytes]
}

export function list(...parts: readonly Part[]): number[] {
  const bytes = parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part]))
  return [...varint(bytes.length), ...bytes]
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >> 7)]
}

const ID = [0, 7]
const NONE = [0] // no properties
const NOT_UTF8 = [0xc3, 0x28]
const SURROGATE = [0xed, 0xa0, 0x80]
const T = field('t')

function invalid(says: string, levels: readonly (4 | 5)[], bytes: Uint8Array, reason: string): InvalidPacket {
  return { says, levels, bytes, reason }
}

export const INVALID_PUBLISH: readonly InvalidPacket[] = [
  ...[NOT_UTF8, SURROGATE].map((text) =>
    invalid('topic not UTF-8 [MQTT-1.5.4-1]', V4, packet(0x30, field(text)), 'invalid-topic'),
  ),
  invalid('U+0000 in topic [MQTT-1.5.4-2]', V4, packet(0x30, field('a\0')), 'invalid-topic'),
  ...['+', 'a/#', 'a+'].map((topic) =>
    invalid('wildcard in topic [MQTT-3.3.2-2]', BOTH, packet(0x30, field(topic), NONE), 'invalid-topic'),
  ),
  invalid('empty topic [MQTT-4.7.3-1]', BOTH, packet(0x30, field(''), NONE), 'invalid-topic'),
  invalid('QoS 3 [MQTT-3.3.1-4]', BOTH, packet(0x36, T, ID, NONE), 'qos-3'),
  invalid('QoS 2 [MQTT-3.2.2-11]', BOTH, packet(0x34, T, ID, NONE), 'qos-2'),
  invalid('packet id 0 [MQTT-2.2.1-3]', BOTH, packet(0x32, T, [0, 0], NONE), 'packet-id-0'),
  invalid('topic beyond its packet', BOTH, packet(0x30, [0, 9, 0x74]), 'truncated-publish'),
  invalid('no packet id', BOTH, packet(0x32, T, 0), 'truncated-publish'),
  invalid('no property length', V5, packet(0x30, T), 'truncated-publish'),
  invalid('retained [MQTT-3.2.2-14]', V5, packet(0x31, T, NONE), 'retain'),
  invalid('properties beyond their packet', V5, packet(0x30, T, [9, 1, 0]), 'truncated-packet'),
  invalid('property beyond its list', V5, packet(0x30, T, [3, 3, 0, 2], [65, 66]), 'truncated-property'),
  invalid('property twice', V5, packet(0x30, T, list(3, T, 3, T)), 'repeated-property'),
  invalid('property of CONNECT', V5, packet(0x30, T, list(0x11, [0, 0, 0, 1])), 'unexpected-property'),
  invalid('unknown property', V5, packet(0x30, T, list(0x7f, 0)), 'unexpected-property'),
  invalid('Subscription Identifier [MQTT-3.3.4-6]', V5, packet(0x30, T, list(0x0b, 1)), 'unexpected-property'),
  invalid('alias not granted [MQTT-3.2.2-17]', V5, packet(0x30, T, list(0x23, [0, 1])), 'topic-alias'),
  invalid('alias behind others', V5, packet(0x30, T, list(1, 1, 2, [0, 0, 0, 9], 0x26, T, T, 9, T, 0x23, [0, 1])), 'topic-alias'),
  invalid('alias 0 [MQTT-3.3.2-8]', V5, packet(0x30, T, list(0x23, [0, 0])), 'property-value'),
  invalid('Payload Format Indicator 2', V5, packet(0x30, T, list(1, 2)), 'property-value'),
  invalid('Content Type not UTF-8', V5, packet(0x30, T, list(3, field(NOT_UTF8))), 'invalid-utf8'),
  invalid('U+0000 in a user property', V5, packet(0x30, T, list(0x26, T, field('\0'))), 'null-character'),
  invalid('long property length [MQTT-1.5.5-1]', V5, packet(0x30, T, [0x80, 0]), 'malformed-length'),
  invalid('long remaining length [MQTT-1.5.5-1]', V5, Uint8Array.of(0x30, 0x84, 0, 0, 1, 0x74, 0), 'malformed-length'),
  invalid('length of five bytes', BOTH, Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80, 1), 'malformed-length'),
]

const OPTIONS = 0
export const INVALID_CONTROL: readonly InvalidPacket[] = [
  invalid('SUBSCRIBE flags [MQTT-3.8.1-1]', V4, packet(0x80, ID, T, OPTIONS), 'malformed-packet'),
  invalid('SUBSCRIBE id 0 [MQTT-2.2.1-3]', V4, packet(0x82, [0, 0], T, OPTIONS), 'packet-id-0'),
  invalid('SUBSCRIBE without filter [MQTT-3.8.3-2]', V4, packet(0x82, ID), 'no-filter'),
  invalid('SUBSCRIBE without filter [MQTT-3.8.3-2]', V5, packet(0x82, ID, NONE), 'no-filter'),
  invalid('SUBSCRIBE without options', V4, packet(0x82, ID, T), 'truncated-packet'),
  invalid('SUBSCRIBE at QoS 3 [MQTT-3.8.3-4]', V4, packet(0x82, ID, T, 3), 'malformed-packet'),
  invalid('SUBSCRIBE at QoS 3 [MQTT-3.8.3-4]', V5, packet(0x82, ID, NONE, T, 3), 'malformed-packet'),
  invalid('option bits of MQTT 5 in 3.1.1', V4, packet(0x82, ID, T, 4), 'malformed-packet'),
  invalid('reserved options [MQTT-3.8.3-5]', V5, packet(0x82, ID, NONE, T, 0x40), 'malformed-packet'),
  invalid('Retain Handling 3', V5, packet(0x82, ID, NONE, T, 0x30), 'malformed-packet'),
  ...['a/#/b', 'a#', '+b', 'a/b+', ''].map((filter) =>
    invalid('filter [MQTT-4.7.1-1] [MQTT-4.7.1-2]', V4, packet(0x82, ID, field(filter), OPTIONS), 'invalid-filter'),
  ),
  invalid('filter not UTF-8', V4, packet(0x82, ID, field(NOT_UTF8), OPTIONS), 'invalid-utf8'),
  invalid('U+0000 in filter', V5, packet(0x82, ID, NONE, field('a\0'), OPTIONS), 'null-character'),
  invalid('Subscription Identifier', V5, packet(0x82, ID, list(0x0b, 1), T, OPTIONS), 'subscription-identifier'),
  invalid('property of PUBLISH', V5, packet(0x82, ID, list(1, 1), T, OPTIONS), 'unexpected-property'),
  invalid('UNSUBSCRIBE flags [MQTT-3.10.1-1]', V4, packet(0xa0, ID, T), 'malformed-packet'),
  invalid('UNSUBSCRIBE id 0', V4, packet(0xa2, [0, 0], T), 'packet-id-0'),
  invalid('UNSUBSCRIBE without filter [MQTT-3.10.3-2]', V4, packet(0xa2, ID), 'no-filter'),
  invalid('UNSUBSCRIBE with half a filter', V4, packet(0xa2, ID, T, 0), 'truncated-packet'),
  invalid('PINGREQ flags [MQTT-2.1.3-1]', BOTH, packet(0xc1), 'malformed-pingreq'),
  invalid('PINGREQ with a body', BOTH, packet(0xc0, 0), 'malformed-pingreq'),
  invalid('PUBACK flags [MQTT-2.1.3-1]', BOTH, packet(0x41, ID), 'malformed-puback'),
  invalid('PUBACK without id', BOTH, packet(0x40, 0), 'malformed-puback'),
  invalid('PUBACK of MQTT 5 in 3.1.1', V4, packet(0x40, ID, 0), 'trailing-bytes'),
  invalid('PUBACK with a property of PUBLISH', V5, packet(0x40, ID, 0, list(1, 1)), 'unexpected-property'),
  invalid('PUBACK behind its end', V5, packet(0x40, ID, 0, NONE, 0), 'trailing-bytes'),
  invalid('DISCONNECT flags [MQTT-3.14.1-1]', BOTH, packet(0xe1), 'malformed-packet'),
  invalid('DISCONNECT of MQTT 5 in 3.1.1', V4, packet(0xe0, 0), 'trailing-bytes'),
  invalid('DISCONNECT with no reason of its own', V5, packet(0xe0, 1), 'malformed-packet'),
  invalid('DISCONNECT with a property twice', V5, packet(0xe0, 0, list(0x1f, T, 0x1f, T)), 'repeated-property'),
  invalid('DISCONNECT behind its end', V5, packet(0xe0, 0, NONE, 0), 'trailing-bytes'),
  ...[0x00, 0x20, 0x90, 0xb0, 0xd0, 0xf0].map((first) =>
    invalid(`type ${first >> 4} is not for clients`, BOTH, packet(first), 'unexpected-packet'),
  ),
  ...[0x50, 0x62, 0x70].map((first) =>
    invalid(`type ${first >> 4} is of QoS 2`, BOTH, packet(first, ID), 'qos-2'),
  ),
]

/** CONNECT: flags, properties, and what follows them. */
export function connect(level: number, flags: number, ...parts: readonly Part[]): Uint8Array {
  return packet(0x10, field(level === 3 ? 'MQIsdp' : 'MQTT'), level, flags, [0, 60], ...parts)
}

const ME = field('me')
export const INVALID_CONNECT: readonly InvalidPacket[] = [
  invalid('another protocol [MQTT-3.1.2-1]', V4, packet(0x10, field('MQTX'), 4, 2, [0, 0], ME), 'not-mqtt'),
  invalid('far too short', V4, packet(0x10, field('MQ')), 'not-mqtt'),
  invalid('level 6 [MQTT-3.1.2-2]', V4, connect(6, 2, ME), 'protocol-version'),
  invalid('level 3 under the name of 4', V4, packet(0x10, field('MQTT'), 3, 2, [0, 0], ME), 'protocol-version'),
  invalid('header flags [MQTT-2.1.3-1]', V4, Uint8Array.from([0x11, ...connect(4, 2, ME).subarray(1)]), 'malformed-packet'),
  invalid('reserved flag [MQTT-3.1.2-3]', V4, connect(4, 3, ME), 'malformed-packet'),
  invalid('reserved flag [MQTT-3.1.2-3]', V5, connect(5, 3, NONE, ME), 'malformed-packet'),
  invalid('Will QoS 3 [MQTT-3.1.2-12]', V4, connect(4, 0x1e, ME, T, T), 'will-qos-3'),
  invalid('Will QoS without Will [MQTT-3.1.2-11]', V4, connect(4, 0x0a, ME), 'malformed-packet'),
  invalid('Will Retain without Will [MQTT-3.1.2-13]', V4, connect(4, 0x22, ME), 'malformed-packet'),
  invalid('password alone [MQTT-3.1.2-22]', V4, connect(4, 0x42, ME, T), 'password-alone'),
  invalid('wildcard in Will topic', V4, connect(4, 6, ME, field('a/#'), T), 'will-topic'),
  invalid('Will at QoS 2 [MQTT-3.2.2-12]', V5, connect(5, 0x16, NONE, ME, NONE, T, T), 'will-qos'),
  invalid('retained Will [MQTT-3.2.2-13]', V5, connect(5, 0x26, NONE, ME, NONE, T, T), 'will-retain'),
  invalid('client id not UTF-8 [MQTT-3.1.3-4]', V4, connect(4, 2, field(NOT_UTF8)), 'invalid-utf8'),
  invalid('U+0000 in user name', V4, connect(4, 0x82, ME, field('\0')), 'null-character'),
  invalid('behind its end', V4, connect(4, 2, ME, 0), 'trailing-bytes'),
  invalid('no properties', V5, connect(5, 2), 'truncated-packet'),
  invalid('Receive Maximum 0', V5, connect(5, 2, list(0x21, [0, 0]), ME), 'property-value'),
  invalid('Maximum Packet Size 0', V5, connect(5, 2, list(0x27, [0, 0, 0, 0]), ME), 'property-value'),
  invalid('Request Problem Information 2', V5, connect(5, 2, list(0x17, 2), ME), 'property-value'),
  invalid('property twice', V5, connect(5, 2, list(0x21, ID, 0x21, ID), ME), 'repeated-property'),
  invalid('property of the Will', V5, connect(5, 2, list(0x18, [0, 0, 0, 1]), ME), 'unexpected-property'),
  invalid('property of CONNECT in the Will', V5, connect(5, 6, NONE, ME, list(0x21, ID), T, T), 'unexpected-property'),
  invalid('a method of authentication', V5, connect(5, 2, list(0x15, T), ME), 'auth-method'),
  invalid('authentication without method', V5, connect(5, 2, list(0x16, T), ME), 'auth-method'),
]

/** Packets that are in order, each without a part that could be left off but at `alsoValid` bytes of body. */
export const VALID: readonly {
  readonly level: 4 | 5
  readonly bytes: Uint8Array
  readonly alsoValid: readonly number[]
}[] = [
  { level: 4, bytes: connect(4, 0xce, ME, T, T, T, T), alsoValid: [] },
  { level: 5, bytes: connect(5, 0xce, list(0x21, ID, 0x26, T, T), ME, list(3, T), T, T, T, T), alsoValid: [] },
  { level: 4, bytes: packet(0x32, T, ID), alsoValid: [] },
  { level: 5, bytes: packet(0x32, T, ID, list(1, 1, 8, T, 0x26, T, T)), alsoValid: [] },
  { level: 4, bytes: packet(0x82, ID, field('a/+/#'), 1), alsoValid: [] },
  { level: 5, bytes: packet(0x82, ID, list(0x26, T, T), field('a'), 0x2d), alsoValid: [] },
  { level: 4, bytes: packet(0xa2, ID, field('a/+')), alsoValid: [] },
  { level: 5, bytes: packet(0xa2, ID, list(0x26, T, T), field('a')), alsoValid: [] },
  { level: 5, bytes: packet(0xe0, 0, list(0x11, [0, 0, 0, 0], 0x1f, T)), alsoValid: [0, 1] },
  { level: 5, bytes: packet(0x40, ID, 0, list(0x1f, T)), alsoValid: [2, 3] },
]
