import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import mqttPacket, { type IConnackPacket } from 'mqtt-packet'
import type { Login, LoginOutcome } from '../../../protocol/mqtt/login.ts'
import { DeviceHouse } from '../../support/device-house.ts'
import { MemoryBroker } from './memory-broker.ts'
import { connectPacket, publish, subscribe } from './packets.ts'

const LEVELS = [3, 4, 5] as const
const refuse: Login = (_request, done) =>
  done({ kind: 'refused', reason: 'bad-signature', message: 'no', code3: 4, code5: 0x86 })

describe('opening a connection', () => {
  it('is answered with a CONNACK of exactly four bytes in MQTT 3.x', () => {
    const broker = new MemoryBroker()
    for (const protocolVersion of [3, 4] as const) {
      const granted = broker.connect({ protocolVersion })
      assert.deepEqual([...granted.transport.takeWritten()], [0x20, 2, 0, 0])
      const refused = broker.connect({ protocolVersion }, refuse)
      assert.deepEqual([...refused.transport.takeWritten()], [0x20, 2, 0, 4])
      assert.deepEqual([granted.gone, refused.gone], [false, true])
    }
  })

  it('tells an MQTT 5 client its bounds and what is not available here', () => {
    const broker = new MemoryBroker({ limits: { packetBytes: 5000 } })
    const client = broker.connect({ protocolVersion: 5, properties: { sessionExpiryInterval: 60 } })
    const [connack] = client.received() as IConnackPacket[]
    assert.deepEqual(
      { ...connack?.properties },
      {
        maximumPacketSize: 5000,
        receiveMaximum: 1024,
        topicAliasMaximum: 16,
      },
    )
    assert.deepEqual([connack?.reasonCode, connack?.sessionPresent], [0, false])
    const [plain] = broker.connect({ protocolVersion: 5 }).received() as IConnackPacket[]
    assert.equal(plain?.properties?.sessionExpiryInterval, undefined)
  })

  it('is refused with the code of its version, counted by reason, and closed [MQTT-3.1.4-2] [MQTT-3.1.4-6] [MQTT-3.2.2-7]', () => {
    const broker = new MemoryBroker()
    const client = broker.connect({ protocolVersion: 5 }, refuse)
    const [connack] = client.received() as IConnackPacket[]
    assert.equal(connack?.reasonCode, 0x86)
    assert.equal(connack?.properties?.reasonString, 'no')
    assert.equal(client.gone, true)
    assert.equal(broker.count('connect.refused.bad-signature'), 1)
    client.send(connectPacket({ protocolVersion: 5 }), publish('t', 'after the end'))
    assert.deepEqual([client.heard(), broker.around.traffic.received], [[], 0])
  })

  it('is refused for good: a second CONNECT in the same read opens nothing [MQTT-3.1.4-6]', () => {
    const broker = new MemoryBroker()
    let asked = 0
    const refuseOnce: Login = (request, done) => {
      asked += 1
      if (asked === 1) refuse(request, done)
      else broker.welcome(request, done)
    }
    const client = broker.accept(refuseOnce)
    client.level = 5
    client.send(connectPacket({ protocolVersion: 5 }), connectPacket({ protocolVersion: 5 }))
    assert.deepEqual([client.heard(), client.gone, asked], [['connack 134'], true, 1])
    assert.equal(broker.count('connect.accepted'), 0)
  })

  it('gives no reason string to a client that could not take the packet [MQTT-3.2.2-19]', () => {
    const properties = { maximumPacketSize: 40 }
    const atLength: Login = (_request, done) => {
      const message = 'a long story '.repeat(10)
      done({ kind: 'refused', reason: 'bad-signature', message, code3: 4, code5: 0x86 })
    }
    const client = new MemoryBroker().connect({ protocolVersion: 5, properties }, atLength)
    const bytes = client.transport.takeWritten()
    assert.ok(bytes.length <= 40)
    assert.equal(bytes[3], 0x86)
  })

  it('answers an unknown level with code 1, and what is not MQTT with the close alone', () => {
    const broker = new MemoryBroker()
    const packet = mqttPacket.generate(connectPacket({}))
    const level = broker.accept()
    level.send(Buffer.from(packet).fill(6, 8, 9)) // the level stands behind `\0\4MQTT`
    assert.deepEqual([...level.transport.takeWritten()], [0x20, 2, 0, 1])
    const name = broker.accept()
    name.send(Buffer.from(packet).fill('X', 4, 5))
    assert.equal(name.transport.takeWritten().length, 0)
    assert.deepEqual([level.gone, name.gone], [true, true])
    assert.equal(broker.count('connection.closed.not-mqtt'), 1)
  })

  it('tells a device of MQTT 5 the highest QoS that it may use [MQTT-3.2.2-9] [MQTT-3.2.2-10]', async () => {
    const broker = new MemoryBroker({ house: await DeviceHouse.open() })
    const meter = broker.connect({ username: 'meter-1', protocolVersion: 5 })
    const [connack] = meter.received() as IConnackPacket[]
    assert.equal(connack?.properties?.maximumQoS, 1)
    meter.send(subscribe(1, ['/k1metermete/meter-1/user/a', 2]))
    assert.deepEqual(meter.heard(), ['suback 1 1'])
    const [other] = broker.connect({ protocolVersion: 5 }).received() as IConnackPacket[]
    assert.equal(other?.properties?.maximumQoS, undefined)
  })

  it('closes where the first packet is no CONNECT, and where a second one comes [MQTT-3.1.0-1] [MQTT-3.1.0-2] [MQTT-3.2.0-2]', () => {
    const broker = new MemoryBroker()
    const early = broker.accept()
    early.send({ cmd: 'pingreq' }, connectPacket({}))
    assert.equal(early.transport.takeWritten().length, 0)
    assert.equal(early.gone, true)
    for (const protocolVersion of LEVELS) {
      const twice = broker.join({ protocolVersion })
      twice.send(connectPacket({ protocolVersion }))
      assert.equal(twice.gone, true)
      assert.deepEqual(twice.heard(), protocolVersion === 5 ? ['disconnect 130'] : [])
    }
    assert.equal(broker.count('connection.closed.second-connect'), 3)
  })

  it('waits for CONNECT no longer than the time-out, whatever came before its end', () => {
    const broker = new MemoryBroker({ limits: { connectTimeoutSec: 5 } })
    const silent = broker.accept()
    const slow = broker.accept()
    const bytes = mqttPacket.generate(connectPacket({}))
    for (let second = 0; second < 4; second++) {
      slow.send(bytes.subarray(second, second + 1))
      broker.passSeconds(1)
    }
    assert.deepEqual([silent.gone, slow.gone], [false, false])
    broker.passSeconds(3)
    assert.deepEqual([silent.gone, slow.gone], [true, true])
    assert.equal(broker.count('connection.closed.connect-timeout'), 2)
  })

  it('names a client that has no identifier, unless it asks for a lasting session [MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16], [MQTT-3.1.3-8] of 3.1.1', () => {
    const broker = new MemoryBroker()
    const [named, other] = [1, 2].map(() => {
      const client = broker.connect({ protocolVersion: 5, clientId: '' })
      const [connack] = client.received() as IConnackPacket[]
      return connack?.properties?.assignedClientIdentifier
    })
    assert.match(named ?? '', /^tg-[0-9a-f]{20}$/)
    assert.notEqual(named, other)
    assert.deepEqual(broker.connect({ clientId: '' }).heard(), ['connack 0'])
    const lasting = broker.accept()
    const packet = mqttPacket.generate(connectPacket({ clientId: '' }))
    lasting.send(Buffer.from(packet).fill(0, 9, 10)) // the connect flags, without Clean Session
    assert.deepEqual([lasting.heard(), lasting.gone], [['connack 2'], true])
  })

  it('holds back what follows a CONNECT whose login takes its time, and reads it in order then', () => {
    const broker = new MemoryBroker()
    const reader = broker.join()
    reader.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 't', qos: 0 }] })
    reader.received()
    let answer: (outcome: LoginOutcome) => void = () => {}
    const client = broker.accept((_request, done) => {
      answer = done
    })
    client.send(connectPacket({}), publish('t', '1'))
    client.send(publish('t', '2'), client.encode(publish('t', '3')).subarray(0, 4))
    assert.equal(client.transport.reading, false)
    assert.deepEqual(reader.heard(), [])
    const request = { connect: connectPacket({}), authentication: undefined }
    broker.welcome({ ...request, secure: false, address: '' }, answer)
    client.send(client.encode(publish('t', '3')).subarray(4))
    assert.deepEqual(client.heard(), ['connack 0'])
    assert.equal(client.transport.reading, true)
    assert.deepEqual(reader.heard(), ['publish t 1', 'publish t 2', 'publish t 3'])
  })

  it('says CONNACK before all else that it has to say [MQTT-3.1.4-5] [MQTT-3.2.0-1]', () => {
    const broker = new MemoryBroker()
    broker.join().send({ ...publish('t', 'kept', 1, 1), retain: true })
    const later: (() => void)[] = []
    const client = broker.accept((request, done) => {
      later.push(() => broker.welcome(request, done))
    })
    client.send(connectPacket({}), { cmd: 'pingreq' }, subscribe(1, ['t', 0]))
    assert.deepEqual(client.heard(), [])
    for (const answer of later) answer()
    broker.settle()
    assert.deepEqual(client.heard(), ['connack 0', 'pingresp', 'suback 1 0', 'publish t kept'])
  })

  it('keeps at most 256 KiB for a login that takes its time, and forgets a client that left [MQTT-3.14.0-1]', () => {
    const broker = new MemoryBroker()
    const answers: ((outcome: LoginOutcome) => void)[] = []
    const slow: Login = (_request, done) => answers.push(done)
    const eager = broker.connect({ protocolVersion: 5 }, slow)
    for (let i = 0; i < 5; i++) eager.send(new Uint8Array(65_536))
    assert.equal(eager.gone, true)
    assert.equal(broker.count('connection.closed.too-eager'), 1)
    const left = broker.connect({}, slow)
    left.transport.hangUp()
    for (const answer of answers)
      answer({ kind: 'client', owner: '', policy: { publish: [], subscribe: [] } })
    broker.turns.settle()
    assert.equal(broker.count('connect.accepted'), 0)
    assert.equal(eager.transport.takeWritten().length + left.transport.takeWritten().length, 0)
  })

  it('says nothing to a client that left while its device was claimed', () => {
    const broker = new MemoryBroker()
    let busy = (): void => {}
    const devices = {
      claim: (_d: unknown, _l: unknown, on: (c: { kind: 'busy' }) => void) =>
        (busy = () => on({ kind: 'busy' })),
    }
    Object.assign(broker.around, { devices })
    const device = { productKey: 'k1metermete', deviceName: 'meter-1' } as never
    const client = broker.connect({}, (_request, done) =>
      done({ kind: 'device', device, systemTopicsSubscribed: true, hint: undefined }),
    )
    client.transport.hangUp()
    busy()
    broker.turns.settle()
    assert.equal(broker.count('connect.refused.server-busy'), 0)
  })
})
