import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import mqtt from 'mqtt'
import { type DeviceTriple, deviceCredentials } from '../support/device-credentials.ts'
import { temporaryDirectory } from '../support/temporary.ts'

/** An example as a real process, and its lines as they come. */
function run(
  t: TestContext,
  name: string,
  data: string,
): { child: ChildProcess; lines: AsyncIterator<string> } {
  const path = fileURLToPath(new URL(`../../docs/examples/${name}.js`, import.meta.url))
  const child = spawn(process.execPath, [path, data], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[
    Symbol.asyncIterator
  ]()
  return { child, lines }
}

async function line(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next()
  assert.ok(done !== true, 'the example has ended')
  return value
}

function exitCode(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', resolve))
}

describe('the examples', () => {
  it('embedded-server takes a device, and finds it again at its second start', async (t) => {
    const data = join(temporaryDirectory(t), 'data')
    const triples: DeviceTriple[] = []
    for (const _start of [1, 2]) {
      const { child, lines } = run(t, 'embedded-server', data)
      const told = JSON.parse(await line(lines)) as DeviceTriple & { listeners: string[] }
      const url = (told.listeners[0] as string).replace('auto:', 'mqtt:')
      const client = await mqtt.connectAsync(url, {
        ...deviceCredentials(told),
        reconnectPeriod: 0,
      })
      await client.endAsync()
      const { listeners: _, ...triple } = told
      triples.push(triple)
      const exited = exitCode(child)
      child.kill('SIGINT')
      assert.equal(await exited, 0)
    }
    assert.deepEqual(triples[0], triples[1])
  })

  it('temperature-back-end switches the fan on when it is hot, off when it is cool, and tells when it cannot', async (t) => {
    const data = join(temporaryDirectory(t), 'data')
    const { child, lines } = run(t, 'temperature-back-end', data)
    const told = JSON.parse(await line(lines)) as DeviceTriple & { url: string }
    const client = await mqtt.connectAsync(told.url.replace('auto:', 'mqtt:'), {
      ...deviceCredentials(told),
      reconnectPeriod: 0,
    })
    t.after(() => client.endAsync(true))
    const prefix = `/sys/${told.productKey}/${told.deviceName}/thing`
    const post = (temperature: number): Promise<unknown> => {
      const body = JSON.stringify({ id: '1', params: { temperature } })
      return client.publishAsync(`${prefix}/event/property/post`, body, { qos: 1 })
    }
    await post(31)
    assert.match(await line(lines), /31 °C, but room-1 is online but has not subscribed/)
    await client.subscribeAsync(`${prefix}/service/property/set`)
    for (const [temperature, fan] of [
      [31, 1],
      [24, 0],
    ] as const) {
      const asked = new Promise<string>((resolve) => {
        client.once('message', (_topic, payload) => resolve(String(payload)))
      })
      await post(temperature)
      assert.deepEqual((JSON.parse(await asked) as { params: unknown }).params, { fan })
      assert.match(await line(lines), fan === 1 ? /31 °C, fan on/ : /24 °C, fan off/)
    }
    const exited = exitCode(child)
    child.kill('SIGINT')
    assert.equal(await exited, 0)
    const again = run(t, 'temperature-back-end', data)
    const known = JSON.parse(await line(again.lines)) as typeof told
    assert.deepEqual({ ...known, url: told.url }, told)
  })
})
