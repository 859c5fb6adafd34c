/** SUBSCRIBE and UNSUBSCRIBE that no client may send, beside those of `packet-cases.ts`. */
import { field, ID, list, NONE, NOT_UTF8, packet, T } from './packet-bytes.ts'
import { type InvalidPacket, invalid } from './packet-cases.ts'

const V4 = [4] as const
const V5 = [5] as const
const OPTIONS = 0
const NO_LOCAL = 4

/** Malformed filters, of shared subscriptions too [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] [MQTT-4.8.2-1] [MQTT-4.8.2-2]. */
const FILTERS = [
  'a/#/b',
  'a#',
  '+b',
  'a/b+',
  '',
  '$share/g',
  '$share//t',
  '$share/g+/t',
  '$share/#/t',
  '$share/g/',
  '$share/g/a#',
]

export const INVALID_SUBSCRIPTION: readonly InvalidPacket[] = [
  ...FILTERS.flatMap((filter) => [
    invalid('filter', V4, packet(0x82, ID, field(filter), OPTIONS), 'invalid-filter'),
    invalid('filter', V5, packet(0x82, ID, NONE, field(filter), OPTIONS), 'invalid-filter'),
    invalid(
      'filter behind another',
      V5,
      packet(0x82, ID, NONE, T, OPTIONS, field(filter), OPTIONS),
      'invalid-filter',
    ),
    invalid('filter to leave', V4, packet(0xa2, ID, field(filter)), 'invalid-filter'),
    invalid('filter to leave', V5, packet(0xa2, ID, NONE, T, field(filter)), 'invalid-filter'),
  ]),
  invalid(
    'No Local on a shared subscription [MQTT-3.8.3-4]',
    V5,
    packet(0x82, ID, NONE, field('$share/g/t'), NO_LOCAL),
    'shared-no-local',
  ),
  invalid('SUBSCRIBE id 0', V5, packet(0x82, [0, 0], NONE, T, OPTIONS), 'packet-id-0'),
  invalid('SUBSCRIBE without id', V5, packet(0x82, 0), 'truncated-packet'),
  invalid('SUBSCRIBE without property length', V5, packet(0x82, ID), 'truncated-packet'),
  invalid('SUBSCRIBE without options', V5, packet(0x82, ID, NONE, T), 'truncated-packet'),
  invalid(
    'SUBSCRIBE with half a filter',
    V5,
    packet(0x82, ID, NONE, T, OPTIONS, 0),
    'truncated-packet',
  ),
  invalid(
    'reserved option [MQTT-3.8.3-5]',
    V5,
    packet(0x82, ID, NONE, T, 0x80),
    'malformed-packet',
  ),
  invalid(
    'filter not UTF-8 [MQTT-3.8.3-1]',
    V5,
    packet(0x82, ID, NONE, field(NOT_UTF8), OPTIONS),
    'invalid-utf8',
  ),
  invalid(
    'two Subscription Identifiers',
    V5,
    packet(0x82, ID, list(0x0b, 1, 0x0b, 2), T, OPTIONS),
    'repeated-property',
  ),
  invalid(
    'Subscription Identifier of five bytes',
    V5,
    packet(0x82, ID, list(0x0b, [0x80, 0x80, 0x80, 0x80, 1]), T, OPTIONS),
    'malformed-length',
  ),
  invalid(
    'long Subscription Identifier',
    V5,
    packet(0x82, ID, list(0x0b, [0x81, 0]), T, OPTIONS),
    'malformed-length',
  ),
  invalid(
    'property beyond its list',
    V5,
    packet(0x82, ID, [2, 0x0b, 0x81], 1, T, OPTIONS),
    'truncated-property',
  ),
  invalid('UNSUBSCRIBE id 0', V5, packet(0xa2, [0, 0], NONE, T), 'packet-id-0'),
  invalid('UNSUBSCRIBE without filter [MQTT-3.10.3-2]', V5, packet(0xa2, ID, NONE), 'no-filter'),
  invalid('UNSUBSCRIBE without property length', V5, packet(0xa2, ID), 'truncated-packet'),
  invalid(
    'UNSUBSCRIBE filter not UTF-8 [MQTT-3.10.3-1]',
    V5,
    packet(0xa2, ID, NONE, field(NOT_UTF8)),
    'invalid-utf8',
  ),
  invalid('U+0000 in a filter to leave', V5, packet(0xa2, ID, NONE, field('\0')), 'null-character'),
  invalid(
    'UNSUBSCRIBE with half a filter',
    V5,
    packet(0xa2, ID, NONE, T, [0, 5, 0x74]),
    'truncated-packet',
  ),
]
