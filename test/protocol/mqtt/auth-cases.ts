/** AUTH that ends the exchange of a client whose method is `m`: before CONNACK as in a renewal (§3.15, §4.12). */
import { field, list, NOT_UTF8, packet, T } from './packet-bytes.ts'
import { type InvalidPacket, invalid } from './packet-cases.ts'

const V5 = [5] as const
export const METHOD = 'm'
const M = [0x15, ...field(METHOD)]

export const INVALID_AUTH: readonly InvalidPacket[] = [
  invalid('flags [MQTT-3.15.1-1]', V5, packet(0xf1, 0x18, list(M)), 'malformed-auth'),
  invalid('no method', V5, packet(0xf0, 0x18, list(0x16, T)), 'auth-method-changed'),
  invalid('no properties', V5, packet(0xf0, 0x18), 'auth-method-changed'),
  invalid(
    'another method [MQTT-4.12.0-5]',
    V5,
    packet(0xf0, 0x18, list(0x15, T)),
    'auth-method-changed',
  ),
  invalid('no reason code', V5, packet(0xf0), 'malformed-packet'),
  invalid('unknown reason code', V5, packet(0xf0, 1, list(M)), 'malformed-packet'),
  invalid('the reason code of a server', V5, packet(0xf0, 0, list(M)), 'unexpected-auth'),
  invalid('two methods', V5, packet(0xf0, 0x18, list(M, M)), 'repeated-property'),
  invalid('data twice', V5, packet(0xf0, 0x18, list(M, 0x16, T, 0x16, T)), 'repeated-property'),
  invalid('property of CONNECT', V5, packet(0xf0, 0x18, list(M, 0x17, 1)), 'unexpected-property'),
  invalid('method not UTF-8', V5, packet(0xf0, 0x18, list(0x15, field(NOT_UTF8))), 'invalid-utf8'),
  invalid(
    'U+0000 in the Reason String',
    V5,
    packet(0xf0, 0x18, list(M, 0x1f, field('\0'))),
    'null-character',
  ),
  invalid('behind its end', V5, packet(0xf0, 0x18, list(M), 0), 'trailing-bytes'),
  invalid(
    'data beyond its packet',
    V5,
    packet(0xf0, 0x18, list(M, 0x16, [0, 9])),
    'truncated-packet',
  ),
]
