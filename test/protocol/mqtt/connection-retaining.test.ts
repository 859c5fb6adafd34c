/** Retained messages through connections: kept, given to who subscribes later, replaced, removed, expired. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IPublishPacket, Packet } from 'mqtt-packet'
import { DeviceHouse } from '../../support/device-house.ts'
import { MemoryBroker } from './memory-broker.ts'
import type { MemoryClient } from './memory-client.ts'
import { publish, subscribe } from './packets.ts'

const retained = (topic: string, payload: string, qos: 0 | 1 | 2 = 0, id = 1): IPublishPacket => ({
  ...publish(topic, payload, qos, id),
  retain: true,
})

/** `topic payload qos`, with `r` where it is marked as retained. */
function messages(client: MemoryClient): string[] {
  return client
    .received()
    .filter((packet: Packet) => packet.cmd === 'publish')
    .map((p) => `${p.topic} ${p.payload.toString()} ${p.qos}${p.retain ? ' r' : ''}`)
}

function asked(broker: MemoryBroker, filter: string, qos: 0 | 1 | 2 = 0): string[] {
  const reader = broker.join({ protocolVersion: 5 })
  reader.send(subscribe(1, [filter, qos]))
  return messages(reader).sort()
}

describe('a retained message', () => {
  it('is given to who subscribes later, the last of each topic, marked [MQTT-3.3.1-5] [MQTT-3.3.1-8], [MQTT-3.3.1-8] of 3.1.1', async () => {
    for (const protocolVersion of [3, 4, 5] as const) {
      const broker = new MemoryBroker()
      const writer = broker.join({ protocolVersion })
      writer.send(retained('a/b', '1', 1), retained('a/b', '2', 2), retained('a', '3'))
      writer.send(retained('c', '4'), publish('a/c', 'not kept'), publish('c', 'nor this'))
      for (const stored of [false, true]) {
        if (stored) await broker.checkpoint()
        assert.equal(broker.retained.unstored, stored ? 0 : 3)
        assert.deepEqual(asked(broker, 'a/#', 1), ['a 3 0 r', 'a/b 2 1 r'])
        assert.deepEqual(asked(broker, 'a/b', 2), ['a/b 2 2 r'])
        assert.deepEqual(asked(broker, '+', 2), ['a 3 0 r', 'c 4 0 r'])
        assert.deepEqual(asked(broker, 'nobody'), [])
      }
    }
  })

  it('is given once, by the younger of memory and store', async () => {
    const broker = new MemoryBroker()
    const writer = broker.join()
    for (let i = 0; i < 200; i++) writer.send(retained(`t/${i}`, 'old'))
    await broker.checkpoint()
    for (let i = 0; i < 100; i++) writer.send(retained(`t/${i}`, 'new'))
    const heard = asked(broker, 't/#')
    assert.deepEqual([heard.length, new Set(heard).size], [200, 200])
    assert.equal(heard.filter((words) => words.includes('new')).length, 100)
  })

  it('is removed by an empty one, which is passed on as any other [MQTT-3.3.1-6] [MQTT-3.3.1-7]', async () => {
    const broker = new MemoryBroker()
    const [reader, writer] = [broker.join(), broker.join()]
    reader.send(subscribe(1, ['t', 0]))
    reader.received()
    writer.send(retained('t', 'x'))
    await broker.checkpoint()
    writer.send(retained('t', ''))
    assert.deepEqual(messages(reader), ['t x 0', 't  0'])
    assert.deepEqual(asked(broker, '#'), [])
    await broker.checkpoint()
    assert.deepEqual(asked(broker, '#'), [])
    assert.equal(broker.store.messages, 0)
  })

  it('loses its mark for those who were there, unless they asked for it as published [MQTT-3.3.1-12] [MQTT-3.3.1-13]', () => {
    const broker = new MemoryBroker()
    const [reader, writer] = [broker.join({ protocolVersion: 5 }), broker.join()]
    const subscriptions = [
      { topic: 'a', qos: 0 as const },
      { topic: 'b', qos: 0 as const, rap: true },
    ]
    reader.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    reader.received()
    writer.send(retained('a', '1'), retained('b', '2'), publish('b', '3'))
    assert.deepEqual(messages(reader), ['a 1 0', 'b 2 0 r', 'b 3 0'])
  })

  it('is given as the subscription says: always, when it is new, or never [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT-3.8.4-4]', () => {
    const broker = new MemoryBroker()
    broker.join().send(retained('t', 'x'))
    for (const [rh, first, again] of [
      [0, 1, 1],
      [1, 1, 0],
      [2, 0, 0],
    ] as const) {
      const reader = broker.join({ protocolVersion: 5 })
      const ask = (): number => {
        const subscriptions = [{ topic: 't', qos: 0 as const, rh }]
        reader.send({ cmd: 'subscribe', messageId: 1, subscriptions })
        return messages(reader).length
      }
      assert.deepEqual([ask(), ask()], [first, again], `retain handling ${rh}`)
    }
  })

  it('carries its properties, the identifier of the subscription, and what is left of its expiry', async () => {
    const broker = new MemoryBroker()
    const [reader, writer] = [
      broker.join({ protocolVersion: 5 }),
      broker.join({ protocolVersion: 5 }),
    ]
    const properties = {
      contentType: 'text',
      messageExpiryInterval: 60,
      userProperties: { a: 'b' },
    }
    writer.send({ ...retained('t', 'x', 1), properties })
    await broker.checkpoint()
    broker.passSeconds(20)
    reader.send({ ...subscribe(1, ['t', 1]), properties: { subscriptionIdentifier: 9 } })
    const [message] = reader.received().filter(({ cmd }) => cmd === 'publish') as IPublishPacket[]
    const { contentType, messageExpiryInterval, subscriptionIdentifier } = message?.properties ?? {}
    assert.deepEqual([contentType, messageExpiryInterval, subscriptionIdentifier], ['text', 40, 9])
    broker.passSeconds(41)
    assert.deepEqual(asked(broker, 't'), [])
    assert.deepEqual(asked(broker, '#'), [])
  })

  it('comes in the pace of the inflight window, behind what came by the ordinary way', () => {
    const broker = new MemoryBroker({ limits: { inflight: 3 } })
    const [reader, writer] = [broker.join({ protocolVersion: 5 }), broker.join()]
    for (let i = 0; i < 10; i++) writer.send(retained(`t/${i}`, `${i}`, 1))
    reader.send(subscribe(1, ['t/+', 1]))
    const heard: string[] = []
    for (let round = 0; round < 10; round++) {
      if (round === 1) writer.send(publish('t/live', 'live', 1, 1))
      const packets = reader.received().filter(({ cmd }) => cmd === 'publish') as IPublishPacket[]
      assert.ok(packets.length <= 3)
      heard.push(...packets.map(({ payload }) => payload.toString()))
      reader.send(...packets.map(({ messageId }) => ({ cmd: 'puback', messageId }) as Packet))
    }
    assert.equal(heard.length, 11)
    assert.ok(heard.indexOf('live') < 9, heard.join())
  })

  it('ends with its reader, and is not sent to one that gave its subscription up', () => {
    const broker = new MemoryBroker({ limits: { inflight: 1 } })
    const [reader, writer] = [broker.join(), broker.join()]
    for (let i = 0; i < 5; i++) writer.send(retained(`t/${i}`, `${i}`, 1))
    reader.send(subscribe(1, ['t/+', 1]))
    assert.equal(messages(reader).length, 1)
    reader.transport.hangUp()
    broker.settle()
    assert.equal(reader.transport.takeWritten().length, 0)
  })

  it('is refused at the bounds, but one that takes the place of another is not', async () => {
    const broker = new MemoryBroker({ limits: { retainedMessages: 2 } })
    const writer = broker.join({ protocolVersion: 5 })
    writer.send(retained('a', '1', 1, 1), retained('b', '1', 1, 2), retained('c', '1', 1, 3))
    assert.deepEqual(writer.heard(), ['puback 1 16', 'puback 2 16', 'puback 3 151'])
    await broker.checkpoint()
    writer.send(retained('d', '1', 2, 4), retained('a', '2', 1, 5), retained('b', '', 1, 6))
    assert.deepEqual(writer.heard(), ['pubrec 4 151', 'puback 5 16', 'puback 6 16'])
    assert.deepEqual(asked(broker, '#'), ['a 2 0 r'])
    assert.equal(broker.count('publish.refused.retained-too-many-messages'), 2)
    const small = new MemoryBroker({ limits: { retainedBytes: 70_000 } })
    const other = small.join({ protocolVersion: 5 })
    other.send(retained('a', 'x'.repeat(60_000), 1, 1), retained('b', 'x'.repeat(20_000), 1, 2))
    assert.deepEqual(other.heard(), ['puback 1 16', 'puback 2 151'])
  })

  it('is written to the log in the turn that acknowledges it', () => {
    const broker = new MemoryBroker()
    broker.join().send(retained('t', 'x', 1), retained('t', '', 1))
    assert.deepEqual(
      broker.journal.map(({ topic, gone }) => [topic, gone]),
      [
        ['t', false],
        ['t', true],
      ],
    )
  })

  it('stays to be stored where the store refused it', async () => {
    const broker = new MemoryBroker()
    broker.join().send(retained('t', 'x'))
    broker.store.refuses = true
    await broker.checkpoint()
    assert.equal(broker.retained.unstored, 1)
    broker.store.refuses = false
    await broker.checkpoint()
    assert.deepEqual([broker.retained.unstored, broker.store.messages], [0, 1])
  })

  it('is for devices that speak MQTT 5, on their custom topics, as the original has it [MQTT-3.2.2-12]', async () => {
    const broker = new MemoryBroker({ house: await DeviceHouse.open() })
    const topic = '/k1metermete/meter-1/user/a'
    const device = { username: 'meter-1', protocolVersion: 5 as const }
    const meter = broker.join(device)
    meter.send(retained(topic, 'x', 1, 3))
    assert.deepEqual(meter.heard(), ['puback 3'])
    meter.send(subscribe(4, [topic, 1]))
    assert.deepEqual(messages(meter), [`${topic} x 1 r`])
    assert.deepEqual(asked(broker, topic, 1), [`${topic} x 1 r`])
    const system = '/sys/k1metermete/meter-1/thing/event/property/post'
    meter.send(retained(system, '{}', 0))
    assert.deepEqual(asked(broker, '/sys/#'), [])
    const old = broker.join({ username: 'meter-1' })
    old.send(retained(topic, 'y', 1, 3), subscribe(4, [topic, 1]))
    assert.deepEqual(old.heard(), ['puback 3', 'suback 4 1'])
    assert.deepEqual(asked(broker, topic, 1), [`${topic} x 1 r`])
    assert.equal(broker.count('publish.retain-ignored'), 2)
    const will = { topic, payload: Buffer.from('bye'), qos: 1 as const, retain: true }
    broker.join({ ...device, will }).transport.hangUp()
    assert.deepEqual(asked(broker, topic, 1), [`${topic} bye 1 r`])
    const exact = broker.connect({ ...device, will: { ...will, qos: 2 } })
    assert.deepEqual([exact.heard(), exact.gone], [['connack 155'], true])
  })
})
