/** Bounds of clients that an operator sets: what happens at each, and what it is called. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IConnackPacket, Packet } from 'mqtt-packet'
import { MemoryBroker } from './memory-broker.ts'
import { publish, subscribe } from './packets.ts'

const pairs = (count: number) => ({
  userProperties: { a: Array.from({ length: count }, () => 'b') },
})
const reasonOf = (packet: Packet | undefined): string | undefined =>
  (packet as { properties?: { reasonString?: string } } | undefined)?.properties?.reasonString

describe('the keep alive', () => {
  it("is the server's where an MQTT 5 client asks for more or none [MQTT-3.1.2-21]", () => {
    const broker = new MemoryBroker({ limits: { keepAliveSec: 10 } })
    for (const [keepalive, told] of [
      [0, 10],
      [11, 10],
      [10, undefined],
      [5, undefined],
    ] as const) {
      const client = broker.connect({ protocolVersion: 5, keepalive })
      const [connack] = client.received() as IConnackPacket[]
      assert.equal(connack?.properties?.serverKeepAlive, told)
    }
    const [old, silent] = [broker.join({ keepalive: 0 }), broker.join({ protocolVersion: 5 })]
    broker.passSeconds(16)
    assert.deepEqual([old.gone, silent.gone], [false, true])
  })
})

describe('the rate of connects', () => {
  it('refuses those above it before anybody asks who they are', () => {
    const broker = new MemoryBroker({ limits: { connectsPerSec: 2 } })
    const asked: string[] = []
    const connect = (protocolVersion: 4 | 5): string[] =>
      broker
        .connect({ protocolVersion }, (request, done) => {
          asked.push(request.connect.clientId)
          broker.welcome(request, done)
        })
        .heard()
    assert.deepEqual([connect(4), connect(5)], [['connack 0'], ['connack 0']])
    assert.deepEqual([connect(4), connect(5)], [['connack 3'], ['connack 159']])
    assert.equal(asked.length, 2)
    broker.passSeconds(1)
    assert.deepEqual(
      [connect(4), connect(5), connect(5)],
      [['connack 0'], ['connack 0'], ['connack 159']],
    )
    assert.equal(broker.count('connect.refused.connect-rate'), 3)
  })
})

describe('the rate of messages', () => {
  it('stops the reading of whoever publishes more, until it keeps to it', () => {
    const broker = new MemoryBroker({ limits: { publishesPerSec: 10 } })
    const [fast, slow] = [broker.join(), broker.join()]
    fast.send(...Array.from({ length: 30 }, () => publish('t', 'x')))
    slow.send(publish('t', 'x'))
    assert.deepEqual([fast.transport.reading, slow.transport.reading], [false, true])
    assert.equal(broker.around.traffic.received, 31, 'what was read is handled')
    broker.passSeconds(1)
    assert.equal(fast.transport.reading, false)
    broker.passSeconds(2)
    assert.equal(fast.transport.reading, true)
    assert.equal(broker.count('publish.held.rate'), 1)
  })
})

describe('a Will', () => {
  it('may have so many bytes', () => {
    const broker = new MemoryBroker({ limits: { willBytes: 3 } })
    const will = (payload: string) => ({
      topic: 't',
      payload: Buffer.from(payload),
      qos: 0 as const,
      retain: false,
    })
    for (const [protocolVersion, words] of [
      [4, 'connack 5'],
      [5, 'connack 149'],
    ] as const) {
      assert.deepEqual(broker.connect({ protocolVersion, will: will('four') }).heard(), [words])
      assert.deepEqual(broker.connect({ protocolVersion, will: will('bye') }).heard(), [
        'connack 0',
      ])
    }
    assert.equal(broker.count('connect.refused.will-bytes'), 2)
  })
})

describe('user properties', () => {
  it('are bounded in every packet', () => {
    const broker = new MemoryBroker({ limits: { userProperties: 3 } })
    const cases: readonly ((properties: object) => Packet)[] = [
      (properties) => ({ ...publish('t', 'x', 1, 1), properties }),
      (properties) => ({ ...subscribe(1, ['t', 0]), properties }),
      (properties) => ({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['t'], properties }),
      (properties) => ({ cmd: 'puback', messageId: 1, reasonCode: 0, properties }),
    ]
    for (const [i, packet] of cases.entries()) {
      const client = broker.join({ protocolVersion: 5 })
      client.send(packet(pairs(3)))
      assert.equal(client.gone, false, `case ${i}`)
      client.received()
      client.send(packet(pairs(4)))
      assert.deepEqual(client.heard(), ['disconnect 151'], `case ${i}`)
    }
    assert.equal(broker.connect({ protocolVersion: 5, properties: pairs(4) }).gone, true)
    assert.equal(broker.count('connection.closed.user-properties'), 5)
  })
})

describe('topics of clients', () => {
  it('are bounded in bytes and levels, filters too', () => {
    const broker = new MemoryBroker({ limits: { clientTopicBytes: 20, clientTopicLevels: 3 } })
    const client = broker.join({ protocolVersion: 5 })
    client.send(
      publish('a/b/c', '', 1, 1),
      publish('a/b/c/d', '', 1, 2),
      publish('ü'.repeat(11), '', 1, 3),
    )
    assert.deepEqual(client.heard(), ['puback 1 16', 'puback 2 144', 'puback 3 144'])
    client.send(subscribe(4, ['a/+/#', 0], ['+/+/+/+', 0], ['x'.repeat(21), 0]))
    assert.deepEqual(client.heard(), ['suback 4 0,143,143'])
    assert.equal(broker.count('publish.refused.topic-too-long'), 2)
  })
})

describe('a refusal', () => {
  it('says why, but to a client that does not want to know [MQTT-3.1.2-29]', () => {
    const policy = { publish: ['mine'], subscribe: ['mine'] }
    for (const requestProblemInformation of [true, false]) {
      const broker = new MemoryBroker({ policy })
      const properties = { requestProblemInformation }
      const client = broker.join({ protocolVersion: 5, properties })
      client.send(
        publish('yours', '', 1, 1),
        publish('yours', '', 2, 2),
        subscribe(3, ['mine', 0], ['yours', 0]),
      )
      const [puback, pubrec, suback] = client.received()
      for (const packet of [puback, pubrec, suback]) {
        const why = requestProblemInformation ? 'this client may not use this topic' : undefined
        assert.equal(reasonOf(packet), why)
      }
      client.send({ cmd: 'pubrel', messageId: 9 })
      assert.deepEqual(client.heard(), ['pubcomp 9 146'])
    }
  })

  it('is no packet that the client could not take: it is closed instead [MQTT-3.1.2-24]', () => {
    const filters = ['a', 'b', 'c', 'd', 'e'].map((filter) => [filter, 0] as const)
    const unsubscriptions = filters.map(([filter]) => filter)
    const broker = new MemoryBroker()
    const join = (maximumPacketSize: number) =>
      broker.connect({ protocolVersion: 5, properties: { maximumPacketSize } })
    const connackBytes = join(1000).transport.takeWritten().length
    for (const [maximumPacketSize, bytes] of [
      [1, 0],
      [connackBytes - 1, 0],
      [connackBytes, connackBytes],
    ] as const) {
      const client = join(maximumPacketSize)
      assert.deepEqual([client.transport.takeWritten().length, client.gone], [bytes, bytes === 0])
    }
    for (const packet of [
      subscribe(1, ...filters, ...filters, ...filters),
      {
        cmd: 'unsubscribe',
        messageId: 1,
        unsubscriptions: [1, 2, 3].flatMap(() => unsubscriptions),
      },
    ] as Packet[]) {
      const client = join(connackBytes)
      client.received()
      client.send(subscribe(1, ...filters), packet, { cmd: 'pingreq' })
      assert.deepEqual(client.heard(), ['suback 1 0,0,0,0,0', 'disconnect 149'])
      assert.equal(client.gone, true)
    }
    const refused = broker.connect(
      { protocolVersion: 5, properties: { maximumPacketSize: 4 } },
      (_request, done) =>
        done({ kind: 'refused', reason: 'bad-signature', message: '', code3: 4, code5: 0x86 }),
    )
    assert.deepEqual([refused.transport.takeWritten().length, refused.gone], [0, true])
    assert.equal(broker.count('connection.closed.client-packet-size'), 4)
    assert.equal(broker.router.subscriptions, 0)
  })

  it('says it in no packet that the client could not take [MQTT-3.4.2-2] [MQTT-3.5.2-2] [MQTT-3.6.2-2] [MQTT-3.7.2-2] [MQTT-3.9.2-1]', () => {
    const policy = { publish: ['mine'], subscribe: [] }
    const broker = new MemoryBroker({ policy })
    const client = broker.join({ protocolVersion: 5, properties: { maximumPacketSize: 30 } })
    for (const packet of [
      publish('yours', '', 1, 1),
      publish('yours', '', 2, 2),
      { cmd: 'pubrec', messageId: 3 },
      { cmd: 'pubrel', messageId: 4 },
      subscribe(5, ['yours', 0]),
    ] as Packet[]) {
      client.send(packet)
      const bytes = client.transport.takeWritten()
      assert.ok(bytes.length > 4 && bytes.length <= 7, bytes.toString('hex'))
    }
  })
})
