import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryBroker } from './memory-broker.ts'
import { publish, subscribe } from './packets.ts'

describe('a message at QoS 0 to many', () => {
  it('is to each what its version, options and aliases make it, however they come mixed', () => {
    const broker = new MemoryBroker()
    const topic = 'a/topic/long/enough/for/an/alias'
    const make = (n: number) => {
      const five = n % 3 !== 0
      const properties = n % 5 === 1 ? { topicAliasMaximum: 5 } : {}
      const client = broker.join(five ? { protocolVersion: 5, properties } : {})
      const options = five ? { rap: n % 2 === 0 } : {}
      const identifier = five && n % 7 === 2 ? { subscriptionIdentifier: n } : {}
      client.send({
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: [{ topic, qos: n % 4 === 3 ? 1 : 0, ...options }],
        properties: identifier,
      } as never)
      client.received()
      return { client, n, five }
    }
    const readers = Array.from({ length: 42 }, (_, n) => make(n))
    const writer = broker.join({ protocolVersion: 5 })
    const properties = { userProperties: { k: 'v' }, contentType: 'text' }
    writer.send(
      ...Array.from({ length: 6 }, (_, i) => ({
        ...publish(topic, `payload ${i}`, i % 3 === 2 ? 1 : 0, i + 1),
        retain: i === 4,
        properties,
      })),
    )
    for (const { client, n, five } of readers) {
      const heard = client.received()
      assert.equal(heard.length, 6)
      for (const [i, packet] of heard.entries()) {
        assert.ok(packet.cmd === 'publish')
        const aliased = n % 5 === 1 && five
        assert.equal(packet.topic, aliased && i > 0 ? '' : topic)
        assert.equal(packet.payload.toString(), `payload ${i}`)
        assert.equal(packet.qos, i % 3 === 2 && n % 4 === 3 ? 1 : 0)
        assert.equal(packet.retain, i === 4 && five && n % 2 === 0)
        if (!five) continue
        assert.equal(packet.properties?.contentType, 'text')
        const identifier = n % 7 === 2 ? n : undefined
        assert.equal(packet.properties?.subscriptionIdentifier, identifier)
      }
    }
  })

  it('is never the bytes of a message before it, where one object is filled for both', () => {
    const broker = new MemoryBroker()
    const readers = [1, 2, 3].map(() => broker.join())
    for (const reader of readers) {
      reader.send(subscribe(1, ['t', 0]))
      reader.received()
    }
    const writer = broker.join()
    for (const payload of ['aaaa', 'bbbb', 'cccc']) {
      writer.send(publish('t', payload, 0)) // each read into the same memory
      for (const reader of readers) assert.deepEqual(reader.heard(), [`publish t ${payload}`])
    }
    writer.send(publish('t', 'dddd', 0), publish('t', 'eeee', 0))
    for (const reader of readers)
      assert.deepEqual(reader.heard(), ['publish t dddd', 'publish t eeee'])
  })
})
