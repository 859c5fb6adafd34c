import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { ENTRY_CLASS } from '../../core/domain/log-entry.ts'
import { LogReader } from '../../storage/log/log-reader.ts'
import type { DeviceTriple } from '../support/device-credentials.ts'
import { PostStream } from '../support/post-stream.ts'
import { RunningServer } from '../support/running-server.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const LISTEN = ['auto://127.0.0.1:0', 'http://127.0.0.1:0']
const DEVICES = 6
const COUNTERS = 1_000_000 // of each device: none is used by two
const SHARDS = [1, 4, 2, 3, 1, 2, 4, 1] // at each start

/** Request ids of the property posts in all logs. */
function storedCounters(directory: string): Set<number> {
  const stored = new Set<number>()
  for (const log of readdirSync(directory)) {
    const reader = new LogReader({ directory: join(directory, log), log: Number(log) })
    reader.seek(0)
    for (const entry of reader.entries()) {
      if (entry.class !== ENTRY_CLASS.properties) continue
      const { requestId } = JSON.parse(Buffer.from(entry.payload).toString()) as {
        requestId: string
      }
      assert.ok(!stored.has(Number(requestId)), `post ${requestId} is stored twice`)
      stored.add(Number(requestId))
    }
    reader.close()
  }
  return stored
}

async function register(server: RunningServer): Promise<DeviceTriple[]> {
  const { productKey } = server.ready.demo
  const names = Array.from({ length: DEVICES }, (_, i) => ({ deviceName: `streams-${i}` }))
  const path = `/products/${productKey}/devices/batch`
  const { body } = await server.api('POST', path, { devices: names })
  return (body as { registered: DeviceTriple[] }).registered
}

describe('kill -9 of several shards under streams of QoS 1 posts', () => {
  it('loses nothing that was acknowledged, though the number of shards changes at each start', async (t) => {
    const data = temporaryDirectory(t)
    const start = (shards: number): Promise<RunningServer> =>
      RunningServer.start({ data, listen: LISTEN, args: ['--shards', String(shards)] })
    let server = await start(SHARDS[0] as number)
    t.after(() => server.dispose())
    const devices = await register(server)
    const next = devices.map((_, i) => (i + 1) * COUNTERS)
    const acknowledged: number[] = []
    for (const shards of SHARDS.slice(1)) {
      const streams = await Promise.all(
        devices.map((triple, i) =>
          PostStream.start(server.port('auto'), triple, next[i] as number),
        ),
      )
      await wait(200 + Math.random() * 300)
      await server.stop('SIGKILL')
      for (const [i, stream] of streams.entries()) {
        stream.stop()
        acknowledged.push(...stream.acknowledged)
        next[i] = stream.next
      }

      server = await start(shards)
      const stored = storedCounters(join(data, 'data', 'log'))
      const lost = acknowledged.filter((counter) => !stored.has(counter))
      assert.deepEqual(lost, [])
      for (const [i, { productKey, deviceName }] of devices.entries()) {
        const path = `/products/${productKey}/devices/${deviceName}`
        const { items } = (await server.api('GET', `${path}/properties`)).body as {
          readonly items: readonly { readonly identifier: string; readonly value: number }[]
        }
        const value = items.find(({ identifier }) => identifier === 'temperature')?.value ?? 0
        const last = Math.max(...(streams[i] as PostStream).acknowledged)
        assert.ok(value >= last && value < (next[i] as number), `${value}, acknowledged ${last}`)
        const device = (await server.api('GET', path)).body as { status: string }
        assert.equal(device.status, 'offline')
      }
    }
    assert.equal(await server.stop('SIGTERM'), 0)
    t.diagnostic(`${acknowledged.length} posts acknowledged, none lost`)
    assert.ok(acknowledged.length > 2000)
  })
})
