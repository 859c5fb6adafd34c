import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import mqtt, { type MqttClient } from 'mqtt'
import { Platform, PlatformError, type UplinkMessage } from '../../index.ts'
import { type DeviceTriple, deviceCredentials } from '../support/device-credentials.ts'
import { METER_TSL } from '../support/service-house.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const MQTT = 'mqtt://127.0.0.1:0'
const HOOK = 'mqtt://127.0.0.1:0?profile=plain&auth=hook'

function refusedWith(code: string): (error: unknown) => boolean {
  return (error) => error instanceof PlatformError && error.code === code
}

async function meter(platform: Platform, name: string): Promise<DeviceTriple> {
  const { productKey } = await platform.products.create({ name: 'meters' })
  await platform.models.import(productKey, METER_TSL)
  const { deviceSecret } = await platform.devices.register(productKey, { deviceName: name })
  return { productKey, deviceName: name, deviceSecret }
}

async function connect(
  t: TestContext,
  platform: Platform,
  triple: DeviceTriple,
): Promise<MqttClient> {
  const port = platform.listeners[0]?.port
  const options = { ...deviceCredentials(triple), reconnectPeriod: 0 }
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options)
  t.after(() => client.endAsync(true))
  return client
}

async function take(
  messages: AsyncIterator<UplinkMessage>,
  count: number,
): Promise<UplinkMessage[]> {
  const taken: UplinkMessage[] = []
  while (taken.length < count) {
    const { value, done } = await messages.next()
    if (done === true) break
    taken.push(value)
  }
  return taken
}

describe('the library', () => {
  let platform: Platform
  let directory: string
  const hooked: string[] = []
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tidegate-'))
    platform = await Platform.open({
      settings: { data: join(directory, 'data'), listeners: [MQTT, HOOK] },
      authenticate: async ({ method, data, round }) => {
        if (method !== 'COUNT') return { kind: 'unknown-method' }
        const said = Number(Buffer.from(data ?? '').toString())
        if (round < 3) return { kind: 'continue', data: Buffer.from(`${said + 1}`) }
        return said === 5
          ? { kind: 'granted', policy: { publish: ['#'], subscribe: [] } }
          : undefined
      },
      login: async ({ clientId, userName, password }) => {
        hooked.push(clientId)
        if (userName === 'slow') await new Promise((resolve) => setTimeout(resolve, 50))
        if (userName === 'faulty') throw new Error('the hook is at fault')
        return Buffer.from(password ?? []).toString() === 'pass'
          ? { publish: ['a/#'], subscribe: ['a/#'] }
          : undefined
      },
    })
  })
  after(async () => {
    await platform.close()
    rmSync(directory, { recursive: true, force: true })
  })

  it('hands out uplinks in order, filtered, and goes on behind a cursor', async (t) => {
    const triple = await meter(platform, 'meter-1')
    const { productKey, deviceName } = triple
    const all = platform.uplinks({ productKey })
    const properties = platform.uplinks({ productKey, deviceName, kinds: ['properties'] })
    const device = await connect(t, platform, triple)
    const post = `/sys/${productKey}/${deviceName}/thing/event/property/post`
    for (const temperature of [20, 21, 22]) {
      const body = JSON.stringify({ id: String(temperature), params: { temperature } })
      await device.publishAsync(post, body, { qos: 1 })
    }
    await device.publishAsync(`/${productKey}/${deviceName}/user/update`, 'raw', { qos: 1 })

    const seen = await take(all, 5)
    assert.deepEqual(
      seen.map(({ kind }) => kind),
      ['status', 'properties', 'properties', 'properties', 'custom'],
    )
    assert.equal(Buffer.from(seen[4]?.payload ?? []).toString(), 'raw')
    assert.equal(seen[4]?.topic, `/${productKey}/${deviceName}/user/update`)
    assert.ok(seen.every((one) => one.productKey === productKey && one.deviceName === deviceName))
    const ids = seen.map(({ messageId }) => BigInt(messageId))
    assert.ok(
      ids.every((id, i) => i === 0 || id > (ids[i - 1] as bigint)),
      'message ids rise',
    )

    const [first, second] = await take(properties, 2)
    const items = (first as UplinkMessage).body?.['items'] as { temperature: { value: number } }
    assert.equal(items.temperature.value, 20)
    const later = platform.uplinks({ from: (second as UplinkMessage).cursor, productKey })
    const rest = await take(later, 2)
    assert.deepEqual(
      rest.map(({ cursor }) => cursor),
      seen.slice(3).map(({ cursor }) => cursor),
    )
    for (const iterator of [all, properties, later]) await iterator.return()
    assert.throws(() => platform.uplinks({ from: 'nonsense' }), refusedWith('request.invalid'))
  })

  it('calls a service of a device and hears its reply as an uplink too', async (t) => {
    const triple = await meter(platform, 'meter-2')
    const { productKey, deviceName } = triple
    const replies = platform.uplinks({ productKey, kinds: ['commandReply'] })
    const device = await connect(t, platform, triple)
    const topic = `/sys/${productKey}/${deviceName}/thing/service/Reboot`
    await assert.rejects(
      platform.commands.callService(triple, 'Reboot', { Delay: 5 }, 1000),
      refusedWith('device.not-subscribed'),
    )
    await device.subscribeAsync(topic)
    device.on('message', (_topic, payload) => {
      const { id, params } = JSON.parse(String(payload)) as { id: string; params: unknown }
      device.publish(`${topic}_reply`, JSON.stringify({ id, code: 200, data: { params } }))
    })
    const outcome = await platform.commands.callService(triple, 'Reboot', { Delay: 5 }, 5000)
    assert.equal(outcome.kind, 'answered')
    const [reply] = await take(replies, 1)
    assert.equal(reply?.body?.['requestId'], outcome.id)
    await assert.rejects(
      platform.commands.callService(triple, 'Reboot', { Delay: 99 }, 0),
      refusedWith('value.invalid'),
    )
    await replies.return()
  })

  it('asks the hook who may connect, and answers 3 where the hook fails', async () => {
    const url = `mqtt://127.0.0.1:${platform.listeners[1]?.port}`
    const login = (username: string, password: string): Promise<MqttClient> =>
      mqtt.connectAsync(url, { clientId: username, username, password, reconnectPeriod: 0 })
    const client = await login('slow', 'pass')
    assert.equal((await client.subscribeAsync('a/b')).length, 1)
    await assert.rejects(client.subscribeAsync('b'), /Subscribe error/)
    await client.endAsync()
    await assert.rejects(login('wrong', 'word'), /[Nn]ot authorized|Bad username/)
    await assert.rejects(login('faulty', 'pass'), /Server unavailable/)
    assert.deepEqual(hooked, ['slow', 'wrong', 'faulty'])
  })

  it('refuses a second opener of its data and of its ports, and is unharmed', async () => {
    const data = join(directory, 'data')
    await assert.rejects(
      Platform.open({ settings: { data, listeners: [MQTT] } }),
      refusedWith('data.locked'),
    )
    const taken = `mqtt://127.0.0.1:${platform.listeners[0]?.port}`
    const other = join(directory, 'other')
    await assert.rejects(
      Platform.open({ settings: { data: other, listeners: [taken] } }),
      refusedWith('listener.in-use'),
    )
    assert.equal((await platform.status()).shards.length, 1)
  })

  it('refuses doors that would be open to all, or that nobody guards', async () => {
    const data = join(directory, 'never')
    const open = (url: string): Promise<Platform> =>
      Platform.open({ settings: { data, listeners: [url] } })
    const anonymous = 'mqtt://0.0.0.0:0?profile=plain&auth=anonymous'
    await assert.rejects(open(anonymous), refusedWith('listener.anonymous'))
    await assert.rejects(open(HOOK), refusedWith('config.invalid'))
    await assert.rejects(open('mqtt://127.0.0.1:0?auth=anonymous'), refusedWith('config.invalid'))
  })

  it('speaks no older TLS than it was told, at every door', async (t) => {
    const data = join(temporaryDirectory(t), 'data')
    const listeners = ['auto://127.0.0.1:0', 'mqtts://127.0.0.1:0', 'wss://127.0.0.1:0']
    const strict = await Platform.open({
      settings: { data, listeners, tls: { minVersion: 'TLSv1.3' } },
    })
    t.after(() => strict.close())
    const ca = readFileSync(strict.caFile as string)
    const handshake = (port: number, maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<string> =>
      new Promise((resolve) => {
        const socket = connectTls({ host: '127.0.0.1', port, ca, maxVersion }, () => {
          resolve(socket.getProtocol() ?? '')
          socket.destroy()
        })
        socket.on('error', () => resolve('refused'))
      })
    for (const { port } of strict.listeners) {
      assert.equal(await handshake(port, 'TLSv1.3'), 'TLSv1.3')
      assert.equal(await handshake(port, 'TLSv1.2'), 'refused')
    }
  })

  it('ends its iterators when it closes, and keeps what it was told for the next start', async (t) => {
    const data = join(temporaryDirectory(t), 'data')
    const first = await Platform.open({ settings: { data, listeners: [MQTT] } })
    const triple = await meter(first, 'meter-3')
    const waiting = first.uplinks().next()
    const { productKey, deviceName } = triple
    const ready = first.uplinks({ from: 'oldest' })
    await first.close()
    assert.equal((await waiting).done, true)
    assert.equal((await ready.next()).done, true)
    const second = await Platform.open({ settings: { data, listeners: [MQTT] } })
    t.after(() => second.close())
    assert.equal((await second.devices.get({ productKey, deviceName })).status, 'inactive')
    const again = await connect(t, second, triple)
    assert.equal((await second.devices.get({ productKey, deviceName })).status, 'online')
    await again.endAsync()
  })

  it('asks the embedding program at each step of an extended authentication', async (t) => {
    const port = platform.listeners[1]?.port
    const answers: string[] = []
    const attempt = (authenticationMethod: string, add: number): Promise<MqttClient> => {
      const properties = { authenticationMethod, authenticationData: Buffer.from('1') }
      const options = { protocolVersion: 5, reconnectPeriod: 0, properties } as const
      const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, options)
      t.after(() => client.end(true))
      client.handleAuth = ({ properties: asked }, answer) => {
        const said = Number(asked?.authenticationData?.toString())
        answers.push(String(said))
        const authenticationData = Buffer.from(String(said + add))
        answer(undefined, {
          cmd: 'auth',
          reasonCode: 24,
          properties: { authenticationMethod, authenticationData },
        })
      }
      return new Promise((resolve, reject) => {
        client.once('connect', () => resolve(client)).once('error', reject)
      })
    }
    await attempt('COUNT', 1)
    assert.deepEqual(answers, ['2', '4'])
    await assert.rejects(attempt('COUNT', 2), { code: 0x87 })
    await assert.rejects(attempt('OTHER', 1), { code: 0x8c })
  })
})
