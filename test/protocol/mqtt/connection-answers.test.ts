import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Packet } from 'mqtt-packet'
import { DeviceHouse } from '../../support/device-house.ts'
import { MemoryBroker } from './memory-broker.ts'
import { publish, subscribe } from './packets.ts'

const POST = '/sys/k1metermete/meter-1/thing/event/property/post'

describe('answers of a connection', () => {
  it('keep the order of the packets they answer, wherever the stream is cut [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.12.4-1] [MQTT-4.6.0-2]', () => {
    const kinds = fc.constantFrom('publish', 'subscribe', 'unsubscribe', 'pingreq')
    const levels = fc.constantFrom(4, 5)
    const ordered = fc.property(
      fc.array(kinds, { maxLength: 40 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 }),
      levels,
      (script, cuts, protocolVersion) => {
        const broker = new MemoryBroker()
        const client = broker.join({ protocolVersion: protocolVersion as 4 | 5 })
        const expected: string[] = []
        const stream = Buffer.concat(
          script.map((kind, i) => {
            const [packet, answer] = exchange(kind, i + 1)
            expected.push(answer)
            return client.encode(packet)
          }),
        )
        let at = 0
        for (const cut of cuts) {
          client.send(stream.subarray(at, at + cut))
          at += cut
        }
        client.send(stream.subarray(at))
        const heard = client.heard().map((words) => words.split(' ').slice(0, 2).join(' '))
        assert.deepEqual(heard, expected)
      },
    )
    fc.assert(ordered, { numRuns: 60 })
  })

  it('of one read leave in one write', () => {
    const broker = new MemoryBroker()
    const client = broker.join()
    const before = client.transport.writes
    client.send(...Array.from({ length: 5000 }, (_, i) => publish('t', '', 1, i + 1)))
    assert.equal(client.transport.writes, before + 1)
    const ids = client.received().map(({ messageId }) => messageId)
    assert.deepEqual(
      ids,
      Array.from({ length: 5000 }, (_, i) => i + 1),
    )
  })

  it('to a device come behind the PUBACK of what they answer', async () => {
    const broker = new MemoryBroker({ house: await DeviceHouse.open() })
    const meter = broker.join({ username: 'meter-1', clientId: 'x|_ss=1|' })
    const post = (id: number): Packet =>
      publish(POST, JSON.stringify({ id, params: { Temp: 20 } }), 1, id)
    meter.send(post(1), post(2), { cmd: 'pingreq' }, post(3))
    const heard = meter.heard().map((words) => words.split(' ').slice(0, 2).join(' '))
    const reply = `publish ${POST}_reply`
    assert.deepEqual(heard, ['puback 1', reply, 'puback 2', reply, 'pingresp', 'puback 3', reply])
  })

  it('wait for the record of the turn, and never leave where it could not be stored', () => {
    const broker = new MemoryBroker()
    const [stored, lost] = [broker.join(), broker.join()]
    stored.transport.say(stored.encode(publish('t', '', 1, 7)))
    assert.deepEqual(stored.heard(), [])
    broker.turns.settle()
    assert.deepEqual(stored.heard(), ['puback 7'])
    broker.turns.outcome = 'failed'
    lost.send(publish('t', '', 1, 8))
    assert.deepEqual([lost.heard(), lost.gone], [[], true])
    assert.equal(stored.gone, false)
  })

  it('tell an MQTT 5 publisher that nobody heard, or that it may not publish', () => {
    const policy = { publish: ['open/#'], subscribe: ['#'] }
    const broker = new MemoryBroker({ policy })
    const v5 = broker.join({ protocolVersion: 5 })
    v5.send(publish('open/a', '', 1, 1), publish('shut', '', 1, 2), publish('shut', ''))
    assert.deepEqual(v5.heard(), ['puback 1 16', 'puback 2 135'])
    v5.send(subscribe(3, ['open/a', 0]), publish('open/a', 'x', 1, 4))
    assert.deepEqual(v5.heard(), ['suback 3 0', 'publish open/a x', 'puback 4'])
    const v4 = broker.join()
    v4.send(publish('shut', '', 1, 2))
    assert.deepEqual(v4.heard(), ['puback 2'])
    assert.equal(broker.count('publish.refused.not-authorized'), 3)
    assert.deepEqual([v5.gone, v4.gone], [false, false])
  })
})

function exchange(kind: string, messageId: number): [Packet, string] {
  switch (kind) {
    case 'publish':
      return [publish(`t/${messageId}`, 'x', 1, messageId), `puback ${messageId}`]
    case 'subscribe':
      return [subscribe(messageId, ['never', 0]), `suback ${messageId}`]
    case 'unsubscribe':
      return [
        { cmd: 'unsubscribe', messageId, unsubscriptions: ['never'] },
        `unsuback ${messageId}`,
      ]
    default:
      return [{ cmd: 'pingreq' }, 'pingresp']
  }
}
