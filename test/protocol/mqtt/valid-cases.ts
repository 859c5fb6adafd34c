/**
 * The packet table: what a client may send, byte by byte, what it means, and what this server answers. None has a part
 * that may be left off but where `alsoValid` says so.
 */
import type { Packet } from 'mqtt-packet'
import { connect, field, ID, list, type Part, packet, T } from './packet-bytes.ts'

export interface ValidPacket {
  readonly level: 4 | 5
  readonly bytes: Uint8Array
  readonly packet: Packet
  /** Bytes of the answer; none: nothing is answered. */
  readonly answer: Uint8Array
  readonly answers: readonly Packet[]
  /** Lengths of body at which what stands in front is a packet too. */
  readonly alsoValid: readonly number[]
}

type Answer = readonly [bytes: Uint8Array, packet: Packet]

const ME = field('me')
const t = Buffer.from('t')
const messageId = 7
const NOBODY = 0x10 // No matching subscribers
const UNKNOWN = 0x92 // Packet Identifier not found
const WHY = 'no exchange is open under this packet identifier'

function valid(
  level: 4 | 5,
  bytes: Uint8Array,
  meaning: object,
  answer?: Answer,
  alsoValid: readonly number[] = [],
): ValidPacket {
  const [says, answers] = answer === undefined ? [new Uint8Array(), []] : [answer[0], [answer[1]]]
  return { level, bytes, packet: meaning as Packet, answer: says, answers, alsoValid }
}

const answers = (bytes: Uint8Array, meaning: object): Answer => [bytes, meaning as Packet]

const publish = { cmd: 'publish', topic: 't', payload: Buffer.alloc(0), retain: false, messageId }
const login = { clientId: 'me', clean: true, keepalive: 60, username: 't', password: t }
const will = { topic: 't', payload: t, qos: 1, retain: false }
const pairs = { userProperties: { t: 't' } }

/** CONNACK of MQTT 5 where every limit has its default. */
const BOUNDS: readonly Part[] = [0x27, [0, 4, 0, 0], 0x21, [4, 0], 0x22, [0, 16]]
const CONNACK_5 = packet(0x20, 0, 0, list(...BOUNDS))
const granted = { maximumPacketSize: 262_144, receiveMaximum: 1024, topicAliasMaximum: 16 }

export const VALID: readonly ValidPacket[] = [
  valid(
    4,
    connect(4, 0xce, ME, T, T, T, T),
    { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, ...login, will },
    answers(packet(0x20, 0, 0), { cmd: 'connack', returnCode: 0, sessionPresent: false }),
  ),
  valid(
    5,
    connect(5, 0xce, list(0x21, ID, 0x26, T, T), ME, list(3, T), T, T, T, T),
    {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      ...login,
      properties: { receiveMaximum: 7, ...pairs },
      will: { ...will, properties: { contentType: 't' } },
    },
    answers(CONNACK_5, {
      cmd: 'connack',
      reasonCode: 0,
      sessionPresent: false,
      properties: granted,
    }),
  ),
  valid(
    4,
    packet(0x32, T, ID),
    { ...publish, qos: 1, dup: false },
    answers(packet(0x40, ID), { cmd: 'puback', messageId }),
  ),
  valid(
    5,
    packet(0x32, T, ID, list(1, 1, 8, T, 0x26, T, T)),
    {
      ...publish,
      qos: 1,
      dup: false,
      properties: { payloadFormatIndicator: true, responseTopic: 't', ...pairs },
    },
    answers(packet(0x40, ID, NOBODY), { cmd: 'puback', messageId, reasonCode: NOBODY }),
  ),
  valid(
    4,
    packet(0x34, T, ID),
    { ...publish, qos: 2, dup: false },
    answers(packet(0x50, ID), { cmd: 'pubrec', messageId }),
  ),
  valid(
    5,
    packet(0x3c, T, ID, list(0x23, [0, 1], 2, [0, 0, 0, 9])),
    { ...publish, qos: 2, dup: true, properties: { topicAlias: 1, messageExpiryInterval: 9 } },
    answers(packet(0x50, ID, NOBODY), { cmd: 'pubrec', messageId, reasonCode: NOBODY }),
  ),
  valid(
    4,
    packet(0x82, ID, field('a/+/#'), 1),
    { cmd: 'subscribe', messageId, subscriptions: [{ topic: 'a/+/#', qos: 1 }] },
    answers(packet(0x90, ID, 1), { cmd: 'suback', messageId, granted: [1] }),
  ),
  valid(
    5,
    packet(0x82, ID, list(0x26, T, T), field('a'), 0x2d),
    {
      cmd: 'subscribe',
      messageId,
      subscriptions: [{ topic: 'a', qos: 1, nl: true, rap: true, rh: 2 }],
      properties: pairs,
    },
    answers(packet(0x90, ID, 0, 1), { cmd: 'suback', messageId, granted: [1] }),
  ),
  valid(
    4,
    packet(0xa2, ID, field('a/+')),
    { cmd: 'unsubscribe', messageId, unsubscriptions: ['a/+'] },
    answers(packet(0xb0, ID), { cmd: 'unsuback', messageId }),
  ),
  valid(
    5,
    packet(0xa2, ID, list(0x26, T, T), field('a')),
    { cmd: 'unsubscribe', messageId, unsubscriptions: ['a'], properties: pairs },
    answers(packet(0xb0, ID, 0, 0x11), { cmd: 'unsuback', messageId, granted: [0x11] }),
  ),
  ...([4, 5] as const).map((level) =>
    valid(level, packet(0xc0), { cmd: 'pingreq' }, answers(packet(0xd0), { cmd: 'pingresp' })),
  ),
  valid(4, packet(0xe0), { cmd: 'disconnect' }),
  valid(
    5,
    packet(0xe0, 0, list(0x11, [0, 0, 0, 0], 0x1f, T)),
    {
      cmd: 'disconnect',
      reasonCode: 0,
      properties: { sessionExpiryInterval: 0, reasonString: 't' },
    },
    undefined,
    [0, 1],
  ),
  ...[
    { cmd: 'puback', first: 0x40, reply: undefined },
    { cmd: 'pubrec', first: 0x50, reply: { cmd: 'pubrel', first: 0x62 } },
    { cmd: 'pubrel', first: 0x62, reply: { cmd: 'pubcomp', first: 0x70 } },
    { cmd: 'pubcomp', first: 0x70, reply: undefined },
  ].flatMap(({ cmd, first, reply }) => [
    valid(
      4,
      packet(first, ID),
      { cmd, messageId },
      reply && answers(packet(reply.first, ID), { cmd: reply.cmd, messageId }),
    ),
    valid(
      5,
      packet(first, ID, 0, list(0x1f, T)),
      { cmd, messageId, reasonCode: 0, properties: { reasonString: 't' } },
      reply &&
        answers(packet(reply.first, ID, UNKNOWN, list(0x1f, field(WHY))), {
          cmd: reply.cmd,
          messageId,
          reasonCode: UNKNOWN,
          properties: { reasonString: WHY },
        }),
      [2, 3],
    ),
  ]),
]

const METHOD = { authenticationMethod: 't' }

/** A client that renews its authentication, where CONNECT has named the method `t`. */
export const VALID_AUTH: ValidPacket = valid(
  5,
  packet(0xf0, 0x19, list(0x15, T, 0x16, T)),
  { cmd: 'auth', reasonCode: 0x19, properties: { ...METHOD, authenticationData: t } },
  answers(packet(0xf0, 0, list(0x15, T, 0x16, T)), {
    cmd: 'auth',
    reasonCode: 0,
    properties: { ...METHOD, authenticationData: t },
  }),
)

/** What a client sends first, of which the table's packet is the second; and how that is answered. */
export function openingOf({
  level,
  packet: { cmd },
}: ValidPacket): readonly [Uint8Array, Uint8Array] {
  if (cmd === 'connect') return [new Uint8Array(), new Uint8Array()]
  if (level === 4) return [connect(4, 2, ME), packet(0x20, 0, 0)]
  if (cmd !== 'auth') return [connect(5, 2, [0], ME), CONNACK_5]
  return [connect(5, 2, list(0x15, T), ME), packet(0x20, 0, 0, list(0x15, T, ...BOUNDS))]
}
