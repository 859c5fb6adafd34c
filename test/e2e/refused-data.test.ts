import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { MqttClient } from 'mqtt'
import type { DeviceTriple } from '../support/device-credentials.ts'
import { LivePlatform } from '../support/live-platform.ts'

describe('data that is refused, on a live platform', () => {
  let live: LivePlatform
  let triple: DeviceTriple
  let device: MqttClient
  let post: string
  before(async () => {
    live = await LivePlatform.open()
    triple = await live.device('meter-1')
    device = await live.connect(triple, { protocolVersion: 4 })
    post = `/sys/${triple.productKey}/${triple.deviceName}/thing/event/property/post`
    await device.subscribeAsync(`${post}_reply`, { qos: 1 })
  })
  after(async () => {
    await device.endAsync(true)
    await live.close()
  })

  async function reply(payload: string | Buffer): Promise<Record<string, unknown>> {
    const answered = new Promise<string>((resolve) => {
      device.once('message', (_topic, body) => resolve(String(body)))
    })
    await device.publishAsync(post, payload, { qos: 1 })
    return JSON.parse(await answered) as Record<string, unknown>
  }

  async function stored(): Promise<Record<string, unknown>> {
    const items = await live.platform.properties.get(triple)
    return Object.fromEntries(items.map(({ identifier, value }) => [identifier, value]))
  }

  it('what is not JSON is answered 6207, and the next good post is taken', async () => {
    for (const bad of ['{"id":"1","params":', 'hello', '', Buffer.from([0xff, 0xfe, 0x00])]) {
      const { code, message } = await reply(bad)
      assert.equal(code, 6207)
      assert.ok(String(message).length > 5)
    }
    assert.ok(await live.untilRefused('uplink.refused.code-6207', 4))
    assert.equal((await reply('{"id":"2","params":{"temperature":20}}'))['code'], 200)
  })

  it('wrong types and unknown properties are rejected one by one; the good value beside them is stored', async () => {
    const params = { temperature: 21, target: 'warm', humidity: 5, __proto__: null }
    const { code, data } = await reply(JSON.stringify({ id: '3', params }))
    assert.equal(code, 200)
    const rejected = data as Record<string, { code: number; message: string }>
    assert.equal(rejected['target']?.code, 6306)
    assert.equal(rejected['humidity']?.code, 6304)
    assert.match(rejected['humidity']?.message ?? '', /humidity/)
    assert.deepEqual(await stored(), { temperature: 21 })
    assert.ok(await live.untilRefused('uplink.rejected.property-value', 2))
  })

  it('ranges are the business of strong validation, which a product may ask for at any time', async () => {
    assert.deepEqual((await reply('{"id":"4","params":{"temperature":200}}'))['data'], {})
    assert.deepEqual(await stored(), { temperature: 200 })
    await live.platform.products.update(triple.productKey, { validation: 'strong' })
    const { code, data } = await reply('{"id":"5","params":{"temperature":300}}')
    assert.equal(code, 200)
    assert.equal((data as Record<string, { code: number }>)['temperature']?.code, 6307)
    assert.deepEqual(await stored(), { temperature: 200 })
  })

  it('more than 200 properties, and a malformed time, refuse the whole post', async () => {
    const many = Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`p${i}`, i]))
    assert.equal((await reply(JSON.stringify({ params: many })))['code'], 6106)
    const late = { temperature: { value: 1, time: 'yesterday' } }
    assert.equal((await reply(JSON.stringify({ params: late })))['code'], 6326)
  })

  it('a foreign topic is dropped and the connection stays: MQTT 5 is told 0x87, subscribing fails', async () => {
    const other = await live.device('meter-2')
    const foreign = `/sys/${other.productKey}/${other.deviceName}/thing/event/property/post`
    await device.publishAsync(foreign, '{"params":{"temperature":99}}', { qos: 1 })
    assert.ok(await live.untilRefused('publish.refused.foreign-topic', 1))
    assert.deepEqual(await live.platform.properties.get(other), [])
    await assert.rejects(device.subscribeAsync(`${foreign}_reply`), /Subscribe error/)
    await assert.rejects(device.subscribeAsync('#'), /Subscribe error/)
    const recent = await live.connect(other, { protocolVersion: 5 })
    await assert.rejects(recent.publishAsync(post, '{}', { qos: 1 }), /Not authorized/)
    assert.ok(recent.connected && device.connected)
    await recent.endAsync()
  })

  it('a packet of 300 KB closes its connection: 0x95 in MQTT 5', async () => {
    const big = await live.device('meter-3')
    const recent = await live.connect(big, { protocolVersion: 5 })
    // The client keeps to the Maximum Packet Size it was told; a wrong one does not.
    recent.options.properties = {}
    const told = new Promise<number | undefined>((resolve) => {
      recent.on('disconnect', (packet) => resolve(packet.reasonCode))
    })
    recent.on('error', () => {})
    const topic = `/${big.productKey}/${big.deviceName}/user/update`
    recent.publish(topic, Buffer.alloc(300 * 1024), { qos: 1 }, () => {})
    assert.equal(await told, 0x95)
    recent.end(true)
    const old = await live.connect(big, { protocolVersion: 4 })
    const closed = new Promise<void>((resolve) => old.on('close', () => resolve()))
    old.on('error', () => {})
    old.publish(topic, Buffer.alloc(300 * 1024), { qos: 1 }, () => {})
    await closed
    old.end(true)
    assert.ok(await live.untilRefused('connection.closed.packet-too-large', 2))
  })
})
