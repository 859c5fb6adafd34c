/**
 * What the fuzz begins with: valid packets of each level, packets that must end a connection for a known reason, and
 * logins. A client identifier is `CLIENT_ID` until a stream puts its own there.
 */
import mqttPacket, { type IConnectPacket, type Packet } from 'mqtt-packet'
import { INVALID_CONNECT } from '../protocol/mqtt/connect-cases.ts'
import { field, ID, list, packet, T } from '../protocol/mqtt/packet-bytes.ts'
import {
  INVALID_CONTROL,
  INVALID_PUBLISH,
  type InvalidPacket,
} from '../protocol/mqtt/packet-cases.ts'
import { VALID } from '../protocol/mqtt/valid-cases.ts'
import type { MqttCredentials } from '../support/device-credentials.ts'

export type Level = 3 | 4 | 5

export const CLIENT_ID = 'fuzz-000000000000' // 17 of the 23 characters that MQTT 3.1 allows

/** Ends the connection of whoever sends it, for the reason of docs/errors.md. */
export interface Known {
  readonly bytes: Buffer
  readonly reason: string
}

export interface Corpus {
  readonly level: Level
  readonly connects: readonly Buffer[]
  /** None of them ends a connection that has said CONNECT. */
  readonly packets: readonly Buffer[]
  /** The same, but only SUBSCRIBE of many filters. */
  readonly subscribes: readonly Buffer[]
  readonly disconnects: readonly Buffer[]
  readonly known: readonly Known[]
  /** In the place of a CONNECT. */
  readonly knownConnects: readonly Known[]
}

const GROUPS = 8
const TOPICS_OF_GROUP = 8
const PAYLOADS = [0, 1, 5, 60, 700, 5000] as const

export function corpusOf(level: Level): Corpus {
  const encode = (one: Packet): Buffer => mqttPacket.generate(one, { protocolVersion: level })
  const table = level === 5 ? 5 : 4
  const knownOf = (cases: readonly InvalidPacket[]): Known[] =>
    cases
      .filter(({ levels }) => levels.includes(table))
      .map(({ bytes, reason }) => ({ bytes: Buffer.from(bytes), reason }))
  const vectors = VALID.filter((one) => one.level === table).map(({ bytes }) => Buffer.from(bytes))
  const isOf = (type: number) => (bytes: Buffer) => (bytes[0] as number) >> 4 === type
  const kept = vectors.filter((bytes) => !isOf(1)(bytes) && !isOf(14)(bytes))
  const first = encode(connect(level, { clean: true }))
  return {
    level,
    connects: connects(level).map(encode),
    packets: [...packets(level).map(encode), ...kept],
    subscribes: subscribes(level, 60).map(encode),
    disconnects: [{ cmd: 'disconnect' } as const].map(encode),
    known: [
      ...knownOf(INVALID_PUBLISH),
      ...knownOf(INVALID_CONTROL),
      ...(level === 5 ? KNOWN_5 : []),
      { bytes: first, reason: 'second-connect' },
      { bytes: Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]), reason: 'packet-too-large' },
      { bytes: Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff]), reason: 'malformed-length' },
    ],
    knownConnects: [
      // The table's rules of MQTT 3.1.1 are its own.
      ...(level === 3 ? [] : knownOf(INVALID_CONNECT)),
      { bytes: Buffer.from([0xc0, 0]), reason: 'not-connect' },
      { bytes: Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]), reason: 'packet-too-large' },
      { bytes: Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff]), reason: 'malformed-length' },
      {
        bytes: Buffer.from(`GET / HTTP/1.1\r\nHost: fuzz\r\nAccept: ${'any, '.repeat(20)}\r\n\r\n`),
        reason: 'not-connect',
      },
      ...kept.map((bytes) => ({ bytes, reason: 'not-connect' })),
    ],
  }
}

const KNOWN_5: readonly Known[] = [
  { bytes: Buffer.from([0xf0, 0]), reason: 'unexpected-packet' }, // AUTH without a method
  { bytes: Buffer.from(packet(0xe0, 0, list(0x11, [0, 0, 0, 9]))), reason: 'expiry-raised' },
  {
    bytes: Buffer.from(packet(0x82, ID, [0], field('$share/g/a'), 4)),
    reason: 'shared-no-local',
  },
  { bytes: Buffer.from(packet(0x82, ID, [0], field('$share//a'), 0)), reason: 'invalid-filter' },
  { bytes: Buffer.from(packet(0x30, T, list(8, field('a/#')))), reason: 'response-topic' },
]

/** What a device of the device door says, once it is known; `login` is signed for it. */
export function deviceCorpus(level: 4 | 5, productKey: string, login: MqttCredentials): Corpus {
  const encode = (one: Packet): Buffer => mqttPacket.generate(one, { protocolVersion: level })
  const [deviceName = ''] = login.username.split('&')
  const system = `/sys/${productKey}/${deviceName}/thing`
  const custom = `/${productKey}/${deviceName}/user`
  const bodies: readonly [string, string][] = [
    [`${system}/event/property/post`, '{"id":"1","version":"1.0","params":{"temperature":21.5}}'],
    [
      `${system}/event/property/post`,
      '{"id":"2","params":{"temperature":{"value":1,"time":1524448722000}},"sys":{"ack":1}}',
    ],
    [`${system}/event/alarm/post`, '{"id":"3","params":{"value":{"level":1}}}'],
    [`${system}/service/property/set_reply`, '{"id":"4","code":200,"data":{}}'],
    [`${custom}/update`, 'anything'],
    [`${system}/unknown/topic`, '{}'],
    [`/${productKey}/another/user/update`, 'not mine'],
  ]
  const filters = [`${system}/event/property/post_reply`, `${custom}/get`, `${system}/#`]
  const of = corpusOf(level)
  return {
    ...of,
    connects: [
      encode({
        ...connect(level, { clean: true }),
        clientId: login.clientId,
        username: login.username,
        password: Buffer.from(login.password),
      }),
    ],
    packets: [
      ...bodies.flatMap(([topic, payload], i) =>
        ([0, 1] as const).map((qos) => encode(publish(topic, payload, qos, i + 1))),
      ),
      ...filters.map((topic) =>
        encode({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic, qos: 1 }] } as Packet),
      ),
      encode({ cmd: 'pingreq' }),
      encode({ cmd: 'puback', messageId: 1 }),
    ],
  }
}

function topics(): string[] {
  const names: string[] = []
  for (let group = 0; group < GROUPS; group++) {
    for (let i = 0; i < TOPICS_OF_GROUP; i++) names.push(`fz/${group}/${i}`)
  }
  return [...names, 'fz/é/ﬀ', '/fz', 'fz//', `fz/${'long/'.repeat(20)}`]
}

function publish(
  topic: string,
  payload: string | Buffer,
  qos: 0 | 1 | 2,
  messageId: number,
  more: object = {},
): Packet {
  const ids = qos === 0 ? {} : { messageId }
  return { cmd: 'publish', topic, payload, qos, dup: false, retain: false, ...ids, ...more }
}

function connect(level: Level, more: Partial<IConnectPacket>): IConnectPacket {
  return {
    cmd: 'connect',
    protocolId: level === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: level,
    clientId: CLIENT_ID,
    keepalive: 600,
    ...more,
  } as IConnectPacket
}

function connects(level: Level): IConnectPacket[] {
  const payload = Buffer.from('gone')
  const will = (qos: 0 | 1 | 2, retain: boolean) => ({
    topic: `fz/will/${qos}`,
    payload,
    qos,
    retain,
  })
  const credentials = { username: 'user', password: Buffer.from('secret') }
  const plain = [
    connect(level, { clean: true }),
    connect(level, { clean: false }),
    connect(level, { clean: true, ...credentials }),
    ...([0, 1, 2] as const).map((qos) =>
      connect(level, { clean: true, will: will(qos, qos === 1) }),
    ),
    connect(level, { clean: false, will: will(1, true), ...credentials }),
  ]
  if (level === 3) return plain
  if (level === 4) return [...plain, connect(4, { clean: true, clientId: '' })]
  return [
    ...plain,
    connect(5, { clean: true, clientId: '' }),
    connect(5, { clean: true, properties: { sessionExpiryInterval: 1 } }),
    connect(5, {
      clean: false,
      properties: {
        sessionExpiryInterval: 30,
        receiveMaximum: 5,
        maximumPacketSize: 100_000,
        topicAliasMaximum: 10,
        requestResponseInformation: true,
        requestProblemInformation: true,
        userProperties: { a: 'b', c: ['d', 'e'] },
      },
    }),
    connect(5, { clean: true, properties: { maximumPacketSize: 300, topicAliasMaximum: 2 } }),
    connect(5, {
      clean: true,
      will: {
        ...will(2, false),
        properties: {
          willDelayInterval: 1,
          payloadFormatIndicator: true,
          messageExpiryInterval: 5,
          contentType: 'text',
          responseTopic: 'fz/answer',
          correlationData: Buffer.from([1, 2, 3]),
          userProperties: { x: 'y' },
        },
      },
    }),
  ]
}

function packets(level: Level): Packet[] {
  const names = topics()
  const ordinary = names.flatMap((topic, i) => {
    const payload = Buffer.alloc(PAYLOADS[i % PAYLOADS.length] as number, 65 + (i % 26))
    const qos = (i % 3) as 0 | 1 | 2
    const retain = i % 7 === 0
    return [publish(topic, payload, qos, 1 + (i % 50), { retain, dup: qos > 0 && i % 4 === 0 })]
  })
  const acknowledgements = (['puback', 'pubrec', 'pubrel', 'pubcomp'] as const).flatMap((cmd) =>
    [1, 2, 3, 40, 65_535].map((messageId) => ({ cmd, messageId }) as Packet),
  )
  const unsubscribes = [['fz/0/0'], ['fz/1/+', '#', 'never']].map(
    (unsubscriptions, i) => ({ cmd: 'unsubscribe', messageId: i + 1, unsubscriptions }) as Packet,
  )
  const all: Packet[] = [
    ...ordinary,
    ...acknowledgements,
    ...unsubscribes,
    ...subscribes(level, 1),
    ...subscribes(level, 3),
    ...Array.from({ length: 4 }, () => ({ cmd: 'pingreq' }) as Packet),
  ]
  return level === 5 ? [...all, ...ofMqtt5()] : all
}

function subscribes(level: Level, filters: number): Packet[] {
  const options = level === 5 ? { nl: false, rap: true, rh: 1 } : {}
  const properties = level === 5 ? { properties: { subscriptionIdentifier: 268_435_455 } } : {}
  const of = (names: readonly string[], i: number): Packet => {
    const subscriptions = names.map((topic, at) => ({ topic, qos: (at + i) % 3, ...options }))
    return { cmd: 'subscribe', messageId: 1 + i, subscriptions, ...properties } as Packet
  }
  const names = topics()
  return Array.from({ length: GROUPS }, (_, group) => {
    const wide = group === 0 && filters === 3 ? ['#'] : [] // rarely: it gets all there is
    const own = [`fz/${group}/+`, `$share/g/fz/${group}/#`, `fz/+/${group}`]
    const chosen = [...names.slice(group * 7), ...names].slice(0, filters)
    return of([...wide, ...own, ...chosen].slice(0, filters), group)
  })
}

function ofMqtt5(): Packet[] {
  const properties = {
    payloadFormatIndicator: true,
    messageExpiryInterval: 60,
    responseTopic: 'fz/answer',
    correlationData: Buffer.from([0, 1, 2]),
    userProperties: { a: ['b', 'c'] },
    contentType: 'text/plain',
  }
  const names = topics()
  return [
    ...([0, 1, 2] as const).map((qos) => publish('fz/2/2', 'text', qos, 60 + qos, { properties })),
    ...[1, 2, 16].map((topicAlias) =>
      publish(names[topicAlias] as string, 'x', 0, 0, { properties: { topicAlias } }),
    ),
    // Refused in its acknowledgement only: it says it is text.
    publish('fz/3/3', Buffer.from([0xff]), 1, 70, { properties: { payloadFormatIndicator: true } }),
    ...[0, 0x10, 0x80, 0x97].flatMap((reasonCode) =>
      (['puback', 'pubrec'] as const).map(
        (cmd) =>
          ({ cmd, messageId: 3, reasonCode, properties: { reasonString: 'because' } }) as Packet,
      ),
    ),
    ...[0, 0x92].flatMap((reasonCode) =>
      (['pubrel', 'pubcomp'] as const).map((cmd) => ({ cmd, messageId: 4, reasonCode }) as Packet),
    ),
    {
      cmd: 'unsubscribe',
      messageId: 8,
      unsubscriptions: ['fz/5/+'],
      properties: { userProperties: { a: 'b' } },
    } as Packet,
  ]
}
