import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IPublishPacket } from 'mqtt-packet'
import { DeviceHouse } from '../../support/device-house.ts'
import { MemoryBroker } from './memory-broker.ts'
import { publish, subscribe } from './packets.ts'

const BAD_SHARES = ['$share/', '$share/g', '$share/g/', '$share//a', '$share/+/a', '$share/g/a#'] // [MQTT-4.8.2-1] [MQTT-4.8.2-2]

describe('subscribing', () => {
  it('grants what was asked, and refuses each filter on its own [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1] [MQTT-3.9.3-2], [MQTT-3.9.3-2] of 3.1.1', () => {
    const policy = { publish: ['#'], subscribe: ['mine/#'] }
    for (const [protocolVersion, granted] of [
      [3, '0,1,2,128,0,128'],
      [4, '0,1,2,128,0,128'],
      [5, '0,1,2,135,0,135'],
    ] as const) {
      const client = new MemoryBroker({ policy }).join({ protocolVersion })
      const filters = ['mine/a', 'mine/b', 'mine/c/#', 'yours/a', '$share/g/mine/a', '$share/g/#']
      const qos = [0, 1, 2, 0, 0, 0] as const
      client.send(subscribe(9, ...filters.map((filter, i) => [filter, qos[i] ?? 0] as const)))
      assert.deepEqual(client.heard(), [`suback 9 ${granted}`])
    }
  })

  it('is answered without properties where there is nothing to say [MQTT-2.2.1-6] [MQTT-2.2.2-1]', () => {
    const client = new MemoryBroker().join({ protocolVersion: 5 })
    client.send(subscribe(0x102, ['a', 1]))
    assert.deepEqual([...client.transport.takeWritten()], [0x90, 4, 1, 2, 0, 1])
    client.send({ cmd: 'unsubscribe', messageId: 0x103, unsubscriptions: ['a'] })
    assert.deepEqual([...client.transport.takeWritten()], [0xb0, 4, 1, 3, 0, 0])
  })

  it('ends filter by filter, and says in MQTT 5 whether there was one [MQTT-3.10.4-1] [MQTT-3.10.4-2] [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2]', () => {
    const broker = new MemoryBroker()
    for (const [protocolVersion, words] of [
      [4, 'unsuback 2'],
      [5, 'unsuback 2 17,0,17'],
    ] as const) {
      const client = broker.join({ protocolVersion })
      client.send(subscribe(1, ['a', 0]))
      client.received()
      client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['+', 'a', 'b'] })
      assert.deepEqual(client.heard(), [words])
      client.send(publish('a', 'unheard'))
      assert.deepEqual(client.heard(), [])
    }
  })

  it('ends for new messages only: what waits and what is under way goes on [MQTT-3.10.4-3]', () => {
    const broker = new MemoryBroker({ limits: { inflight: 1 } })
    const [reader, writer] = [broker.join({ protocolVersion: 5 }), broker.join()]
    reader.send(subscribe(1, ['t', 2]))
    reader.received()
    writer.send(publish('t', '1', 2, 1), publish('t', '2', 1, 2))
    reader.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['t'] })
    writer.send(publish('t', '3', 1, 3))
    reader.send({ cmd: 'pubrec', messageId: 1 }, { cmd: 'pubcomp', messageId: 1 })
    assert.deepEqual(reader.heard(), ['publish t 1', 'unsuback 2 0', 'pubrel 1', 'publish t 2'])
    reader.send({ cmd: 'puback', messageId: 2 })
    assert.deepEqual(reader.heard(), [])
  })

  it('takes a filter as it is written, its U+FEFF and its case with it [MQTT-1.5.4-3] [MQTT-4.7.3-4]', () => {
    const broker = new MemoryBroker()
    const topics = ['t', '\ufefft', 'T', '\u00e9', 'e\u0301', '/t', 't/']
    const readers = topics.map((topic) => {
      const reader = broker.join()
      reader.send(subscribe(1, [topic, 0]))
      reader.received()
      return reader
    })
    const writer = broker.join()
    writer.send(...topics.map((topic) => publish(topic, 'x')))
    for (const [i, reader] of readers.entries()) {
      const heard = reader.received() as IPublishPacket[]
      assert.deepEqual(
        heard.map(({ topic }) => topic),
        [topics[i]],
      )
    }
  })

  it('stops at the bound of subscriptions; one that is held already may be renewed', () => {
    const broker = new MemoryBroker({ limits: { clientSubscriptions: 2 } })
    const client = broker.join({ protocolVersion: 5 })
    client.send(subscribe(1, ['a', 0], ['b', 0]), subscribe(2, ['c', 0]), subscribe(3, ['a', 1]))
    assert.deepEqual(client.heard(), ['suback 1 0,0', 'suback 2 151', 'suback 3 1'])
    client.send(
      { cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['b'] },
      subscribe(3, ['c', 0]),
    )
    assert.deepEqual(client.heard(), ['unsuback 2 0', 'suback 3 0'])
    assert.equal(broker.count('subscribe.refused.too-many-subscriptions'), 1)
  })

  it('takes as many filters of a device in one packet as it may, and refuses those behind', async () => {
    const house = await DeviceHouse.open()
    const broker = new MemoryBroker({ house, limits: { filtersPerSubscribe: 2, subscriptions: 3 } })
    const meter = broker.join({ username: 'meter-1' })
    const own = (name: string) => [`/k1metermete/meter-1/user/${name}`, 1] as const
    meter.send(subscribe(1, own('a'), own('b'), own('c')))
    meter.send(subscribe(2, own('c'), own('d')), subscribe(3, ['/k1metermete/meter-2/user/a', 1]))
    assert.deepEqual(meter.heard(), ['suback 1 1,1,128', 'suback 2 1,128', 'suback 3 128'])
    assert.equal(broker.count('subscribe.refused.too-many-filters'), 1)
    assert.equal(broker.count('subscribe.refused.foreign-topic'), 1)
  })

  it('delivers a message once where several filters match, with the highest QoS granted [MQTT-3.3.4-2]', () => {
    const broker = new MemoryBroker()
    const client = broker.join()
    client.send(subscribe(1, ['a/#', 0], ['a/+', 1], ['a/b', 0]))
    client.received()
    client.send(publish('a/b', 'x', 1, 5))
    const [message, ...others] = client.received().filter(({ cmd }) => cmd === 'publish')
    assert.equal(others.length, 0)
    assert.equal(message?.cmd === 'publish' && message.qos, 1)
  })

  it('leaves out the publisher itself where it asked for that [MQTT-3.8.3-3]', () => {
    const broker = new MemoryBroker()
    const [own, other] = [broker.join({ protocolVersion: 5 }), broker.join()]
    const subscriptions = [{ topic: 't', qos: 0 as const, nl: true }]
    own.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    own.received()
    own.send(publish('t', '1'))
    other.send(publish('t', '2'))
    assert.deepEqual(own.heard(), ['publish t 2'])
  })

  it('ends the connection of a client that asks for a malformed filter', () => {
    const broker = new MemoryBroker()
    for (const filter of ['a/#/b', 'a+', '', 'a#', '+a', ...BAD_SHARES]) {
      const client = broker.join({ protocolVersion: 5 })
      client.send(subscribe(1, [filter, 0]))
      assert.deepEqual(client.heard(), ['disconnect 143'], filter)
    }
  })

  it('says to a client which of its subscriptions a message matched [MQTT-3.3.4-3] [MQTT-3.3.4-4] [MQTT-3.8.4-3]', () => {
    const broker = new MemoryBroker()
    const client = broker.join({ protocolVersion: 5 })
    const identified = (id: number, filter: string, identifier: number) => ({
      ...subscribe(id, [filter, 1] as const),
      properties: { subscriptionIdentifier: identifier },
    })
    client.send(identified(1, 'a/#', 7), identified(2, 'a/+', 268_435_455), subscribe(3, ['#', 0]))
    client.received()
    const identifiers = (topic: string): unknown[] => {
      client.send(publish(topic, 'x', 0))
      return client
        .received()
        .map((packet) => packet.cmd === 'publish' && packet.properties?.subscriptionIdentifier)
    }
    assert.deepEqual(identifiers('a/b'), [[7, 268_435_455]])
    assert.deepEqual(identifiers('a/b/c'), [7])
    assert.deepEqual(identifiers('b'), [undefined])
    client.send(subscribe(4, ['a/#', 1]))
    client.received()
    assert.deepEqual(identifiers('a/b/c'), [undefined], 'a subscription that is renewed loses it')
  })

  it('ends the connection of a device that asks for an identifier, which was not granted', async () => {
    const house = await DeviceHouse.open()
    const broker = new MemoryBroker({ house })
    const meter = broker.join({ username: 'meter-1', protocolVersion: 5 })
    const properties = { subscriptionIdentifier: 7 }
    meter.send({ ...subscribe(1, ['/k1metermete/meter-1/user/a', 0]), properties })
    assert.deepEqual(meter.heard(), ['disconnect 161'])
  })

  it('refuses filters and topics of so many levels that matching could run out of stack', () => {
    const broker = new MemoryBroker()
    const [reader, writer] = [
      broker.join({ protocolVersion: 5 }),
      broker.join({ protocolVersion: 5 }),
    ]
    reader.send(subscribe(1, ['/'.repeat(30_000), 0], [`${'+/'.repeat(30_000)}+`, 0], ['#', 0]))
    assert.deepEqual(reader.heard(), ['suback 1 143,143,0'])
    writer.send(publish('/'.repeat(30_000), '', 1, 1), publish('a', 'still here'))
    assert.deepEqual(writer.heard(), ['puback 1 144'])
    assert.deepEqual(reader.heard(), ['publish a still here'])
    assert.equal(broker.count('publish.refused.topic-too-long'), 1)
  })
})
