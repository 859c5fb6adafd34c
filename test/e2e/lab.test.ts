import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { missingTool } from '../support/required-tool.ts'
import { RunningServer } from '../support/running-server.ts'

const LAB = fileURLToPath(new URL('../../../test/e2e/lab.py', import.meta.url))
const MAIN = fileURLToPath(new URL('../../main.js', import.meta.url))
const PYTHON = '/usr/bin/python3' // Debian's, which has Debian's paho
const skip = missingTool(PYTHON, ['-c', 'import paho.mqtt.client'], 'python3-paho-mqtt')
const run = promisify(execFile)

interface DeviceBody {
  readonly status: string
}

describe('the tutorial lab of the original platform', () => {
  it('connects by TLS, posts a temperature, reads its reply, is seen, and is cleaned up', {
    skip,
  }, async (t) => {
    const server = await RunningServer.start()
    t.after(() => server.dispose())
    const { productKey, deviceName, deviceSecret } = server.ready.demo
    const ca = server.ready.caFile as string
    const facts = [
      '127.0.0.1',
      String(server.port('auto')),
      ca,
      productKey,
      deviceName,
      deviceSecret,
    ]
    const lab = spawn(PYTHON, [LAB, ...facts, '23.5'], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.after(() => lab.kill('SIGKILL'))
    const reply = await new Promise<string>((resolve, reject) => {
      lab.stdout.once('data', (line: Buffer) => resolve(String(line)))
      lab.once('exit', (code) => reject(new Error(`the lab ended with ${code}`)))
    })
    const { code, id, message } = JSON.parse(reply) as Record<string, unknown>
    assert.deepEqual({ code, id, message }, { code: 200, id: '1', message: 'success' })

    const path = `/products/${productKey}/devices/${deviceName}`
    const device = (await server.api('GET', path)).body as DeviceBody
    assert.equal(device.status, 'online')
    const properties = JSON.stringify((await server.api('GET', `${path}/properties`)).body)
    assert.match(properties, /"identifier":"temperature","value":23\.5/)

    const env = {
      ...process.env,
      TIDEGATE_URL: server.ready.api.url,
      TIDEGATE_KEY: server.ready.api.key,
    }
    const cli = async (...args: string[]): Promise<string> =>
      (await run(process.execPath, [MAIN, ...args], { env })).stdout
    assert.match(await cli('device', 'show', productKey, deviceName), /online/)
    assert.match(await cli('properties', 'get', productKey, deviceName), /temperature\s+23\.5/)
    assert.equal(
      JSON.parse(await cli('device', 'show', productKey, deviceName, '--json')).status,
      'online',
    )

    const early = await server.api('DELETE', `/products/${productKey}`)
    assert.equal(early.status, 409)
    assert.match(JSON.stringify(early.body), /product\.not-empty/)
    const ended = new Promise((resolve) => lab.once('exit', resolve))
    const removed = await cli('device', 'delete', productKey, deviceName)
    assert.match(removed, /device001/)
    assert.match(removed, /temperature/)
    lab.stdin.end()
    await ended
    assert.match(await cli('product', 'delete', productKey), new RegExp(productKey))
    assert.equal((await server.api('GET', path)).status, 404)
  })
})
