import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IPublishPacket, Packet } from 'mqtt-packet'
import type { Limits } from '../../../core/domain/settings.ts'
import { MemoryBroker } from './memory-broker.ts'
import { type ConnectOptions, publish, subscribe } from './packets.ts'

function readerAndWriter(limits: Partial<Limits>, options: ConnectOptions = {}) {
  const broker = new MemoryBroker({ limits })
  const [reader, writer] = [broker.join({ protocolVersion: 5, ...options }), broker.join()]
  reader.send(subscribe(1, ['t', 1]))
  reader.received()
  const say = (count: number): void => {
    for (let i = 1; i <= count; i++) writer.send(publish('t', String(i), 1, i))
  }
  const hear = (): IPublishPacket[] => reader.received() as IPublishPacket[]
  return { broker, reader, writer, say, hear }
}

const ack = ({ messageId }: IPublishPacket): Packet => ({
  cmd: 'puback',
  messageId: messageId as number,
})
const texts = (packets: readonly IPublishPacket[]): string =>
  packets.map(({ payload }) => payload.toString()).join()

describe('relaying at QoS 1', () => {
  it('keeps to the window, and sends what waits in order as acknowledgements come [MQTT-4.3.2-3] [MQTT-4.6.0-5]', () => {
    const { reader, say, hear } = readerAndWriter({ inflight: 3 })
    say(8)
    const first = hear()
    assert.equal(texts(first), '1,2,3')
    assert.equal(new Set(first.map(({ messageId }) => messageId)).size, 3)
    reader.send(ack(first[1] as IPublishPacket))
    assert.equal(texts(hear()), '', 'the window moves with its oldest')
    reader.send(ack(first[0] as IPublishPacket))
    const next = hear()
    assert.equal(texts(next), '4,5')
    reader.send(ack(first[2] as IPublishPacket), ...next.map(ack))
    assert.equal(texts(hear()), '6,7,8')
  })

  it('has as many on the way as the limit says, above 64 too, and takes their acknowledgements in any order', () => {
    const { reader, say, hear } = readerAndWriter({ inflight: 200 })
    say(500)
    const sent = hear()
    assert.equal(sent.length, 200)
    reader.send(...sent.slice(1).reverse().map(ack))
    assert.deepEqual(hear(), [])
    reader.send(ack(sent[0] as IPublishPacket))
    assert.deepEqual([hear().length, sent.at(-1)?.messageId], [200, 200])
  })

  it("keeps to the client's Receive Maximum where that is less [MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2]", () => {
    const { say, hear } = readerAndWriter({ inflight: 3 }, { properties: { receiveMaximum: 1 } })
    say(3)
    assert.equal(texts(hear()), '1')
  })

  it('holds back nothing else while its window is full [MQTT-3.3.4-10] [MQTT-4.9.0-3]', () => {
    const { reader, say, hear } = readerAndWriter({}, { properties: { receiveMaximum: 1 } })
    say(2)
    assert.equal(texts(hear()), '1')
    reader.send({ cmd: 'pingreq' }, subscribe(2, ['other', 1]))
    reader.send(publish('nobody', '', 1, 7), publish('nobody', '', 2, 8))
    reader.send({ cmd: 'pubrel', messageId: 8 } as Packet)
    assert.deepEqual(reader.heard(), [
      'pingresp',
      'suback 2 1',
      'puback 7 16',
      'pubrec 8 16',
      'pubcomp 8',
    ])
  })

  it('closes a client whose queue is full with 0x97, once counted, rather than lose a message', () => {
    for (const limits of [
      { inflight: 1, queueMessages: 2 },
      { inflight: 1, queueBytes: 2 * Buffer.byteLength('t1') },
    ]) {
      const { broker, reader, say } = readerAndWriter(limits)
      say(3)
      assert.equal(reader.gone, false)
      say(1)
      assert.deepEqual(reader.heard(), ['publish t 1', 'disconnect 151'])
      assert.equal(broker.count('connection.closed.queue-full'), 1)
      assert.equal(broker.router.subscriptions, 0)
    }
  })

  it('counts an acknowledgement of what was never sent, and goes on', () => {
    const { broker, reader, say, hear } = readerAndWriter({ inflight: 1 })
    reader.send({ cmd: 'puback', messageId: 77 })
    say(2)
    const [first] = hear()
    reader.send(ack(first as IPublishPacket), ack(first as IPublishPacket))
    assert.equal(broker.count('acknowledgement.unexpected.puback'), 2)
    assert.equal(texts(hear()), '2')
  })

  it("never exceeds the client's Maximum Packet Size, and uses all of it [MQTT-3.1.2-24]", () => {
    const properties = { maximumPacketSize: 60 }
    const { broker, reader, writer } = readerAndWriter({ inflight: 2 }, { properties })
    const fits = 60 - 8 // header 2, topic 3, packet id 2, property length 1
    for (const length of [fits + 1, fits + 1, fits + 1, fits, 1000]) {
      writer.send(publish('t', 'x'.repeat(length), 1, length))
    }
    const bytes = reader.transport.takeWritten()
    assert.equal(bytes.length, 60)
    assert.equal(broker.count('delivery.dropped.client-packet-size'), 4)
    assert.equal(reader.gone, false)
  })

  it('drops a long queue of what the client cannot take without running out of stack', () => {
    const properties = { maximumPacketSize: 60 }
    const limits = { inflight: 1, queueMessages: 20_000, queueBytes: 10_000_000 }
    const { broker, reader, writer, hear } = readerAndWriter(limits, { properties })
    writer.send(publish('t', 'first', 1, 1))
    writer.send(...Array.from({ length: 15_000 }, (_, i) => publish('t', 'x'.repeat(60), 1, i + 1)))
    writer.send(publish('t', 'last', 1, 1))
    const [first] = hear()
    reader.send(ack(first as IPublishPacket))
    assert.equal(texts(hear()), 'last')
    assert.equal(broker.count('delivery.dropped.client-packet-size'), 15_000)
  })

  it('hands on to a client of another version, properties only to MQTT 5, and never the retain flag', () => {
    const broker = new MemoryBroker()
    const readers = ([3, 4, 5] as const).map((protocolVersion) => {
      const reader = broker.join({ protocolVersion })
      reader.send(subscribe(1, ['t', 1]))
      reader.received()
      return reader
    })
    const writer = broker.join({ protocolVersion: 5 })
    const properties = { contentType: 'text', userProperties: { a: ['1', '2'] } }
    writer.send({ ...publish('t', 'x', 1, 1), properties })
    for (const reader of readers) {
      const [message] = reader.received() as IPublishPacket[]
      assert.equal(message?.payload.toString(), 'x')
      const contentType = message?.properties?.contentType
      assert.equal(contentType, reader.level === 5 ? 'text' : undefined)
    }
    broker.join().send({ ...publish('t', 'y', 0), retain: true })
    for (const reader of readers) {
      const [message] = reader.received() as IPublishPacket[]
      assert.deepEqual([message?.payload.toString(), message?.retain], ['y', false])
    }
  })
})
