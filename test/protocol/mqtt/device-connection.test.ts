import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IPublishPacket } from 'mqtt-packet'
import type { CommandOutcome } from '../../../core/domain/device-message.ts'
import { DeviceHouse, METER_KEY } from '../../support/device-house.ts'
import { MemoryBroker } from './memory-broker.ts'
import { publish, subscribe } from './packets.ts'

const OWN = `/${METER_KEY}/meter-1/user`
const SYS = `/sys/${METER_KEY}/meter-1/thing`
const METER = { username: 'meter-1', clientId: 'x|_ss=1|' }

async function setUp() {
  const house = await DeviceHouse.open()
  return { house, broker: new MemoryBroker({ house }), meter: house.device('meter-1') }
}

describe("a device's connection", () => {
  it('takes the place of the older one, whose end is on record before its own beginning', async () => {
    const { house, broker } = await setUp()
    const v3 = broker.join(METER)
    const v5 = broker.join({ ...METER, protocolVersion: 5 })
    const newest = broker.join(METER)
    assert.deepEqual([v3.gone, v5.gone, newest.gone], [true, true, false])
    assert.deepEqual([v3.heard(), v5.heard()], [[], ['disconnect 142']])
    v3.transport.hangUp()
    v5.transport.hangUp()
    const [on, off] = ['meter-1 online', 'meter-1 offline']
    assert.deepEqual(house.journal.statuses, [on, off, on, off, on])
    assert.equal(house.devices.online, 1)
  })

  it('hears system topics without a subscription where it said _ss=1, and never twice', async () => {
    const { house, broker, meter } = await setUp()
    const client = broker.join(METER)
    const set = { kind: 'property-set', values: { Count: 5 } } as const
    await house.devices.command(meter, set, 0)
    broker.turns.settle()
    client.send(subscribe(1, [`${SYS}/#`, 0], [`${SYS}/service/property/set`, 0]))
    await house.devices.command(meter, set, 0)
    broker.turns.settle()
    const packets = client.received().filter(({ cmd }) => cmd === 'publish') as IPublishPacket[]
    assert.deepEqual(
      packets.map(({ topic, qos }) => [topic, qos]),
      [1, 2].map(() => [`${SYS}/service/property/set`, 1]),
    )
    const custom = { device: meter, suffix: 'user/get', payload: Buffer.from('x'), qos: 0 } as const
    await assert.rejects(house.devices.custom(meter, custom), { code: 'device.not-subscribed' })
  })

  it('must subscribe where it did not say so', async () => {
    const { house, broker, meter } = await setUp()
    const client = broker.join({ username: 'meter-1' })
    const set = { kind: 'property-set', values: { Count: 5 } } as const
    await assert.rejects(house.devices.command(meter, set, 0), { code: 'device.not-subscribed' })
    client.send(subscribe(1, [`${SYS}/service/property/set`, 1]))
    assert.equal((await house.devices.command(meter, set, 0)).kind, 'sent')
  })

  it('gives the reply to a command to whoever waits for it', async () => {
    const { house, broker, meter } = await setUp()
    const client = broker.join(METER)
    const inputs = { Delay: 1 }
    const outcome = house.devices.command(
      meter,
      { kind: 'service-call', service: 'Reboot', inputs },
      5000,
    )
    broker.turns.settle()
    const [request] = client.received() as IPublishPacket[]
    const { id } = JSON.parse(String(request?.payload)) as { id: string }
    client.send(publish(`${SYS}/service/Reboot_reply`, JSON.stringify({ id, code: 200, data: {} })))
    const answered = { kind: 'answered', id, code: 200, data: {} }
    const { message: _message, ...facts } = (await outcome) as CommandOutcome & { message: string }
    assert.deepEqual(facts, answered)
  })

  it('may publish on its own topics only, within their bounds', async () => {
    const { house, broker } = await setUp()
    const reader = broker.join()
    reader.send(subscribe(1, ['#', 0]))
    const client = broker.join({ ...METER, protocolVersion: 5 })
    const refused = [
      `/${METER_KEY}/meter-2/user/a`,
      `/sys/${METER_KEY}/meter-2/thing/event/property/post`,
      `${SYS}/nothing`,
      'anything',
      `${OWN}/${'x'.repeat(200)}`,
      `${OWN}/1/2/3/4/5/6`,
    ]
    client.send(...refused.map((topic, i) => publish(topic, '{}', 1, i + 1)))
    assert.deepEqual(
      client.heard(),
      refused.map((_topic, i) => `puback ${i + 1} 135`),
    )
    client.send(publish(`${OWN}/a`, 'x', 1, 9))
    assert.deepEqual(client.heard(), ['puback 9'])
    assert.deepEqual(reader.heard(), ['suback 1 0', `publish ${OWN}/a x`])
    const customs = house.journal.entries.filter(({ kind }) => kind === 'custom')
    assert.deepEqual(
      customs.map(({ facts }) => facts),
      [{ suffix: 'user/a', text: 'x', qos: 1 }],
    )
    assert.equal(broker.count('publish.refused.foreign-topic'), 3)
    assert.equal(broker.count('publish.refused.topic-too-long'), 2)
    assert.equal(broker.count('publish.refused.unknown-system-topic'), 1)
  })

  it('is heard without the tag that asks for a parsing script [MQTT-3.3.2-3]', async () => {
    const { house, broker } = await setUp()
    const reader = broker.join({ protocolVersion: 5 })
    reader.send(subscribe(1, [`${OWN}/a`, 0], [`${SYS}/event/property/post`, 0]))
    reader.received()
    const payload = Buffer.from('bye')
    const will = { topic: `${OWN}/a?_sn=default`, payload, qos: 0, retain: false } as const
    const client = broker.join({ ...METER, protocolVersion: 5, will })
    const post = JSON.stringify({ id: '1', params: { Temp: 20 } })
    const properties = { contentType: 'text' }
    client.send(publish(`${SYS}/event/property/post?_sn=default`, post))
    client.send(
      { ...publish(`${OWN}/a?_sn=default`, 'x', 1, 1), properties },
      publish(`${OWN}/a`, 'y'),
    )
    client.transport.hangUp()
    broker.settle()
    const heard = reader.received() as IPublishPacket[]
    assert.deepEqual(
      heard.map(({ topic, payload }) => `${topic} ${payload.toString()}`),
      [`${SYS}/event/property/post ${post}`, `${OWN}/a x`, `${OWN}/a y`, `${OWN}/a bye`],
    )
    assert.equal(heard[1]?.properties?.contentType, 'text')
    const kept = { ...publish(`${OWN}/a?_sn=default`, 'kept'), retain: true }
    broker.join({ ...METER, protocolVersion: 5 }).send(kept)
    const late = broker.join()
    late.send(subscribe(1, [`${OWN}/a`, 0]))
    assert.deepEqual(late.heard(), ['suback 1 0', `publish ${OWN}/a kept`])
    assert.equal(house.journal.entries.filter(({ kind }) => kind === 'custom').length, 4)
  })

  it('gets what a client publishes to its custom topic, in the publisher’s QoS in MQTT 3.x', async () => {
    const { broker } = await setUp()
    const [client, backEnd] = [broker.join(METER), broker.join()]
    client.send(subscribe(1, [`${OWN}/get`, 0]))
    client.received()
    backEnd.send(publish(`${OWN}/get`, 'x', 1, 1), publish(`${OWN}/other`, 'x', 1, 2))
    const [message, ...others] = client.received() as IPublishPacket[]
    assert.deepEqual([message?.payload.toString(), message?.qos, others.length], ['x', 1, 0])
    assert.equal(broker.count('downlink.dropped.not-subscribed'), 1)
    backEnd.send(publish(`${SYS}/service/property/set`, '{}', 1, 3))
    assert.equal(broker.count('publish.refused.not-authorized'), 1)
  })

  it('is closed when its actor fails, and told to come back later', async () => {
    const { house, broker } = await setUp()
    const client = broker.join({ ...METER, protocolVersion: 5 })
    house.journal.failing = 'custom'
    client.send(publish(`${OWN}/a`, 'x', 1, 1))
    assert.deepEqual([client.heard(), client.gone], [['disconnect 131'], true])
    assert.deepEqual(broker.connect(METER).heard(), ['connack 3'])
    broker.passSeconds(2)
    assert.deepEqual(broker.connect(METER).heard(), ['connack 0'])
    assert.equal(broker.count('actor.failed'), 1)
  })
})
