import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { deviceCredentials } from '../support/device-credentials.ts'
import { missingTool } from '../support/required-tool.ts'
import { RunningServer } from '../support/running-server.ts'

const run = promisify(execFile)
const skip = missingTool('sh', ['-c', 'command -v mosquitto_pub'], 'mosquitto-clients')

/** One message, or an error after 10 s. */
function message(client: MqttClient): Promise<{ topic: string; payload: string }> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no message came')), 10_000)
    client.once('message', (topic, payload) => {
      clearTimeout(timer)
      resolve({ topic, payload: String(payload) })
    })
  })
}

describe('real MQTT clients', () => {
  let server: RunningServer
  before(async () => {
    server = await RunningServer.start()
  })
  after(() => server.dispose())

  const doors = [
    ['TCP', 'mqtt', 'auto'],
    ['TLS on the shared port', 'mqtts', 'auto'],
    ['TLS', 'mqtts', 'mqtts'],
    ['WebSocket', 'ws', 'ws'],
    ['WebSocket over TLS', 'wss', 'wss'],
  ] as const

  async function connect(
    scheme: string,
    door: string,
    options: IClientOptions,
  ): Promise<MqttClient> {
    const url = `${scheme}://127.0.0.1:${server.port(door)}/any/path`
    const ca = readFileSync(server.ready.caFile as string)
    return mqtt.connectAsync(url, { ca, reconnectPeriod: 0, ...options })
  }

  for (const [name, scheme, door] of doors) {
    for (const protocolVersion of [4, 5] as const) {
      it(`MQTT.js as device over ${name}, level ${protocolVersion}: posts and is answered`, async (t) => {
        const { productKey, deviceName } = server.ready.demo
        const credentials = deviceCredentials(server.ready.demo)
        const client = await connect(scheme, door, {
          protocolVersion,
          ...credentials,
          clean: false,
        })
        t.after(() => client.endAsync(true))
        const topic = `/sys/${productKey}/${deviceName}/thing/event/property/post`
        await client.subscribeAsync(`${topic}_reply`, { qos: 1 })
        const answer = message(client)
        const temperature = protocolVersion + 0.5
        const post = { id: '7', version: '1.0', params: { temperature } }
        await client.publishAsync(topic, JSON.stringify(post), { qos: 1 })
        assert.match((await answer).payload, /"code":200/)
        const path = `/products/${productKey}/devices/${deviceName}/properties`
        const { body } = await server.api('GET', path)
        assert.match(JSON.stringify(body), new RegExp(`"value":${temperature}`))
      })
    }
  }

  it('a property set reaches the device, and its reply the one who asked', async (t) => {
    const { productKey, deviceName } = server.ready.demo
    const client = await connect('mqtt', 'auto', deviceCredentials(server.ready.demo))
    t.after(() => client.endAsync(true))
    const set = `/sys/${productKey}/${deviceName}/thing/service/property/set`
    await client.subscribeAsync(set, { qos: 1 })
    const asked = message(client)
    const path = `/products/${productKey}/devices/${deviceName}/properties`
    const answer = server.api('PUT', path, { values: { temperature: 21 }, waitMs: 5000 })
    const { id, method, params } = JSON.parse((await asked).payload) as Record<string, unknown>
    assert.deepEqual(
      { method, params },
      { method: 'thing.service.property.set', params: { temperature: 21 } },
    )
    await client.publishAsync(`${set}_reply`, JSON.stringify({ id, code: 200, data: {} }), {
      qos: 1,
    })
    const { status, body } = await answer
    assert.equal(status, 200)
    assert.deepEqual(body, { kind: 'answered', id, code: 200, message: 'success', data: {} })
  })

  it('mosquitto_sub and mosquitto_pub as application clients, within the policy of their key', {
    skip,
  }, async (t) => {
    const { productKey, deviceName } = server.ready.demo
    const mqttPolicy = {
      publish: [`/${productKey}/+/user/get`],
      subscribe: [`/${productKey}/+/user/#`],
    }
    const made = await server.api('POST', '/keys', { note: 'back end', mqtt: mqttPolicy })
    const { id, secret } = made.body as { readonly id: string; readonly secret: string }
    const common = ['-h', '127.0.0.1', '-p', String(server.port('auto')), '-u', id, '-P', secret]
    const device = await connect('mqtt', 'auto', deviceCredentials(server.ready.demo))
    t.after(() => device.endAsync(true))

    for (const version of ['311', '5']) {
      const topic = `/${productKey}/+/user/#`
      const sub = spawn('stdbuf', [
        '-oL',
        'mosquitto_sub',
        ...common,
        '-V',
        version,
        '-t',
        topic,
        '-C',
        '1',
        '-v',
        '-d',
      ])
      t.after(() => sub.kill('SIGKILL'))
      await said(sub, /Subscribed/)
      const heard = said(sub, /hello from the device/)
      await device.publishAsync(
        `/${productKey}/${deviceName}/user/update`,
        'hello from the device',
        { qos: 1 },
      )
      await heard

      const get = `/${productKey}/${deviceName}/user/get`
      await device.subscribeAsync(get, { qos: 1 })
      const asked = message(device)
      await run('mosquitto_pub', [
        ...common,
        '-V',
        version,
        '-q',
        '1',
        '-t',
        get,
        '-m',
        'hello device',
      ])
      assert.deepEqual(await asked, { topic: get, payload: 'hello device' })
    }

    const refused = await run('mosquitto_sub', [...common, '-t', '#', '-C', '1', '-W', '3'])
    assert.match(refused.stdout + refused.stderr, /denied/)
    const wrong = [...common.slice(0, -1), 'wrong']
    await assert.rejects(
      run('mosquitto_pub', [...wrong, '-t', 'a', '-m', 'b']),
      /not authori[sz]ed|bad user name/i,
    )
  })
})

/** Resolves once the program's output matches. */
function said(child: ChildProcess, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    const listen = (chunk: Buffer): void => {
      output += String(chunk)
      if (pattern.test(output)) resolve()
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${output}`)))
  })
}
