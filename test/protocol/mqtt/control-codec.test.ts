/** What the server understands of control packets and answers them, against mqtt-packet, wherever the stream is cut. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { IConnackPacket, IConnectPacket, IPublishPacket, Packet } from 'mqtt-packet'
import { ControlPackets, IncomingAcknowledgement } from '../../../protocol/mqtt/control-packets.ts'
import { FrameCutter } from '../../../protocol/mqtt/frame-cutter.ts'
import type { AuthenticationStep, Login } from '../../../protocol/mqtt/login.ts'
import type { ProtocolLevel } from '../../../protocol/mqtt/packet-type.ts'
import type { Role, SubscribeRequest } from '../../../protocol/mqtt/role.ts'
import { subscribe, unsubscribe } from '../../../protocol/mqtt/subscription-packets.ts'
import { MemoryBroker } from './memory-broker.ts'
import type { MemoryClient } from './memory-client.ts'
import * as random from './random-packets.ts'
import { content, cutUp, decode, encode, plain } from './random-packets.ts'

/** Sessions end with their connections, so that a Will is due at once. */
const LIMITS = { sessionExpirySec: 0, keepAliveSec: 0 }
const COUNTERS = { add: () => {} }

/** The frames that the cutter finds, each a copy. */
function framesOf(bytes: Uint8Array, sizes: readonly number[]): { frame: Buffer; body: number }[] {
  const cutter = new FrameCutter(1_000_000)
  const frames: { frame: Buffer; body: number }[] = []
  for (const chunk of cutUp(bytes, sizes)) {
    const lent = Buffer.from(chunk)
    cutter.cut(lent, lent.length, (buffer, start, body, end) => {
      frames.push({ frame: Buffer.from(buffer.subarray(start, end)), body: body - start })
      return true
    })
    lent.fill(0xa5)
  }
  return frames
}

function say(client: MemoryClient, packet: Packet, sizes: readonly number[]): void {
  for (const chunk of cutUp(encode(packet, client.level), sizes)) client.send(chunk)
}

describe('CONNECT', () => {
  it('reaches the login as it was sent, and is answered in its version, wherever it was cut', () => {
    const same = fc.property(random.connects, random.cuts, (connect, sizes) => {
      const broker = new MemoryBroker({ limits: LIMITS })
      const asked: IConnectPacket[] = []
      const login: Login = (request, done) => {
        asked.push(request.connect)
        broker.welcome(request, done)
      }
      const client = broker.accept(login)
      client.level = connect.protocolVersion ?? 4
      say(client, connect, sizes)
      assert.deepEqual(asked.map(content), [content(connect)])
      const answer = client.received() as IConnackPacket[]
      const assigned = answer[0]?.properties?.assignedClientIdentifier
      assert.equal(assigned !== undefined, connect.clientId === '' && client.level === 5)
      assert.deepEqual(answer.map(content), [connackOf(connect, broker, assigned)])
    })
    fc.assert(same, { numRuns: 400 })
  })

  it('has its Will published as it was sent, its properties in their order but for the delay [MQTT-3.1.3-10] [MQTT-3.1.2-8]', () => {
    const withWill = random.connects.filter(({ will }) => will !== undefined)
    const published = fc.property(withWill, random.cuts, (connect, sizes) => {
      const broker = new MemoryBroker({ limits: LIMITS })
      const mourner = broker.join({ protocolVersion: 5 })
      const subscriptions = [{ topic: '#', qos: 2 as const, rap: true }]
      mourner.send({ cmd: 'subscribe', messageId: 1, subscriptions })
      mourner.received()
      const client = broker.accept()
      say(client, connect, sizes)
      client.transport.hangUp()
      broker.settle()
      assert.deepEqual(mourner.transport.takeWritten(), encode(publishedWill(connect), 5))
    })
    fc.assert(published, { numRuns: 400 })
  })
})

function connackOf(
  { protocolVersion, properties = {} }: IConnectPacket,
  broker: MemoryBroker,
  assigned: string | undefined,
): unknown {
  if (protocolVersion !== 5) return { cmd: 'connack', returnCode: 0, sessionPresent: false }
  const { packetBytes, receiveMaximum, topicAliases } = broker.around.limits
  const { authenticationMethod, sessionExpiryInterval = 0 } = properties
  const answer = {
    maximumPacketSize: packetBytes,
    receiveMaximum,
    topicAliasMaximum: topicAliases,
    ...(authenticationMethod === undefined ? {} : { authenticationMethod }),
    ...(assigned === undefined ? {} : { assignedClientIdentifier: assigned }),
    ...(sessionExpiryInterval === 0 ? {} : { sessionExpiryInterval: 0 }),
  }
  return { cmd: 'connack', reasonCode: 0, sessionPresent: false, properties: answer }
}

function publishedWill({ will }: IConnectPacket): IPublishPacket {
  const { properties = {}, topic = '', payload = '', qos = 0, retain = false } = will ?? {}
  const { willDelayInterval: _ours, ...forwarded } = properties
  const id = qos === 0 ? {} : { messageId: 1 }
  return { cmd: 'publish', dup: false, topic, payload, qos, retain, ...id, properties: forwarded }
}

describe('SUBSCRIBE and UNSUBSCRIBE', () => {
  it('ask for what was written into them, filter by filter in their order [MQTT-3.8.4-5] [MQTT-3.10.4-6]', () => {
    const same = fc.property(
      random.subscribes,
      random.unsubscribes,
      random.cuts,
      (wanted, unwanted, sizes) => {
        const asked: unknown[] = []
        const role = recordingRole(asked)
        const packets = new ControlPackets(100)
        const [one] = framesOf(encode(wanted.packet, wanted.level), sizes)
        const parsed = packets.subscribe(one?.frame as Buffer, one?.body as number, wanted.level)
        assert.ok(parsed.kind === 'packet')
        assert.deepEqual(content(parsed.packet), content(wanted.packet))
        const codes = subscribe(parsed.packet, role, wanted.level, COUNTERS)
        const { subscriptions, properties } = wanted.packet
        assert.deepEqual(
          codes,
          subscriptions.map(({ qos }) => qos),
        )
        const [other] = framesOf(encode(unwanted.packet, unwanted.level), sizes)
        const left = packets.unsubscribe(
          other?.frame as Buffer,
          other?.body as number,
          unwanted.level,
        )
        assert.ok(left.kind === 'packet')
        assert.deepEqual(content(left.packet), content(unwanted.packet))
        assert.deepEqual(
          unsubscribe(left.packet, role),
          unwanted.packet.unsubscriptions.map(() => 0),
        )
        assert.deepEqual(asked, [
          ...subscriptions.map(({ topic, qos, nl = false, rap = false, rh = 0 }) => ({
            filter: topic,
            options: {
              qos,
              noLocal: nl,
              retainAsPublished: rap,
              identifier: properties?.subscriptionIdentifier ?? 0,
            },
            retainHandling: rh,
          })),
          ...unwanted.packet.unsubscriptions,
        ])
      },
    )
    fc.assert(same, { numRuns: 400 })
  })
})

/** Grants all, and notes what it was asked for. */
function recordingRole(asked: unknown[]): Role {
  const grants = { maximumQos: 2, subscriptionIdentifiers: true, sharedSubscriptions: true }
  const role = {
    grants,
    filtersPerSubscribe: 100,
    subscribe: (request: SubscribeRequest) => {
      asked.push(request)
      return request.options.qos
    },
    unsubscribe: (filter: string) => {
      asked.push(filter)
      return 0
    },
  }
  return role as unknown as Role
}

describe('a stream of requests', () => {
  /** A packet of the client, and what the server has to say to it; `held`: the filters that are subscribed. */
  type Step = (level: ProtocolLevel, held: Set<string>) => [Packet, object]
  const asks: fc.Arbitrary<Step>[] = [
    random.subscribes.map(({ packet }) => (_level, held) => {
      for (const { topic } of packet.subscriptions) held.add(topic)
      const granted = packet.subscriptions.map(({ qos }) => qos)
      return [packet, { cmd: 'suback', messageId: packet.messageId, granted }]
    }),
    random.unsubscribes.map(({ packet }) => (level, held) => {
      const granted = packet.unsubscriptions.map((filter) => (held.delete(filter) ? 0 : 0x11))
      const codes = level === 5 ? { granted } : {}
      return [packet, { cmd: 'unsuback', messageId: packet.messageId, ...codes }]
    }),
    fc.constant(() => [{ cmd: 'pingreq' }, { cmd: 'pingresp' }]),
    random.packetId.map((messageId) => (level) => {
      const code = level === 5 ? { reasonCode: 0x92 } : {}
      const why = 'no exchange is open under this packet identifier'
      const properties = level === 5 ? { properties: { reasonString: why } } : {}
      return [
        { cmd: 'pubrel', messageId },
        { cmd: 'pubcomp', messageId, ...code, ...properties },
      ]
    }),
  ]

  it('is answered packet by packet, as the oracle reads both [MQTT-2.2.1-6] [MQTT-3.8.4-6] [MQTT-3.9.3-1] [MQTT-3.11.3-1]', () => {
    const script = fc.array(fc.oneof(...asks), { minLength: 1, maxLength: 12 })
    const answered = fc.property(random.levels, script, random.cuts, (level, steps, sizes) => {
      const broker = new MemoryBroker()
      const client = broker.join({ protocolVersion: level })
      const held = new Set<string>()
      const exchanges = steps.map((step) => step(level, held))
      const stream = Buffer.concat(exchanges.map(([packet]) => encode(packet, level)))
      for (const chunk of cutUp(stream, sizes)) client.send(chunk)
      assert.deepEqual(
        client.received().map(content),
        exchanges.map(([, answer]) => answer),
      )
      assert.equal(client.gone, false)
    })
    fc.assert(answered, { numRuns: 300 })
  })
})

describe('PUBACK, PUBREC, PUBREL and PUBCOMP', () => {
  it('are read as the oracle reads them, wherever they were cut', () => {
    const kinds = fc.constantFrom(
      ...(['puback', 'pubrec'] as const).flatMap((cmd) =>
        [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99].map((code) => ({ cmd, code })),
      ),
      ...(['pubrel', 'pubcomp'] as const).flatMap((cmd) =>
        [0, 0x92].map((code) => ({ cmd, code })),
      ),
    )
    const reader = new IncomingAcknowledgement(100)
    const same = fc.property(
      random.levels,
      kinds,
      random.packetId,
      fc.option(random.explanations),
      random.cuts,
      (level, { cmd, code }, messageId, properties, sizes) => {
        const rest = level === 5 ? { reasonCode: code, ...(properties && { properties }) } : {}
        const bytes = encode({ cmd, messageId, ...rest } as Packet, level)
        const [one] = framesOf(bytes, sizes)
        const { frame, body } = one as { frame: Buffer; body: number }
        assert.equal(reader.read(frame, 0, body, frame.length, level), undefined)
        const [packet] = decode(bytes, level) as { messageId: number; reasonCode?: number }[]
        assert.equal(reader.packetId, packet?.messageId)
        assert.equal(reader.code, packet?.reasonCode ?? 0)
      },
    )
    fc.assert(same, { numRuns: 400 })
  })
})

describe('DISCONNECT', () => {
  /** Those that a client may send (§3.14.2.1). */
  const codes = fc.constantFrom(
    0,
    4,
    0x80,
    0x81,
    0x82,
    0x83,
    0x90,
    0x93,
    0x94,
    0x95,
    0x96,
    0x97,
    0x98,
    0x99,
  )

  it('is read to its end: it forgoes the Will or not, and raises no expiry from 0 [MQTT-3.14.4-3] [MQTT-3.1.2-10]', () => {
    const read = fc.property(
      random.levels,
      codes,
      random.farewells,
      fc.boolean(),
      random.cuts,
      (level, reasonCode, properties, expires, sizes) => {
        const broker = new MemoryBroker({ limits: LIMITS })
        const mourner = broker.join()
        mourner.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 't', qos: 0 }] })
        mourner.received()
        const will = { topic: 't', payload: 'bye', qos: 0 as const, retain: false }
        const sessionExpiryInterval = expires ? 60 : 0
        const client = broker.join({
          protocolVersion: level,
          will,
          ...(level === 5 ? { properties: { sessionExpiryInterval } } : {}),
        })
        say(client, { cmd: 'disconnect', reasonCode, properties }, sizes)
        const { sessionExpiryInterval: asked = 0 } = properties as {
          sessionExpiryInterval?: number
        }
        const raised = level === 5 && asked > 0 && !expires
        const heard = client.received() as { cmd: string; reasonCode: number }[]
        assert.deepEqual(
          heard.map((packet) => [packet.cmd, packet.reasonCode]),
          raised ? [['disconnect', 0x82]] : [],
        )
        const reason = raised ? 'expiry-raised' : 'client-disconnect'
        assert.deepEqual([client.gone, broker.count(`connection.closed.${reason}`)], [true, 1])
        const forgone = !raised && (level !== 5 || reasonCode === 0)
        assert.deepEqual(mourner.heard(), forgone ? [] : ['publish t bye'])
      },
    )
    fc.assert(read, { numRuns: 300 })
  })
})

describe('AUTH', () => {
  const rounds = fc.array(
    fc.record({
      says: fc.option(random.binary, { nil: undefined }),
      answers: fc.option(random.binary, { nil: undefined }),
      properties: random.explanations,
    }),
    { minLength: 1, maxLength: 4 },
  )

  it('carries what each side says to the other, in the opening and when it is renewed [MQTT-4.12.0-2] [MQTT-4.12.0-5]', () => {
    const told = fc.property(
      random.text,
      rounds,
      rounds,
      random.cuts,
      (method, opening, renewal, sizes) => {
        const broker = new MemoryBroker()
        const steps: AuthenticationStep[] = []
        const login: Login = ({ authentication }, done) => {
          const step = authentication as AuthenticationStep
          steps.push(step)
          const script = step.renews ? renewal : opening
          const data = script[step.round - 1]?.answers
          const policy = { publish: [], subscribe: [] }
          if (step.round < script.length) done({ kind: 'continue', data })
          else done({ kind: 'client', owner: 'key', policy, data })
        }
        const client = broker.accept(login)
        client.level = 5
        const heard: unknown[] = []
        for (const [script, renews] of [
          [opening, false],
          [renewal, true],
        ] as const) {
          for (const [i, { says, properties }] of script.entries()) {
            const said = { authenticationMethod: method, authenticationData: says }
            const connect: Packet = {
              cmd: 'connect',
              protocolVersion: 5,
              clientId: 'me',
              properties: said as object,
            }
            const reasonCode = i === 0 ? 0x19 : 0x18
            const auth = { cmd: 'auth', reasonCode, properties: { ...properties, ...said } }
            say(client, i === 0 && !renews ? connect : (auth as Packet), sizes)
            heard.push(...client.received().map(essence))
          }
        }
        const answer = (script: typeof opening, last: string): unknown[] =>
          script.map(({ answers }, i) => [
            i === script.length - 1 ? last : 'auth 24',
            method,
            answers?.toString('hex'),
          ])
        assert.deepEqual(heard, [...answer(opening, 'connack 0'), ...answer(renewal, 'auth 0')])
        assert.deepEqual(
          steps.map((step) => [step.method, step.renews, plain(step.data)]),
          [
            ...opening.map(({ says }) => [method, false, plain(says)]),
            ...renewal.map(({ says }) => [method, true, plain(says)]),
          ],
        )
      },
    )
    fc.assert(told, { numRuns: 300 })
  })
})

/** What matters of an AUTH or CONNACK here. */
function essence(packet: Packet): unknown {
  const { cmd, reasonCode, properties } = packet as Packet & { cmd: 'auth' }
  const { authenticationMethod, authenticationData } = properties ?? {}
  return [`${cmd} ${reasonCode}`, authenticationMethod, authenticationData?.toString('hex')]
}
