import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryBroker } from './memory-broker.ts'
import type { MemoryClient } from './memory-client.ts'
import { type ConnectOptions, publish, subscribe } from './packets.ts'

const WILL = { topic: 'will', payload: Buffer.from('bye'), qos: 1 as const, retain: false }

/** A broker with one who hears all wills. */
function withMourner(options: ConstructorParameters<typeof MemoryBroker>[0] = {}) {
  const broker = new MemoryBroker(options)
  const mourner = broker.join()
  mourner.send(subscribe(1, ['will', 0]))
  mourner.received()
  return { broker, mourner }
}

describe('ending a connection', () => {
  it('comes after 1.5 times the keep alive in silence, and not before [MQTT-3.1.2-22] [MQTT-3.2.2-22]', () => {
    const { broker, mourner } = withMourner()
    const client = broker.join({ protocolVersion: 5, keepalive: 10, will: WILL })
    broker.passSeconds(14)
    assert.equal(client.gone, false)
    client.send({ cmd: 'pingreq' })
    assert.deepEqual(client.heard(), ['pingresp'])
    broker.passSeconds(14)
    assert.equal(client.gone, false)
    broker.passSeconds(4)
    assert.deepEqual([client.gone, client.heard()], [true, ['disconnect 141']])
    assert.deepEqual(mourner.heard(), ['publish will bye'])
  })

  it('never comes by silence where the keep alive is 0', () => {
    const broker = new MemoryBroker()
    const client = broker.join({ keepalive: 0 })
    broker.passSeconds(70_000)
    assert.equal(client.gone, false)
  })

  it('is not brought about by somebody who sets the clock', () => {
    const broker = new MemoryBroker()
    const client = broker.join({ keepalive: 60 })
    broker.clock.stepWallClock(3_600_000)
    client.send({ cmd: 'pingreq' })
    broker.clock.stepWallClock(3_600_000)
    broker.passSeconds(80)
    assert.equal(client.gone, false)
    broker.clock.stepWallClock(-86_400_000)
    broker.passSeconds(15)
    assert.equal(client.gone, true)
  })

  it('publishes the will, but for a DISCONNECT that says normal [MQTT-3.1.2-7] [MQTT-3.1.2-8] [MQTT-3.1.2-10] [MQTT-3.14.4-3]', () => {
    const normal = (client: MemoryClient): void => client.send({ cmd: 'disconnect' })
    const reason = (reasonCode: number) => (client: MemoryClient) =>
      client.send({ cmd: 'disconnect', reasonCode })
    const cases: [ConnectOptions['protocolVersion'], (client: MemoryClient) => void, boolean][] = [
      [4, normal, false],
      [4, (client) => client.transport.hangUp(), true],
      [4, (client) => client.send(Uint8Array.of(0xff, 0)), true],
      [5, reason(0), false],
      [5, (client) => client.send(Uint8Array.of(0xe0, 0)), false],
      [5, reason(4), true],
      [5, reason(0x80), true],
      [5, reason(0x93), true],
    ]
    for (const [i, [protocolVersion, end, published]] of cases.entries()) {
      const { broker, mourner } = withMourner()
      const client = broker.join({ protocolVersion: protocolVersion ?? 4, will: WILL })
      end(client)
      broker.turns.settle()
      assert.deepEqual(mourner.heard(), published ? ['publish will bye'] : [], `case ${i}`)
    }
  })

  it('says why in its last packet, and nothing behind it [MQTT-3.14.4-1] [MQTT-3.14.4-2] [MQTT-4.13.2-1]', () => {
    const broker = new MemoryBroker()
    const [reader, writer] = [broker.join({ protocolVersion: 5 }), broker.join()]
    reader.send(subscribe(1, ['t', 1]))
    reader.received()
    reader.transport.say(Buffer.of(0xc1, 0)) // within the turn: nothing is written yet
    writer.send(publish('t', 'x', 1, 1))
    reader.send({ cmd: 'pingreq' })
    assert.deepEqual([reader.heard(), reader.gone], [['disconnect 129'], true])
    const small = new MemoryBroker({ limits: { inflight: 1, queueMessages: 1 } })
    const own = small.join({ protocolVersion: 5 })
    own.send(subscribe(1, ['t', 2]))
    own.received()
    own.send(publish('t', '1', 1, 1), publish('t', '2', 1, 2), publish('t', '3', 2, 3))
    assert.deepEqual(own.heard(), ['publish t 1', 'puback 1', 'puback 2', 'disconnect 151'])
  })

  it('says only the code to a client that could not take more [MQTT-3.14.2-2] [MQTT-3.14.2-3]', () => {
    const properties = { maximumPacketSize: 40, sessionExpiryInterval: 60 }
    const client = new MemoryBroker().join({ protocolVersion: 5, properties })
    client.send({ cmd: 'pingreq' }, Uint8Array.of(0xc1, 0))
    assert.deepEqual([...client.transport.takeWritten()], [0xd0, 0, 0xe0, 2, 0x81, 0])
  })

  it('publishes a will only where its client may publish there', () => {
    const { broker, mourner } = withMourner({ policy: { publish: ['a'], subscribe: ['#'] } })
    broker.join({ will: WILL }).transport.hangUp()
    broker.turns.settle()
    assert.deepEqual(mourner.heard(), [])
    assert.equal(broker.count('publish.refused.will-not-authorized'), 1)
  })

  it('comes to the older of two with one client identifier, with 0x8E in MQTT 5 [MQTT-3.1.4-3]', () => {
    const { broker, mourner } = withMourner()
    const v3 = broker.join({ clientId: 'same' })
    const v5 = broker.join({ clientId: 'same', protocolVersion: 5, will: WILL })
    const newest = broker.join({ clientId: 'same' })
    assert.deepEqual([v3.gone, v5.gone, newest.gone], [true, true, false])
    assert.deepEqual([v3.heard(), v5.heard()], [[], ['disconnect 142']])
    assert.deepEqual(mourner.heard(), ['publish will bye'])
    v3.transport.hangUp()
    v5.transport.hangUp()
    newest.send(subscribe(1, ['t', 0]))
    assert.equal(broker.join({ clientId: 'same' }).gone, false)
    assert.equal(newest.gone, true)
  })

  it('leaves nothing behind in the router', () => {
    const broker = new MemoryBroker()
    const clients = [1, 2].map(() => broker.join())
    for (const client of clients) client.send(subscribe(1, ['a/#', 1], ['b', 0]))
    assert.equal(broker.router.subscriptions, 4)
    clients[0]?.transport.hangUp()
    clients[1]?.send({ cmd: 'disconnect' })
    assert.equal(broker.router.subscriptions, 0)
  })

  it('waits two seconds for the peer to read why, then destroys the socket', () => {
    const broker = new MemoryBroker()
    const client = broker.join()
    client.send({ cmd: 'disconnect' })
    assert.deepEqual([client.transport.finished, client.transport.destroyed], [true, false])
    broker.passSeconds(4)
    assert.equal(client.transport.destroyed, true)
  })

  it('comes to a client that does not read for the drain time-out, and counts what it missed', () => {
    const broker = new MemoryBroker({ limits: { backlogBytes: 100, drainTimeoutSec: 5 } })
    const [reader, writer] = [broker.join(), broker.join()]
    reader.send(subscribe(1, ['t', 0]))
    reader.transport.stalled = true
    writer.send(publish('t', 'x'.repeat(200)))
    assert.equal(reader.transport.reading, false)
    writer.send(publish('t', '1'), publish('t', '2'))
    assert.equal(broker.count('delivery.dropped.slow-reader'), 2)
    broker.passSeconds(4)
    assert.equal(reader.gone, false)
    broker.passSeconds(3)
    assert.equal(reader.transport.destroyed, true)
    assert.equal(broker.count('connection.closed.slow-reader'), 1)
  })

  it('does not come to a slow reader that has drained in time', () => {
    const broker = new MemoryBroker({ limits: { backlogBytes: 100, drainTimeoutSec: 5 } })
    const [reader, writer] = [broker.join({ keepalive: 100 }), broker.join()]
    reader.send(subscribe(1, ['t', 1]))
    reader.received()
    reader.transport.stalled = true
    writer.send(publish('t', 'x'.repeat(200)), publish('t', '2', 1, 2))
    writer.send(publish('t', '3', 1, 3))
    reader.transport.takeAll()
    broker.turns.settle()
    assert.equal(reader.transport.reading, true)
    assert.deepEqual(reader.heard().slice(1), ['publish t 2', 'publish t 3'])
    broker.passSeconds(60)
    assert.equal(reader.gone, false)
  })
})
