/** CONNECT packets that open nothing: the bytes, what the standard says, and under which word we count them. */
import { connect, field, ID, list, NONE, NOT_UTF8, packet, T } from './packet-bytes.ts'
import { type InvalidPacket, invalid } from './packet-cases.ts'

const V4 = [4] as const
const V5 = [5] as const
const ME = field('me')
export const INVALID_CONNECT: readonly InvalidPacket[] = [
  invalid(
    'another protocol [MQTT-3.1.2-1]',
    V4,
    packet(0x10, field('MQTX'), 4, 2, [0, 0], ME),
    'not-mqtt',
  ),
  invalid('far too short [MQTT-3.1.4-1]', V4, packet(0x10, field('MQ')), 'not-mqtt'),
  invalid('level 6 [MQTT-3.1.2-2]', V4, connect(6, 2, ME), 'protocol-version'),
  invalid(
    'level 3 under the name of 4',
    V4,
    packet(0x10, field('MQTT'), 3, 2, [0, 0], ME),
    'protocol-version',
  ),
  invalid(
    'header flags [MQTT-2.1.3-1]',
    V4,
    Uint8Array.from([0x11, ...connect(4, 2, ME).subarray(1)]),
    'malformed-packet',
  ),
  invalid('reserved flag [MQTT-3.1.2-3]', V4, connect(4, 3, ME), 'malformed-packet'),
  invalid('reserved flag [MQTT-3.1.2-3]', V5, connect(5, 3, NONE, ME), 'malformed-packet'),
  invalid('Will QoS 3 [MQTT-3.1.2-12]', V4, connect(4, 0x1e, ME, T, T), 'will-qos-3'),
  invalid('Will QoS without Will [MQTT-3.1.2-11]', V4, connect(4, 0x0a, ME), 'malformed-packet'),
  invalid('Will Retain without Will [MQTT-3.1.2-13]', V4, connect(4, 0x22, ME), 'malformed-packet'),
  invalid('password alone [MQTT-3.1.2-22] of 3.1.1', V4, connect(4, 0x42, ME, T), 'password-alone'),
  invalid('Will flag alone [MQTT-3.1.2-9]', V4, connect(4, 6, ME), 'truncated-packet'),
  invalid('user name unsaid [MQTT-3.1.2-16]', V4, connect(4, 2, ME, T), 'trailing-bytes'),
  invalid('no user name [MQTT-3.1.2-17]', V4, connect(4, 0x82, ME), 'truncated-packet'),
  invalid('password unsaid [MQTT-3.1.2-18]', V4, connect(4, 0x82, ME, T, T), 'trailing-bytes'),
  invalid('no password [MQTT-3.1.2-19]', V4, connect(4, 0xc2, ME, T), 'truncated-packet'),
  invalid('no client id [MQTT-3.1.3-3]', V4, connect(4, 2), 'truncated-packet'),
  invalid(
    'Will topic not UTF-8 [MQTT-3.1.3-11]',
    V4,
    connect(4, 6, ME, field(NOT_UTF8), T),
    'invalid-utf8',
  ),
  invalid(
    'wildcard in Will topic',
    V5,
    connect(5, 6, NONE, ME, NONE, field('a/#'), T),
    'will-topic',
  ),
  invalid('wildcard in Will topic', V4, connect(4, 6, ME, field('a/#'), T), 'will-topic'),
  invalid('client id not UTF-8 [MQTT-3.1.3-4]', V4, connect(4, 2, field(NOT_UTF8)), 'invalid-utf8'),
  invalid(
    'user name not UTF-8 [MQTT-3.1.3-12]',
    V4,
    connect(4, 0x82, ME, field(NOT_UTF8)),
    'invalid-utf8',
  ),
  invalid('U+0000 in user name', V4, connect(4, 0x82, ME, field('\0')), 'null-character'),
  invalid('behind its end', V4, connect(4, 2, ME, 0), 'trailing-bytes'),
  invalid('no properties', V5, connect(5, 2), 'truncated-packet'),
  invalid('Receive Maximum 0', V5, connect(5, 2, list(0x21, [0, 0]), ME), 'property-value'),
  invalid(
    'Maximum Packet Size 0',
    V5,
    connect(5, 2, list(0x27, [0, 0, 0, 0]), ME),
    'property-value',
  ),
  invalid('Request Problem Information 2', V5, connect(5, 2, list(0x17, 2), ME), 'property-value'),
  invalid('property twice', V5, connect(5, 2, list(0x21, ID, 0x21, ID), ME), 'repeated-property'),
  invalid(
    'property of the Will',
    V5,
    connect(5, 2, list(0x18, [0, 0, 0, 1]), ME),
    'unexpected-property',
  ),
  invalid(
    'property of CONNECT in the Will',
    V5,
    connect(5, 6, NONE, ME, list(0x21, ID), T, T),
    'unexpected-property',
  ),
  invalid(
    'wildcard in the Response Topic of the Will',
    V5,
    connect(5, 6, NONE, ME, list(8, field('a/#')), T, T),
    'will-response-topic',
  ),
  invalid(
    'a Will that is no text though it says so',
    V5,
    connect(5, 6, NONE, ME, list(1, 1), T, field(NOT_UTF8)),
    'will-format',
  ),
  invalid('authentication without method', V5, connect(5, 2, list(0x16, T), ME), 'auth-data'),
]
