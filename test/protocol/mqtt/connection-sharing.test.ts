/** Shared subscriptions through connections of one shard. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IPublishPacket, Packet } from 'mqtt-packet'
import { MemoryBroker } from './memory-broker.ts'
import type { MemoryClient } from './memory-client.ts'
import { publish, subscribe } from './packets.ts'

function house(members: number, qos: 0 | 1 | 2, limits = {}) {
  const broker = new MemoryBroker({ limits })
  const writer = broker.join()
  const readers = Array.from({ length: members }, () => {
    const reader = broker.join({ protocolVersion: 5 })
    reader.send(subscribe(1, ['$share/g/t/+', qos]))
    reader.received()
    return reader
  })
  const say = (from: number, to: number, level: 0 | 1 | 2 = qos): void => {
    for (let i = from; i <= to; i++) {
      writer.send(publish('t/x', `${i}`, level, i))
      if (level === 2) writer.send({ cmd: 'pubrel', messageId: i })
    }
  }
  return { broker, writer, readers, say }
}

function heard(reader: MemoryClient | undefined): IPublishPacket[] {
  const packets = reader?.received() ?? []
  return packets.filter(({ cmd }) => cmd === 'publish') as IPublishPacket[]
}

const texts = (packets: readonly IPublishPacket[]): string =>
  packets.map(({ payload }) => payload.toString()).join()
const reply = (cmd: 'puback' | 'pubrec', { messageId }: IPublishPacket): Packet =>
  ({ cmd, messageId }) as Packet

describe('a shared subscription', () => {
  it('gives each message to one member, in turn, beside those who subscribed for themselves', () => {
    const { broker, readers, say } = house(3, 0)
    const own = broker.join()
    own.send(subscribe(1, ['t/#', 0], ['$share/other/t/#', 0]))
    own.received()
    say(1, 9)
    assert.deepEqual(
      readers.map((reader) => heard(reader).length),
      [3, 3, 3],
    )
    assert.equal(heard(own).length, 18, 'once for itself, once for the other group')
  })

  it('goes on with those who are left, and ends with the last', () => {
    const { broker, readers, say } = house(2, 0)
    readers[0]?.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['$share/g/t/+'] })
    assert.deepEqual(readers[0]?.heard(), ['unsuback 2 0'])
    say(1, 4)
    assert.equal(texts(heard(readers[1])), '1,2,3,4')
    readers[1]?.transport.hangUp()
    assert.equal(broker.router.subscriptions, 0)
    say(5, 5)
    assert.equal(broker.count('delivery.dropped.no-member'), 0, 'it is an ordinary topic again')
  })

  it('gives what a member left unacknowledged to another, and what it had not been sent', () => {
    const { readers, say } = house(2, 1, { inflight: 2 })
    say(1, 8)
    const [first, second] = readers.map(heard)
    assert.deepEqual([texts(first ?? []), texts(second ?? [])], ['1,3', '2,4'])
    readers[0]?.send(reply('puback', first?.[0] as IPublishPacket))
    const more = heard(readers[0])
    assert.equal(more.length, 1)
    readers[0]?.transport.hangUp()
    const rest: IPublishPacket[] = []
    let open = second ?? []
    while (open.length > 0) {
      readers[1]?.send(...open.map((packet) => reply('puback', packet)))
      open = heard(readers[1])
      rest.push(...open)
    }
    const all = [...(first?.slice(0, 1) ?? []), ...(second ?? []), ...rest]
    const seen = all.map(({ payload }) => Number(payload.toString())).sort((a, b) => a - b)
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('gives no message on that was sent at QoS 2 or refused by its member [MQTT-4.8.2-5] [MQTT-4.8.2-6]', () => {
    const exact = house(2, 2, { inflight: 1 })
    exact.say(1, 2)
    assert.equal(texts(heard(exact.readers[0])), '1')
    exact.readers[0]?.transport.hangUp()
    const [message] = heard(exact.readers[1])
    assert.equal(message?.payload.toString(), '2')
    exact.readers[1]?.send(reply('pubrec', message as IPublishPacket), {
      cmd: 'pubcomp',
      messageId: message?.messageId as number,
    })
    assert.equal(heard(exact.readers[1]).length, 0)
    const refusing = house(2, 1)
    refusing.say(1, 1)
    const [refused] = heard(refusing.readers[0])
    refusing.readers[0]?.send({
      ...reply('puback', refused as IPublishPacket),
      reasonCode: 0x80,
    } as Packet)
    refusing.readers[0]?.transport.hangUp()
    assert.equal(heard(refusing.readers[1]).length, 0)
  })

  it('passes by a member that cannot take more, as long as another can', () => {
    const { readers, say } = house(2, 1, { inflight: 2 })
    say(1, 4)
    const [, second] = readers.map(heard)
    for (let round = 0; round < 3; round++) {
      for (const packet of second ?? []) readers[1]?.send(reply('puback', packet))
      say(5 + round * 2, 6 + round * 2)
      second?.splice(0, second.length, ...heard(readers[1]))
      assert.equal(second?.length, 2)
    }
    assert.equal(heard(readers[0]).length, 0)
  })

  it('says its identifier and its QoS, gets nothing that is retained, and knows no No Local [MQTT-3.8.3-4] [MQTT-4.8.2-3]', () => {
    const broker = new MemoryBroker()
    const [reader, writer] = [broker.join({ protocolVersion: 5 }), broker.join()]
    writer.send({ ...publish('t', 'kept', 1, 1), retain: true })
    const properties = { subscriptionIdentifier: 7 }
    reader.send({ ...subscribe(1, ['$share/g/t', 1]), properties })
    assert.deepEqual(reader.heard(), ['suback 1 1'])
    writer.send(publish('t', 'x', 2, 2))
    const [message] = heard(reader)
    assert.deepEqual([message?.qos, message?.properties?.subscriptionIdentifier], [1, 7])
    const subscriptions = [{ topic: '$share/g/t', qos: 0 as const, nl: true }]
    reader.send({ cmd: 'subscribe', messageId: 2, subscriptions })
    assert.deepEqual(reader.heard(), ['disconnect 130'])
  })
})
