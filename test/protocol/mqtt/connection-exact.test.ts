/** QoS 2 through a connection, both ways; and what aliases, formats and bounds do on the way. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IPublishPacket, Packet } from 'mqtt-packet'
import { DeviceHouse } from '../../support/device-house.ts'
import { MemoryBroker } from './memory-broker.ts'
import { publish, subscribe } from './packets.ts'

const pub = (
  cmd: 'pubrec' | 'pubrel' | 'pubcomp',
  messageId: number,
  reasonCode?: number,
): Packet => ({ cmd, messageId, ...(reasonCode === undefined ? {} : { reasonCode }) }) as Packet

describe('exactly once', () => {
  it('passes a message on once, however often it comes, until it is released [MQTT-2.2.1-5] [MQTT-4.3.3-8] [MQTT-4.3.3-10] [MQTT-4.3.3-11] [MQTT-4.3.3-12]', () => {
    for (const protocolVersion of [3, 4, 5] as const) {
      const broker = new MemoryBroker()
      const [reader, writer] = [broker.join(), broker.join({ protocolVersion })]
      reader.send(subscribe(1, ['t', 0]))
      reader.received()
      const again = { ...publish('t', 'x', 2, 5), dup: true }
      writer.send(publish('t', 'x', 2, 5), again, again)
      assert.deepEqual(writer.heard(), ['pubrec 5', 'pubrec 5', 'pubrec 5'])
      writer.send(pub('pubrel', 5))
      assert.deepEqual(writer.heard(), ['pubcomp 5'])
      assert.deepEqual(reader.heard(), ['publish t x'])
      writer.send(publish('t', 'y', 2, 5), pub('pubrel', 5), pub('pubrel', 5))
      const unknown = protocolVersion === 5 ? 'pubcomp 5 146' : 'pubcomp 5'
      assert.deepEqual(writer.heard(), ['pubrec 5', 'pubcomp 5', unknown])
      assert.deepEqual(reader.heard(), ['publish t y'])
    }
  })

  it('asks its reader for all four packets, in order with QoS 1 [MQTT-4.3.3-3] [MQTT-4.3.3-4]', () => {
    const broker = new MemoryBroker()
    const [reader, writer] = [broker.join({ protocolVersion: 5 }), broker.join()]
    reader.send(subscribe(1, ['t', 2]))
    reader.received()
    writer.send(publish('t', '1', 2, 1), publish('t', '2', 1, 2))
    const [exact, once] = reader.received() as IPublishPacket[]
    assert.deepEqual([exact?.qos, exact?.messageId, once?.qos, once?.messageId], [2, 1, 1, 2])
    reader.send(pub('pubrec', 1), pub('pubrec', 1))
    assert.deepEqual(reader.heard(), ['pubrel 1', 'pubrel 1'])
    reader.send(pub('pubcomp', 1), pub('pubcomp', 1), { cmd: 'puback', messageId: 2 })
    assert.deepEqual(reader.heard(), [])
    assert.equal(broker.count('acknowledgement.unexpected.pubcomp'), 1)
    reader.send(pub('pubrec', 9))
    assert.deepEqual(reader.heard(), ['pubrel 9 146'])
  })

  it('takes the same packet id at QoS 1 for another message [MQTT-3.3.4-1] [MQTT-4.3.2-4] [MQTT-4.3.2-5]', () => {
    for (const protocolVersion of [3, 4, 5] as const) {
      const broker = new MemoryBroker()
      const [reader, writer] = [broker.join(), broker.join({ protocolVersion })]
      reader.send(subscribe(1, ['t', 0]))
      reader.received()
      writer.send(publish('t', '0'), publish('t', '1', 1, 5), {
        ...publish('t', '2', 1, 5),
        dup: true,
      })
      assert.deepEqual(writer.heard(), ['puback 5', 'puback 5'])
      assert.deepEqual(reader.heard(), ['publish t 0', 'publish t 1', 'publish t 2'])
    }
  })

  it('says nothing of the DUP flag of a publisher [MQTT-3.3.1-3] [MQTT-4.3.1-1] [MQTT-4.3.2-2]', () => {
    const broker = new MemoryBroker()
    const [reader, writer] = [broker.join(), broker.join()]
    reader.send(subscribe(1, ['t', 2]))
    reader.received()
    writer.send(publish('t', '0'))
    for (const qos of [1, 2] as const) writer.send({ ...publish('t', '', qos, qos), dup: true })
    const heard = reader.received() as IPublishPacket[]
    assert.deepEqual(
      heard.map(({ qos, dup }) => [qos, dup]),
      [0, 1, 2].map((qos) => [qos, false]),
    )
  })

  it('ends for its publisher whatever has become of the message [MQTT-4.3.3-13]', () => {
    const broker = new MemoryBroker({ limits: { inflight: 1 } })
    const [reader, writer] = [broker.join(), broker.join({ protocolVersion: 5 })]
    reader.send(subscribe(1, ['t', 1]))
    reader.received()
    const properties = { messageExpiryInterval: 1 }
    writer.send(publish('t', 'first', 1, 4), { ...publish('t', 'x', 2, 5), properties })
    broker.passSeconds(5)
    reader.send({ cmd: 'puback', messageId: 1 })
    assert.equal(broker.count('delivery.dropped.expired'), 1)
    writer.send(pub('pubrel', 5))
    assert.deepEqual(writer.heard(), ['puback 4', 'pubrec 5', 'pubcomp 5'])
  })

  it('closes a client with more open messages than it was granted [MQTT-3.3.4-7]', () => {
    const broker = new MemoryBroker({ limits: { receiveMaximum: 2 } })
    const exact = [1, 2, 3].map((id) => publish('t', '', 2, id))
    const writer = broker.join({ protocolVersion: 5 })
    writer.send(...exact)
    assert.deepEqual(writer.heard(), ['pubrec 1 16', 'pubrec 2 16', 'disconnect 147'])
    const old = broker.join({ protocolVersion: 4 })
    old.send(...exact)
    assert.deepEqual(old.heard(), ['pubrec 1', 'pubrec 2', 'pubrec 3'], 'MQTT 3.x knows no bound')
  })

  it('frees the packet id of a message that was refused [MQTT-4.3.3-9]', () => {
    const policy = { publish: ['mine'], subscribe: [] }
    const broker = new MemoryBroker({ policy, limits: { receiveMaximum: 1 } })
    const writer = broker.join({ protocolVersion: 5 })
    writer.send(publish('yours', '', 2, 1), publish('yours', '', 2, 2), publish('mine', '', 2, 2))
    assert.deepEqual(writer.heard(), ['pubrec 1 135', 'pubrec 2 135', 'pubrec 2 16'])
    const old = broker.join({ protocolVersion: 4 })
    old.send(publish('yours', '', 2, 1), pub('pubrel', 1))
    assert.deepEqual(old.heard(), ['pubrec 1', 'pubcomp 1'])
  })

  it('is not for devices, whose CONNACK says so [MQTT-3.2.2-11]', async () => {
    const broker = new MemoryBroker({ house: await DeviceHouse.open() })
    const meter = broker.join({ username: 'meter-1', protocolVersion: 5 })
    meter.send(publish('/k1metermete/meter-1/user/a', '', 2, 1))
    assert.deepEqual(meter.heard(), ['disconnect 155'])
  })
})

describe('topic aliases', () => {
  it('stand for the topic that came with them last [MQTT-3.1.2-27] [MQTT-3.3.2-12]', () => {
    const broker = new MemoryBroker()
    const [reader, writer] = [
      broker.join({ protocolVersion: 5 }),
      broker.join({ protocolVersion: 5 }),
    ]
    reader.send(subscribe(1, ['#', 1]))
    reader.received()
    const aliased = (topic: string, payload: string, qos: 0 | 1, topicAlias: number) => ({
      ...publish(topic, payload, qos, 9),
      properties: { topicAlias, userProperties: { a: 'b' } },
    })
    writer.send(aliased('one', '1', 0, 1), aliased('two', '2', 1, 16), aliased('', '3', 0, 1))
    writer.send(aliased('three', '4', 0, 1), aliased('', '5', 1, 1), aliased('', '6', 0, 16))
    const heard = reader.received() as IPublishPacket[]
    assert.deepEqual(
      heard.map(({ topic, payload }) => `${topic} ${payload.toString()}`),
      ['one 1', 'two 2', 'one 3', 'three 4', 'three 5', 'two 6'],
    )
    for (const { properties } of heard)
      assert.deepEqual({ ...properties?.userProperties }, { a: 'b' })
    assert.equal(
      heard.some(({ properties }) => properties?.topicAlias !== undefined),
      false,
    )
  })

  it('are those of their connection alone [MQTT-3.3.2-7]', () => {
    const broker = new MemoryBroker()
    const first = broker.join({ protocolVersion: 5, clientId: 'same' })
    const properties = { topicAlias: 1 }
    first.send({ ...publish('one', '1'), properties })
    const second = broker.join({ protocolVersion: 5, clientId: 'same' })
    second.send({ ...publish('', '2'), properties })
    assert.deepEqual(second.heard(), ['disconnect 130'])
  })

  it('spare a client that grants them the topics it has heard, up to its bound [MQTT-3.1.2-26] [MQTT-3.3.2-11]', () => {
    const broker = new MemoryBroker()
    const properties = { topicAliasMaximum: 2 }
    const [reader, writer] = [broker.join({ protocolVersion: 5, properties }), broker.join()]
    reader.send(subscribe(1, ['#', 0]))
    reader.received()
    for (const topic of ['first', 'second', 'third', 'abc', 'first', 'second', 'third']) {
      writer.send(publish(topic, ''))
    }
    const heard = reader.received() as IPublishPacket[]
    assert.deepEqual(
      heard.map((p) => `${p.topic} ${p.properties?.topicAlias ?? '-'}`),
      ['first 1', 'second 2', 'third -', 'abc -', ' 1', ' 2', 'third -'],
    )
  })

  it('are not learnt from a message that the client could not take', () => {
    const broker = new MemoryBroker()
    const properties = { topicAliasMaximum: 1, maximumPacketSize: 40 }
    const [reader, writer] = [broker.join({ protocolVersion: 5, properties }), broker.join()]
    reader.send(subscribe(1, ['#', 0]))
    reader.received()
    writer.send(publish('first', 'x'.repeat(50)), publish('first', 'y'), publish('first', 'z'))
    const heard = reader.received() as IPublishPacket[]
    assert.deepEqual(
      heard.map((p) => `${p.topic} ${p.payload.toString()}`),
      ['first y', ' z'],
    )
  })
})

describe('a payload that says it is text', () => {
  it('is refused where it is none, without harm to what follows', () => {
    const broker = new MemoryBroker()
    const [reader, writer] = [broker.join(), broker.join({ protocolVersion: 5 })]
    reader.send(subscribe(1, ['t', 0]))
    reader.received()
    const text = (payload: Buffer, qos: 0 | 1 | 2, id: number) => ({
      ...publish('t', '', qos, id),
      payload,
      properties: { payloadFormatIndicator: true },
    })
    const bad = Buffer.from([0xc3, 0x28])
    writer.send(text(bad, 0, 1), text(bad, 1, 2), text(bad, 2, 3), text(Buffer.from('ü'), 1, 4))
    assert.deepEqual(writer.heard(), ['puback 2 153', 'pubrec 3 153', 'puback 4'])
    assert.deepEqual(reader.heard(), ['publish t ü'])
    assert.equal(broker.count('publish.refused.payload-format'), 3)
  })
})
