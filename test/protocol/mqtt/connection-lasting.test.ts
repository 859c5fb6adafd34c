/** Sessions that outlive their connections (MQTT 5.0 §3.1.2.4, §4.1, §4.4), through connections in memory. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IConnackPacket, IPublishPacket, Packet } from 'mqtt-packet'
import { SessionFigures } from '../../../actors/session/session-figures.ts'
import { MemorySessions } from '../../support/memory-sessions.ts'
import { type BrokerOptions, MemoryBroker } from './memory-broker.ts'
import type { MemoryClient } from './memory-client.ts'
import { type ConnectOptions, publish, subscribe } from './packets.ts'

const LASTING: ConnectOptions = {
  clientId: 'c',
  clean: false,
  protocolVersion: 5,
  properties: { sessionExpiryInterval: 60 },
}
const ack = (cmd: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp', messageId: number): Packet => {
  return { cmd, messageId } as Packet
}
const bye: Packet = { cmd: 'disconnect', reasonCode: 0 } as Packet

/** What came with a CONNACK. */
const early = new WeakMap<MemoryClient, Packet[]>()

/** Connects, and says whether there was a session. */
function resume(broker: MemoryBroker, options: ConnectOptions = {}): [MemoryClient, boolean] {
  const client = broker.connect({ ...LASTING, ...options })
  const [connack, ...rest] = client.received()
  assert.equal(connack?.cmd, 'connack')
  early.set(client, rest)
  return [client, (connack as IConnackPacket).sessionPresent]
}

function received(client: MemoryClient): Packet[] {
  const packets = [...(early.get(client) ?? []), ...client.received()]
  early.delete(client)
  return packets
}

/** `1:publish t x`, with the DUP flag as `!`. */
function told(client: MemoryClient): string[] {
  return received(client).map((packet) => {
    if (packet.cmd !== 'publish') return `${packet.cmd} ${packet.messageId}`
    return `${packet.messageId}${packet.dup ? '!' : ''}:${packet.topic} ${packet.payload.toString()}`
  })
}

describe('a session that outlives its connection', () => {
  it('keeps subscriptions and what came meanwhile [MQTT-3.1.2-5] [MQTT-3.2.2-3] [MQTT-4.1.0-1]', () => {
    for (const protocolVersion of [4, 5] as const) {
      const broker = new MemoryBroker()
      const writer = broker.join()
      const [first, before] = resume(broker, { protocolVersion })
      first.send(subscribe(1, ['t', 1]), subscribe(2, ['u', 2]))
      first.received()
      first.send(bye)
      writer.send(publish('t', '1', 1, 1), publish('t', '0', 0), publish('u', '2', 2, 2))
      assert.deepEqual(writer.heard(), ['puback 1', 'pubrec 2'])
      const [second, after] = resume(broker, { protocolVersion })
      assert.deepEqual([before, after], [false, true])
      assert.deepEqual(told(second), ['1:t 1', '2:u 2'])
      writer.send(publish('t', '3', 1, 3))
      assert.deepEqual(told(second), ['3:t 3'])
    }
  })

  it('is not there behind a clean start, nor for others [MQTT-3.1.2-4] [MQTT-3.1.2-6] [MQTT-3.2.2-2]', () => {
    const broker = new MemoryBroker()
    const [first] = resume(broker)
    first.send(subscribe(1, ['t', 1]), bye)
    const writer = broker.join()
    writer.send(publish('t', 'x', 1))
    const [other, otherPresent] = resume(broker, { clientId: 'd' })
    const [second, present] = resume(broker, { clean: true })
    assert.deepEqual([otherPresent, present], [false, false])
    writer.send(publish('t', 'y', 1, 2))
    assert.deepEqual([told(other), told(second)], [[], []])
    assert.deepEqual(writer.heard(), ['puback 1', 'puback 2'])
  })

  it('ends when its expiry is over, and not before [MQTT-3.1.2-23]', () => {
    const broker = new MemoryBroker()
    resume(broker)[0].send(subscribe(1, ['t', 1]), bye)
    broker.passSeconds(50)
    const [second, present] = resume(broker)
    second.transport.hangUp()
    broker.passSeconds(62)
    const writer = broker.join({ protocolVersion: 5 })
    writer.send(publish('t', 'x', 1))
    assert.deepEqual(writer.heard(), ['puback 1 16'])
    const [, late] = resume(broker)
    assert.deepEqual([present, late], [true, false])
  })

  it('ends with its connection where it asks for no expiry, also in DISCONNECT', () => {
    const broker = new MemoryBroker()
    const [first] = resume(broker)
    first.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } })
    assert.equal(resume(broker)[1], false)
    const [third, present] = resume(broker, { properties: {} })
    assert.equal(present, true)
    third.send(bye)
    assert.equal(resume(broker)[1], false)
  })

  it('is given no expiry by DISCONNECT where it had none [MQTT-3.14.2-2]', () => {
    const broker = new MemoryBroker()
    const client = broker.join({ protocolVersion: 5 })
    client.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 5 } })
    assert.deepEqual(client.heard(), ['disconnect 130'])
    assert.equal(broker.count('connection.closed.expiry-raised'), 1)
  })

  it('is granted what the platform allows, and told so', () => {
    const broker = new MemoryBroker({ limits: { sessionExpirySec: 10 } })
    const client = broker.connect(LASTING)
    const [connack] = client.received() as IConnackPacket[]
    assert.equal(connack?.properties?.sessionExpiryInterval, 10)
    client.send(bye)
    broker.passSeconds(12)
    assert.equal(resume(broker)[1], false)
  })

  it('is refused where as many are there as may be [MQTT-3.2.2-6]', () => {
    const broker = new MemoryBroker({ limits: { sessions: 1 } })
    resume(broker)
    const refused = broker.connect({ ...LASTING, clientId: 'd' })
    const [connack] = refused.received() as IConnackPacket[]
    assert.deepEqual([connack?.reasonCode, connack?.sessionPresent], [0x97, false])
    const granted = broker.connect({ clientId: 'd', protocolVersion: 5 })
    assert.deepEqual(granted.heard(), ['connack 0'])
  })

  it('sends again what was not acknowledged, with its packet ids, first and marked [MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-4.6.0-1]', () => {
    const broker = new MemoryBroker()
    const writer = broker.join()
    const [first] = resume(broker)
    first.send(subscribe(1, ['t', 2]))
    first.received()
    writer.send(publish('t', '1', 1, 1), publish('t', '2', 2, 2), publish('t', '3', 1, 3))
    assert.deepEqual(told(first), ['1:t 1', '2:t 2', '3:t 3'])
    first.send(ack('puback', 1))
    first.transport.hangUp()
    writer.send(publish('t', '4', 1, 4))
    const [second] = resume(broker)
    assert.deepEqual(told(second), ['2!:t 2', '3!:t 3', '4:t 4'])
    second.send(ack('pubrec', 2))
    assert.deepEqual(told(second), ['pubrel 2'])
    second.transport.hangUp()
    const [third] = resume(broker)
    assert.deepEqual(told(third), ['pubrel 2', '3!:t 3', '4!:t 4'])
    third.send(ack('pubcomp', 2), ack('puback', 3), ack('puback', 4), bye)
    const [fourth] = resume(broker)
    writer.send(publish('t', '5', 1, 5))
    assert.deepEqual(told(fourth), ['5:t 5'])
  })

  it('has its packet ids at QoS 2 on the next connection [MQTT-4.3.3-10]', () => {
    const broker = new MemoryBroker()
    const reader = broker.join()
    reader.send(subscribe(1, ['t', 0]))
    reader.received()
    const [first] = resume(broker)
    first.send(publish('t', 'once', 2, 7))
    first.transport.hangUp()
    const [second] = resume(broker)
    second.send({ ...publish('t', 'once', 2, 7), dup: true }, ack('pubrel', 7))
    assert.deepEqual(told(second), ['pubrec 7', 'pubcomp 7'])
    second.send(publish('t', 'other', 2, 7))
    assert.deepEqual(reader.heard(), ['publish t once', 'publish t other'])
  })

  it('never has more on its way than its client takes, also of what it sends again [MQTT-3.3.4-9]', () => {
    const broker = new MemoryBroker()
    const writer = broker.join()
    const [first] = resume(broker)
    first.send(subscribe(1, ['t', 1]))
    first.received()
    writer.send(...[1, 2, 3, 4].map((i) => publish('t', `${i}`, 1, i)))
    first.transport.hangUp()
    const properties = { sessionExpiryInterval: 60, receiveMaximum: 2 }
    const [second] = resume(broker, { properties })
    assert.deepEqual(told(second), ['1!:t 1', '2!:t 2'])
    second.send(ack('puback', 1))
    assert.deepEqual(told(second), ['3!:t 3'])
    second.send(ack('puback', 2), ack('puback', 3))
    writer.send(publish('t', '5', 1, 5))
    assert.deepEqual(told(second), ['4!:t 4', '5:t 5'])
  })

  it('goes on where another connection takes it over [MQTT-3.1.4-3]', () => {
    const broker = new MemoryBroker()
    const writer = broker.join()
    const [first] = resume(broker)
    first.send(subscribe(1, ['t', 1]))
    writer.send(publish('t', '1', 1, 1))
    const [second, present] = resume(broker)
    assert.equal(present, true)
    assert.equal(first.gone, true)
    assert.deepEqual(told(second), ['1!:t 1'])
  })

  it('keeps Retain As Published, No Local and Subscription Identifiers', () => {
    const broker = new MemoryBroker()
    const [first] = resume(broker)
    const options = { qos: 1, rap: true, nl: true } as const
    first.send({
      ...subscribe(1),
      subscriptions: [{ topic: 't', ...options }],
      properties: { subscriptionIdentifier: 9 },
    } as Packet)
    first.send(publish('t', 'own', 1, 1))
    first.send(bye)
    const writer = broker.join()
    writer.send({ ...publish('t', 'x', 1, 1), retain: true })
    const [second] = resume(broker)
    const [message, ...rest] = received(second) as IPublishPacket[]
    assert.deepEqual(rest, [])
    assert.equal(message?.retain, true)
    assert.equal(message?.properties?.subscriptionIdentifier, 9)
  })

  it('drops what has expired meanwhile, and tells what is left of an expiry [MQTT-3.3.2-5] [MQTT-3.3.2-6]', () => {
    const broker = new MemoryBroker()
    resume(broker)[0].send(subscribe(1, ['t', 1]), bye)
    const writer = broker.join({ protocolVersion: 5 })
    for (const [i, messageExpiryInterval] of [2, 30].entries()) {
      writer.send({ ...publish('t', `${i}`, 1, i + 1), properties: { messageExpiryInterval } })
    }
    broker.passSeconds(10)
    const [second] = resume(broker)
    const [message, ...rest] = received(second) as IPublishPacket[]
    assert.deepEqual(rest, [])
    assert.equal(message?.payload.toString(), '1')
    assert.equal(message?.properties?.messageExpiryInterval, 20)
    assert.equal(broker.count('delivery.dropped.expired'), 1)
  })

  it('gets retained messages at QoS 1 as others, and again where they were not acknowledged', () => {
    const broker = new MemoryBroker()
    const writer = broker.join()
    writer.send({ ...publish('t/1', 'one', 1, 1), retain: true })
    writer.send({ ...publish('t/2', 'two', 0), retain: true })
    const [first] = resume(broker)
    first.send(subscribe(1, ['t/#', 1]))
    const heard = first.received() as IPublishPacket[]
    assert.deepEqual(
      heard.map(({ cmd, retain, qos }) => [cmd, retain, qos]),
      [
        ['suback', false, 0],
        ['publish', true, 1],
        ['publish', true, 0],
      ],
    )
    first.transport.hangUp()
    assert.deepEqual(told(resume(broker)[0]), ['1!:t/1 one'])
  })

  it('unsubscribes for good', () => {
    const broker = new MemoryBroker()
    const [first] = resume(broker)
    first.send(subscribe(1, ['t', 1], ['u', 1]))
    first.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['t'] }, bye)
    const writer = broker.join()
    writer.send(publish('t', 'x', 1, 1), publish('u', 'y', 1, 2))
    assert.deepEqual(told(resume(broker)[0]), ['1:u y'])
  })
})

describe('a Will with a delay', () => {
  const will = { topic: 'w', payload: Buffer.from('gone'), qos: 1, retain: false } as const
  const delayed = (willDelayInterval: number): ConnectOptions => {
    return { will: { ...will, properties: { willDelayInterval } } }
  }

  it('is published when the delay is over, or the session, whichever is first [MQTT-3.1.3-9]', () => {
    for (const [delay, seconds] of [
      [5, 5],
      [500, 60],
    ] as const) {
      const broker = new MemoryBroker()
      const reader = broker.join()
      reader.send(subscribe(1, ['w', 0]))
      reader.received()
      resume(broker, delayed(delay))[0].transport.hangUp()
      broker.passSeconds(seconds - 1)
      assert.deepEqual(reader.heard(), [])
      broker.passSeconds(2)
      assert.deepEqual(reader.heard(), ['publish w gone'])
      broker.passSeconds(100)
      assert.deepEqual(reader.heard(), [])
    }
  })

  it('is not published where its client comes back in time, or forgoes it', () => {
    const broker = new MemoryBroker()
    const reader = broker.join()
    reader.send(subscribe(1, ['w', 0]))
    reader.received()
    resume(broker, delayed(5))[0].transport.hangUp()
    broker.passSeconds(3)
    const [second] = resume(broker, delayed(5))
    second.send(bye)
    broker.passSeconds(100)
    assert.deepEqual(reader.heard(), [])
  })

  it('is published at once by a clean start, which ends the session', () => {
    const broker = new MemoryBroker()
    const reader = broker.join()
    reader.send(subscribe(1, ['w', 0]))
    reader.received()
    resume(broker, delayed(50))[0].transport.hangUp()
    resume(broker, { clean: true })
    assert.deepEqual(reader.heard(), ['publish w gone'])
  })
})

describe('a lasting session and the store', () => {
  it('goes on from the store, whatever was checkpointed when', async () => {
    const store = new MemorySessions()
    const sessionFigures = new SessionFigures()
    const options: BrokerOptions = { sessionStore: store, sessionFigures }
    const broker = new MemoryBroker(options)
    const writer = broker.join()
    resume(broker)[0].send(subscribe(1, ['t', 1]), bye)
    writer.send(publish('t', '1', 1, 1))
    await broker.checkpoint()
    assert.equal(broker.sessions.sessions.size, 0, 'it rests in the store')
    writer.send(publish('t', '2', 1, 2))
    const [second, present] = resume(broker)
    assert.equal(present, true)
    assert.deepEqual(told(second), ['1:t 1', '2:t 2'])
    await broker.checkpoint()
    second.send(ack('puback', 1), ack('puback', 2))
    await broker.checkpoint()
    assert.equal(store.messages, 0)
    second.send(bye)
    writer.send(publish('t', '3', 1, 3))
    await broker.checkpoint()
    // The process ends here; the next one has what the store has.
    const next = new MemoryBroker({ ...options, incarnation: 2 })
    const late = next.join()
    late.send(publish('t', '4', 1, 4))
    assert.deepEqual(told(resume(next)[0]), ['3:t 3', '4:t 4'])
  })

  it('reads a backlog of any length as there is room, and then goes on live', async () => {
    const broker = new MemoryBroker({ limits: { inflight: 8, queueMessages: 10 } })
    const writer = broker.join()
    const [reader] = resume(broker)
    reader.send(subscribe(1, ['t', 1]))
    reader.received()
    const sent = Array.from({ length: 1000 }, (_, i) => `${i}`)
    for (const [i, payload] of sent.entries()) {
      writer.send(publish('t', payload, 1, i + 1))
      if (i % 300 === 299) await broker.checkpoint()
    }
    await broker.checkpoint()
    const heard: string[] = []
    for (let quiet = 0; quiet < 3; ) {
      const packets = reader.received() as IPublishPacket[]
      quiet = packets.length === 0 ? quiet + 1 : 0
      heard.push(...packets.map(({ payload }) => payload.toString()))
      reader.send(...packets.map(({ messageId }) => ack('puback', messageId as number)))
      if (packets.length === 0) broker.passSeconds(2)
    }
    assert.deepEqual(heard, sent)
    writer.send(publish('t', 'live', 1, 1))
    assert.deepEqual(reader.heard(), ['publish t live'])
  })

  it('publishes the Will of a connection that died with its process, behind the delay', async () => {
    const options: BrokerOptions = {
      sessionStore: new MemorySessions(),
      sessionFigures: new SessionFigures(),
    }
    const broker = new MemoryBroker(options)
    const will = { topic: 'w', payload: Buffer.from('gone'), qos: 0, retain: false } as const
    resume(broker, { will: { ...will, properties: { willDelayInterval: 5 } } })
    await broker.checkpoint()
    const next = new MemoryBroker({ ...options, incarnation: 2 })
    const reader = next.join()
    reader.send(subscribe(1, ['w', 0]))
    reader.received()
    next.passSeconds(4)
    assert.deepEqual(reader.heard(), [])
    next.passSeconds(3)
    assert.deepEqual(reader.heard(), ['publish w gone'])
    assert.equal(resume(next)[1], true)
  })

  it('loses nothing where the store stands still for a while', async () => {
    const store = new MemorySessions()
    const broker = new MemoryBroker({ sessionStore: store })
    const writer = broker.join()
    resume(broker)[0].send(subscribe(1, ['t', 1]), bye)
    store.refuses = true
    writer.send(publish('t', '1', 1, 1))
    await broker.checkpoint()
    store.refuses = false
    await broker.checkpoint()
    writer.send(publish('t', '2', 1, 2))
    assert.deepEqual(told(resume(broker)[0]), ['1:t 1', '2:t 2'])
  })

  it('refuses, or drops the newest, where its queue is full and the operator says so', async () => {
    for (const [policy, code] of [
      ['refuse', 'puback 3 151'],
      ['drop-newest', 'puback 3'],
    ] as const) {
      const limits = { sessionMessages: 2, sessionQueuePolicy: policy }
      const broker = new MemoryBroker({ limits })
      const writer = broker.join({ protocolVersion: 5 })
      resume(broker)[0].send(subscribe(1, ['t', 1]), bye)
      writer.send(publish('t', '1', 1, 1))
      await broker.checkpoint()
      writer.send(publish('t', '2', 1, 2), publish('t', '3', 1, 3))
      assert.deepEqual(writer.heard(), ['puback 1', 'puback 2', code])
      assert.deepEqual(told(resume(broker)[0]), ['1:t 1', '2:t 2'])
    }
  })

  it('refuses a message before anyone has it, and before it is retained', async () => {
    const limits = { sessionMessages: 1, sessionQueuePolicy: 'refuse' } as const
    const broker = new MemoryBroker({ limits })
    const writer = broker.join({ protocolVersion: 5 })
    const live = broker.join()
    live.send(subscribe(1, ['t', 1]))
    live.received()
    resume(broker)[0].send(subscribe(1, ['t', 1]), bye)
    writer.send(publish('t', '1', 1, 1), { ...publish('t', '2', 1, 2), retain: true })
    assert.deepEqual(writer.heard(), ['puback 1', 'puback 2 151'])
    assert.deepEqual(told(live), ['1:t 1'])
    assert.equal(broker.retained.empty, true)
    assert.equal(broker.tally.snapshot()['publish.refused.session-queue'], 1)
  })

  it('does without a Will where its queue is full, and that is counted', async () => {
    const limits = { sessionMessages: 1, sessionQueuePolicy: 'refuse' } as const
    const broker = new MemoryBroker({ limits })
    const live = broker.join()
    live.send(subscribe(1, ['t', 1]))
    live.received()
    resume(broker)[0].send(subscribe(1, ['t', 1]), bye)
    const will = { topic: 't', payload: Buffer.from('gone'), qos: 1, retain: false } as const
    const lost = resume(broker, { clientId: 'w', will })[0]
    broker.join().send(publish('t', '1', 1, 1))
    lost.transport.hangUp()
    broker.passSeconds(1)
    assert.deepEqual(told(live), ['1:t 1', '2:t gone'])
    assert.deepEqual(told(resume(broker)[0]), ['1:t 1'])
    assert.equal(broker.tally.snapshot()['delivery.dropped.session-queue'], 1)
  })
})

describe('a shared subscription with lasting sessions', () => {
  const SHARED = '$share/g/t'

  it('gives messages to those that are there, and keeps them for one where nobody is', () => {
    const broker = new MemoryBroker()
    const writer = broker.join()
    const [first] = resume(broker)
    const [second] = resume(broker, { clientId: 'd' })
    for (const client of [first, second]) {
      client.send(subscribe(1, [SHARED, 1]))
      client.received()
    }
    first.send(bye)
    writer.send(publish('t', '1', 1, 1), publish('t', '2', 1, 2))
    assert.deepEqual(told(second), ['1:t 1', '2:t 2'])
    second.send(ack('puback', 1), ack('puback', 2), bye)
    writer.send(publish('t', '3', 1, 3))
    const heard = [told(resume(broker)[0]), told(resume(broker, { clientId: 'd' })[0])].flat()
    assert.equal(heard.length, 1)
  })

  it('goes on to another member where the chosen session ends [MQTT-4.8.2-5] [MQTT-4.8.2-6]', async () => {
    for (const stored of [false, true]) {
      const broker = new MemoryBroker()
      const writer = broker.join()
      const [first] = resume(broker)
      first.send(subscribe(1, [SHARED, 2]), bye)
      writer.send(publish('t', '1', 1, 1), publish('t', '2', 2, 2))
      if (stored) await broker.checkpoint()
      const other = broker.join()
      other.send(subscribe(1, [SHARED, 2]))
      other.received()
      resume(broker, { clean: true })
      assert.deepEqual(told(other), ['1:t 1', '2:t 2'])
    }
  })

  it('sends no other member what it was sent at QoS 2, stored or not [MQTT-4.8.2-5]', async () => {
    for (const stored of [false, true]) {
      const broker = new MemoryBroker()
      const writer = broker.join()
      const [first] = resume(broker)
      first.send(subscribe(1, [SHARED, 2]))
      first.received()
      writer.send(publish('t', '1', 1, 1), publish('t', '2', 2, 2))
      assert.deepEqual(told(first), ['1:t 1', '2:t 2'])
      first.transport.hangUp()
      if (stored) await broker.checkpoint()
      const other = broker.join()
      other.send(subscribe(1, [SHARED, 2]))
      other.received()
      resume(broker, { clean: true })
      assert.deepEqual(told(other), ['1:t 1'])
    }
  })

  it('passes over a member whose queue is full, and refuses where all are [MQTT-4.8.2-6]', async () => {
    const limits = { sessionMessages: 1, sessionQueuePolicy: 'refuse' } as const
    const broker = new MemoryBroker({ limits })
    const writer = broker.join({ protocolVersion: 5 })
    for (const clientId of ['a', 'b']) {
      resume(broker, { clientId })[0].send(subscribe(1, [SHARED, 1]), bye)
    }
    for (let id = 1; id <= 3; id++) writer.send(publish('t', `${id}`, 1, id))
    assert.deepEqual(writer.heard(), ['puback 1', 'puback 2', 'puback 3 151'])
    const heard = ['a', 'b'].map((clientId) => told(resume(broker, { clientId })[0]))
    assert.deepEqual(heard.flat().sort(), ['1:t 1', '1:t 2'])
  })
})
