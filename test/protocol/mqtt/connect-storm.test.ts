/** Many CONNECTs at once, towards one shard: each takes a millisecond of its time. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IConnackPacket, Packet } from 'mqtt-packet'
import type { Login } from '../../../protocol/mqtt/login.ts'
import { type BrokerOptions, MemoryBroker } from './memory-broker.ts'
import type { MemoryClient } from './memory-client.ts'
import { type ConnectOptions, connectPacket, publish, subscribe } from './packets.ts'

const AT_ONCE = 2 // of a millisecond each fit into a turn

class Storm {
  readonly broker: MemoryBroker
  /** Client identifiers, as they came to the login. */
  readonly order: string[] = []

  constructor(options: BrokerOptions = {}) {
    this.broker = new MemoryBroker(options)
  }

  /** Says CONNECT, and what is behind it in the same read; the turn goes on. */
  say(options: ConnectOptions = {}, ...behind: Packet[]): MemoryClient {
    const client = this.broker.accept(this.#login)
    client.level = options.protocolVersion ?? 4
    const packets = [connectPacket(options), ...behind]
    client.transport.say(Buffer.concat(packets.map((packet) => client.encode(packet))))
    return client
  }

  many(count: number): MemoryClient[] {
    return Array.from({ length: count }, () => this.say())
  }

  readonly #login: Login = (request, done) => {
    this.order.push(request.connect.clientId)
    this.broker.clock.advance(1)
    this.broker.welcome(request, done)
  }
}

describe('a storm of connects', () => {
  it('does not keep those who are connected from their answers', () => {
    const storm = new Storm()
    const steady = storm.broker.join()
    const newcomers = storm.many(10)
    steady.transport.say(steady.encode(publish('t', '1', 1, 7)))
    storm.broker.turns.settle()
    assert.deepEqual(steady.heard(), ['puback 7'])
    assert.equal(storm.order.length, AT_ONCE)
    storm.broker.settle()
    for (const client of newcomers) assert.deepEqual(client.heard(), ['connack 0'])
  })

  it('handles what came behind a CONNECT that waited, in order', () => {
    const storm = new Storm()
    storm.many(AT_ONCE)
    const client = storm.say({}, subscribe(1, ['t', 1]), publish('t', 'x', 1, 2))
    storm.broker.settle()
    assert.deepEqual(client.heard(), ['connack 0', 'suback 1 1', 'publish t x', 'puback 2'])
  })

  it('reads on where only a part of a CONNECT has waited', () => {
    const storm = new Storm()
    storm.many(AT_ONCE)
    const client = storm.broker.accept()
    const bytes = client.encode(connectPacket({}))
    client.transport.say(bytes.subarray(0, 9))
    assert.equal(client.transport.reading, false)
    storm.broker.settle()
    assert.equal(client.transport.reading, true)
    client.send(bytes.subarray(9))
    assert.deepEqual(client.heard(), ['connack 0'])
  })

  it('lets sessions that go on come before strangers', () => {
    const storm = new Storm()
    const session = { clientId: 'back again', clean: false, username: 'key' }
    storm.broker.join(session).transport.hangUp()
    storm.broker.settle()
    storm.many(10)
    storm.say({ ...session, clientId: 'says so only' })
    storm.say(session)
    storm.broker.settle()
    assert.deepEqual(
      [storm.order.indexOf('back again'), storm.order.indexOf('says so only')],
      [AT_ONCE, 11],
    )
  })

  it('forgets who left while waiting', () => {
    const storm = new Storm()
    const newcomers = storm.many(10)
    newcomers[9]?.transport.hangUp()
    assert.equal(storm.broker.around.entrance.waiting, 10 - AT_ONCE - 1)
    storm.broker.settle()
    assert.equal(storm.order.length, 9)
  })

  it('refuses those above the bound, each in its version, with a delay where that is asked for [MQTT-3.2.2-20]', () => {
    const limits = { connectsWaiting: 1, retryAfterMs: 1000 }
    const storm = new Storm({ limits })
    storm.many(AT_ONCE + 1)
    const old = storm.say()
    const recent = storm.say({ protocolVersion: 5 })
    const narrow = storm.say({ protocolVersion: 5, properties: { maximumPacketSize: 100 } })
    storm.broker.turns.settle()
    assert.deepEqual(old.heard(), ['connack 3'])
    const [refusal] = recent.received() as [IConnackPacket]
    assert.equal(refusal.reasonCode, 0x89)
    const delayMs = Number(refusal.properties?.userProperties?.['retry-after-ms'])
    assert.ok(delayMs >= 500 && delayMs <= 1500, String(delayMs))
    assert.deepEqual((narrow.received()[0] as IConnackPacket).properties, undefined)
    assert.equal(storm.broker.count('connect.refused.connect-queue'), 3)
    assert.equal(storm.order.length, AT_ONCE)
  })

  it('says nothing of a delay where nobody asked for it', () => {
    const storm = new Storm({ limits: { connectsWaiting: 1 } })
    storm.many(AT_ONCE + 1)
    const client = storm.say({ protocolVersion: 5 })
    storm.broker.turns.settle()
    const [refusal] = client.received() as [IConnackPacket]
    assert.equal(refusal.properties?.userProperties, undefined)
  })

  it('refuses a CONNECT whose time is up while it waits, and closes what is none', () => {
    const storm = new Storm()
    const { broker } = storm
    storm.many(AT_ONCE)
    const late = storm.say({ protocolVersion: 5 })
    const part = broker.accept()
    part.transport.say(Buffer.of(0x10, 20))
    for (let i = 0; i <= broker.around.limits.connectTimeoutSec; i++) {
      broker.clock.advance(1000)
      broker.timers.tick()
    }
    broker.turns.settle()
    assert.deepEqual([late.heard(), part.heard()], [['connack 137'], []])
    assert.equal(broker.count('connect.refused.connect-queue'), 1)
    assert.equal(broker.count('connection.closed.connect-timeout'), 1)
    broker.settle()
    assert.equal(storm.order.length, AT_ONCE)
  })

  it('refuses those who wait when the shard begins to shed load', () => {
    const storm = new Storm()
    const newcomers = storm.many(4)
    storm.broker.shedding = true
    storm.broker.settle()
    assert.deepEqual(
      newcomers.map((client) => client.heard()),
      [['connack 0'], ['connack 0'], ['connack 3'], ['connack 3']],
    )
    assert.equal(storm.broker.count('connect.refused.overload'), 2)
  })

  it('refuses a product above its rate, and not the others', () => {
    const storm = new Storm({ limits: { connectsPerSecOfProduct: 1 } })
    const said = ['m1&k1', 'm2&k1', 'm1&k2'].map((username) =>
      storm.say({ username, protocolVersion: 5 }),
    )
    storm.broker.settle()
    assert.deepEqual(
      said.map((client) => client.heard()),
      [['connack 0'], ['connack 159'], ['connack 0']],
    )
    assert.equal(storm.broker.count('connect.refused.product-rate'), 1)
  })
})
