/** Packets that no connected client may send: the bytes, what the standard says, and under which word we count them. */
import { field, ID, list, NONE, NOT_UTF8, packet, T } from './packet-bytes.ts'

export interface InvalidPacket {
  readonly says: string
  readonly levels: readonly (4 | 5)[]
  readonly bytes: Uint8Array
  readonly reason: string
}

const V4 = [4] as const
const V5 = [5] as const
const BOTH = [4, 5] as const

const SURROGATE = [0xed, 0xa0, 0x80]

export function invalid(
  says: string,
  levels: readonly (4 | 5)[],
  bytes: Uint8Array,
  reason: string,
): InvalidPacket {
  return { says, levels, bytes, reason }
}

export const INVALID_PUBLISH: readonly InvalidPacket[] = [
  ...[NOT_UTF8, SURROGATE].map((text) =>
    invalid(
      'topic not UTF-8 [MQTT-1.5.4-1] [MQTT-3.3.2-1]',
      V4,
      packet(0x30, field(text)),
      'invalid-topic',
    ),
  ),
  invalid(
    'U+0000 in topic [MQTT-1.5.4-2] [MQTT-4.7.3-2]',
    V4,
    packet(0x30, field('a\0')),
    'invalid-topic',
  ),
  ...['+', 'a/#', 'a+'].map((topic) =>
    invalid(
      'wildcard in topic [MQTT-3.3.2-2] [MQTT-4.7.0-1]',
      BOTH,
      packet(0x30, field(topic), NONE),
      'invalid-topic',
    ),
  ),
  invalid('empty topic [MQTT-4.7.3-1]', BOTH, packet(0x30, field(''), NONE), 'invalid-topic'),
  invalid('QoS 3 [MQTT-3.3.1-4]', BOTH, packet(0x36, T, ID, NONE), 'qos-3'),
  invalid('DUP at QoS 0 [MQTT-3.3.1-2]', BOTH, packet(0x38, T, NONE), 'dup-at-qos-0'),
  invalid('packet id 0 [MQTT-2.2.1-3]', BOTH, packet(0x32, T, [0, 0], NONE), 'packet-id-0'),
  invalid('topic beyond its packet', BOTH, packet(0x30, [0, 9, 0x74]), 'truncated-publish'),
  invalid('no packet id', BOTH, packet(0x32, T, 0), 'truncated-publish'),
  invalid('no property length', V5, packet(0x30, T), 'truncated-publish'),
  invalid('properties beyond their packet', V5, packet(0x30, T, [9, 1, 0]), 'truncated-packet'),
  invalid(
    'property beyond its list',
    V5,
    packet(0x30, T, [3, 3, 0, 2], [65, 66]),
    'truncated-property',
  ),
  invalid('property twice', V5, packet(0x30, T, list(3, T, 3, T)), 'repeated-property'),
  invalid(
    'property of CONNECT',
    V5,
    packet(0x30, T, list(0x11, [0, 0, 0, 1])),
    'unexpected-property',
  ),
  invalid('unknown property', V5, packet(0x30, T, list(0x7f, 0)), 'unexpected-property'),
  invalid(
    'Subscription Identifier [MQTT-3.3.4-6]',
    V5,
    packet(0x30, T, list(0x0b, 1)),
    'unexpected-property',
  ),
  invalid(
    'alias not granted [MQTT-3.2.2-17] [MQTT-3.3.2-9]',
    V5,
    packet(0x30, T, list(0x23, [0, 17])),
    'topic-alias',
  ),
  invalid(
    'alias behind others',
    V5,
    packet(0x30, T, list(1, 1, 2, [0, 0, 0, 9], 0x26, T, T, 9, T, 0x23, [0, 17])),
    'topic-alias',
  ),
  invalid(
    'alias without a topic yet',
    V5,
    packet(0x30, field(''), list(0x23, [0, 1])),
    'unknown-alias',
  ),
  invalid(
    'wildcard in the Response Topic [MQTT-3.3.2-14]',
    V5,
    packet(0x30, T, list(8, field('a/+'))),
    'response-topic',
  ),
  invalid(
    'Response Topic not UTF-8 [MQTT-3.3.2-13]',
    V5,
    packet(0x30, T, list(8, field(NOT_UTF8))),
    'invalid-utf8',
  ),
  invalid('alias 0 [MQTT-3.3.2-8]', V5, packet(0x30, T, list(0x23, [0, 0])), 'property-value'),
  invalid('Payload Format Indicator 2', V5, packet(0x30, T, list(1, 2)), 'property-value'),
  invalid(
    'Content Type not UTF-8 [MQTT-3.3.2-19]',
    V5,
    packet(0x30, T, list(3, field(NOT_UTF8))),
    'invalid-utf8',
  ),
  invalid(
    'U+0000 in a user property [MQTT-1.5.7-1]',
    V5,
    packet(0x30, T, list(0x26, T, field('\0'))),
    'null-character',
  ),
  invalid(
    'long property length [MQTT-1.5.5-1]',
    V5,
    packet(0x30, T, [0x80, 0]),
    'malformed-length',
  ),
  invalid(
    'long remaining length [MQTT-1.5.5-1]',
    V5,
    Uint8Array.of(0x30, 0x84, 0, 0, 1, 0x74, 0),
    'malformed-length',
  ),
  invalid(
    'length of five bytes',
    BOTH,
    Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80, 1),
    'malformed-length',
  ),
  ...[NOT_UTF8, SURROGATE].map((text) =>
    invalid('topic not UTF-8 [MQTT-1.5.4-1]', V5, packet(0x30, field(text), NONE), 'invalid-topic'),
  ),
  invalid('U+0000 in topic [MQTT-1.5.4-2]', V5, packet(0x30, field('a\0'), NONE), 'invalid-topic'),
  invalid(
    'packet id 0 at QoS 2 [MQTT-2.2.1-3]',
    BOTH,
    packet(0x34, T, [0, 0], NONE),
    'packet-id-0',
  ),
  invalid('Response Topic of no length', V5, packet(0x30, T, list(8, field(''))), 'response-topic'),
  invalid(
    'U+0000 in the Response Topic',
    V5,
    packet(0x30, T, list(8, field('\0'))),
    'null-character',
  ),
  invalid(
    'user property not UTF-8',
    V5,
    packet(0x30, T, list(0x26, field(NOT_UTF8), T)),
    'invalid-utf8',
  ),
  invalid('half a user property', V5, packet(0x30, T, list(0x26, T), T), 'truncated-property'),
  invalid('half a four-byte value', V5, packet(0x30, T, list(2, [0, 0])), 'truncated-packet'),
  invalid(
    'property length of five bytes',
    V5,
    packet(0x30, T, [0x80, 0x80, 0x80, 0x80, 1]),
    'malformed-length',
  ),
  invalid('long property identifier', V5, packet(0x30, T, list(0x81, 0, 1)), 'malformed-length'),
  invalid(
    'property identifier of two bytes',
    V5,
    packet(0x30, T, list(0xff, 1, 0)),
    'unexpected-property',
  ),
  invalid(
    'larger than is taken here [MQTT-3.2.2-15]',
    BOTH,
    Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f),
    'packet-too-large',
  ),
]

const OPTIONS = 0
export const INVALID_CONTROL: readonly InvalidPacket[] = [
  invalid('SUBSCRIBE flags [MQTT-3.8.1-1]', V4, packet(0x80, ID, T, OPTIONS), 'malformed-packet'),
  invalid(
    'SUBSCRIBE flags [MQTT-3.8.1-1]',
    V5,
    packet(0x80, ID, NONE, T, OPTIONS),
    'malformed-packet',
  ),
  invalid('SUBSCRIBE id 0 [MQTT-2.2.1-3]', V4, packet(0x82, [0, 0], T, OPTIONS), 'packet-id-0'),
  invalid('SUBSCRIBE without filter [MQTT-3.8.3-2]', V4, packet(0x82, ID), 'no-filter'),
  invalid('SUBSCRIBE without filter [MQTT-3.8.3-2]', V5, packet(0x82, ID, NONE), 'no-filter'),
  invalid('SUBSCRIBE without options', V4, packet(0x82, ID, T), 'truncated-packet'),
  invalid(
    'SUBSCRIBE at QoS 3 [MQTT-3.8.3-4] of 3.1.1',
    V4,
    packet(0x82, ID, T, 3),
    'malformed-packet',
  ),
  invalid('SUBSCRIBE at QoS 3', V5, packet(0x82, ID, NONE, T, 3), 'subscription-options'),
  invalid(
    'option bits of MQTT 5 [MQTT-3.8.3-4] of 3.1.1',
    V4,
    packet(0x82, ID, T, 4),
    'malformed-packet',
  ),
  invalid(
    'reserved options [MQTT-3.8.3-5]',
    V5,
    packet(0x82, ID, NONE, T, 0x40),
    'malformed-packet',
  ),
  invalid('Retain Handling 3', V5, packet(0x82, ID, NONE, T, 0x30), 'subscription-options'),
  ...['a/#/b', 'a#', '+b', 'a/b+', ''].map((filter) =>
    invalid(
      'filter [MQTT-4.7.1-1] [MQTT-4.7.1-2]',
      V4,
      packet(0x82, ID, field(filter), OPTIONS),
      'invalid-filter',
    ),
  ),
  invalid(
    'filter not UTF-8 [MQTT-3.8.3-1]',
    V4,
    packet(0x82, ID, field(NOT_UTF8), OPTIONS),
    'invalid-utf8',
  ),
  invalid('U+0000 in filter', V5, packet(0x82, ID, NONE, field('a\0'), OPTIONS), 'null-character'),
  invalid(
    'Subscription Identifier 0',
    V5,
    packet(0x82, ID, list(0x0b, 0), T, OPTIONS),
    'property-value',
  ),
  invalid(
    'property of PUBLISH',
    V5,
    packet(0x82, ID, list(1, 1), T, OPTIONS),
    'unexpected-property',
  ),
  invalid('UNSUBSCRIBE flags [MQTT-3.10.1-1]', V4, packet(0xa0, ID, T), 'malformed-packet'),
  invalid('UNSUBSCRIBE flags [MQTT-3.10.1-1]', V5, packet(0xa0, ID, NONE, T), 'malformed-packet'),
  invalid('UNSUBSCRIBE id 0', V4, packet(0xa2, [0, 0], T), 'packet-id-0'),
  invalid('UNSUBSCRIBE without filter [MQTT-3.10.3-2]', V4, packet(0xa2, ID), 'no-filter'),
  invalid(
    'UNSUBSCRIBE filter not UTF-8 [MQTT-3.10.3-1]',
    V4,
    packet(0xa2, ID, field(NOT_UTF8)),
    'invalid-utf8',
  ),
  invalid('UNSUBSCRIBE with half a filter', V4, packet(0xa2, ID, T, 0), 'truncated-packet'),
  invalid('PINGREQ flags [MQTT-2.1.3-1]', BOTH, packet(0xc1), 'malformed-pingreq'),
  invalid('PINGREQ with a body', BOTH, packet(0xc0, 0), 'malformed-pingreq'),
  invalid('PUBACK flags [MQTT-2.1.3-1]', BOTH, packet(0x41, ID), 'malformed-acknowledgement'),
  invalid('PUBACK without id', BOTH, packet(0x40, 0), 'malformed-acknowledgement'),
  invalid('PUBACK of MQTT 5 in 3.1.1', V4, packet(0x40, ID, 0), 'trailing-bytes'),
  invalid(
    'PUBACK with a property of PUBLISH',
    V5,
    packet(0x40, ID, 0, list(1, 1)),
    'unexpected-property',
  ),
  invalid('PUBACK behind its end', V5, packet(0x40, ID, 0, NONE, 0), 'trailing-bytes'),
  invalid('DISCONNECT flags [MQTT-3.14.1-1]', BOTH, packet(0xe1), 'malformed-packet'),
  invalid('DISCONNECT of MQTT 5 in 3.1.1', V4, packet(0xe0, 0), 'trailing-bytes'),
  invalid('DISCONNECT with no reason of its own', V5, packet(0xe0, 1), 'malformed-packet'),
  invalid(
    'DISCONNECT with a property twice',
    V5,
    packet(0xe0, 0, list(0x1f, T, 0x1f, T)),
    'repeated-property',
  ),
  invalid('DISCONNECT behind its end', V5, packet(0xe0, 0, NONE, 0), 'trailing-bytes'),
  ...[0x00, 0x20, 0x90, 0xb0, 0xd0, 0xf0].map((first) =>
    invalid(`type ${first >> 4} is not for clients`, BOTH, packet(first), 'unexpected-packet'),
  ),
  ...[0x52, 0x60, 0x72].map((first) =>
    invalid(
      `flags of type ${first >> 4} [MQTT-2.1.3-1] [MQTT-3.6.1-1]`,
      BOTH,
      packet(first, ID),
      'malformed-acknowledgement',
    ),
  ),
  invalid(
    'PUBACK with a reason of SUBACK [MQTT-3.4.2-1]',
    V5,
    packet(0x40, ID, 0xa1),
    'acknowledgement-code',
  ),
  invalid(
    'PUBREC with a reason of PUBREL [MQTT-3.5.2-1]',
    V5,
    packet(0x50, ID, 0x92),
    'acknowledgement-code',
  ),
  invalid(
    'PUBCOMP with a reason of PUBREC [MQTT-3.7.2-1]',
    V5,
    packet(0x70, ID, 0x80),
    'acknowledgement-code',
  ),
  invalid(
    'PUBREL with a reason of PUBREC [MQTT-3.6.2-1]',
    V5,
    packet(0x62, ID, 0x80),
    'acknowledgement-code',
  ),
  ...[0x40, 0x50, 0x62, 0x70].flatMap((first) => [
    invalid(`type ${first >> 4} with packet id 0`, BOTH, packet(first, [0, 0]), 'packet-id-0'),
    invalid(
      `type ${first >> 4} of MQTT 5 in 3.1.1`,
      V4,
      packet(first, ID, 0, NONE),
      'trailing-bytes',
    ),
    invalid(
      `type ${first >> 4} behind its end`,
      V5,
      packet(first, ID, 0, NONE, 0),
      'trailing-bytes',
    ),
    invalid(
      `type ${first >> 4} without all its properties`,
      V5,
      packet(first, ID, 0, 9),
      'truncated-packet',
    ),
    invalid(
      `type ${first >> 4} with an unknown reason`,
      V5,
      packet(first, ID, 1),
      'acknowledgement-code',
    ),
    invalid(
      `type ${first >> 4} with a Reason String that is not UTF-8`,
      V5,
      packet(first, ID, 0, list(0x1f, field(NOT_UTF8))),
      'invalid-utf8',
    ),
  ]),
  invalid(
    'DISCONNECT that gives an expiry',
    V5,
    packet(0xe0, 0, list(0x11, [0, 0, 0, 9])),
    'expiry-raised',
  ),
  invalid('DISCONNECT without all its properties', V5, packet(0xe0, 0, 9), 'truncated-packet'),
  invalid(
    'U+0000 in the Reason String of DISCONNECT',
    V5,
    packet(0xe0, 0, list(0x1f, field('\0'))),
    'null-character',
  ),
  invalid(
    'AUTH without extended authentication [MQTT-4.12.0-7]',
    V5,
    packet(0xf0, 0x19, NONE),
    'unexpected-packet',
  ),
]
