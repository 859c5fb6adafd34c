import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { ENTRY_CLASS } from '../../core/domain/log-entry.ts'
import type { Durability } from '../../core/domain/settings.ts'
import { LogReader } from '../../storage/log/log-reader.ts'
import { PostStream } from '../support/post-stream.ts'
import { RunningServer } from '../support/running-server.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const LISTEN = ['auto://127.0.0.1:0', 'http://127.0.0.1:0']

interface Outcome {
  /** Posts that got their PUBACK. */
  readonly acknowledged: number
  /** Those of them that are not in the message log after the restart. */
  readonly lost: number
  readonly rounds: number
}

/** Kills the server under a stream, again and again, and counts. Ends early where `enough` says so. */
async function killRounds(
  t: TestContext,
  durability: Durability,
  rounds: number,
  enough: (outcome: Outcome) => boolean,
): Promise<Outcome> {
  const data = temporaryDirectory(t)
  const start = (): Promise<RunningServer> =>
    RunningServer.start({ data, listen: LISTEN, args: ['--durability', durability] })
  let server = await start()
  t.after(() => server.dispose())
  const acknowledged: number[] = []
  let next = 1
  let outcome: Outcome = { acknowledged: 0, lost: 0, rounds: 0 }
  for (let round = 1; round <= rounds && !enough(outcome); round++) {
    const stream = await PostStream.start(server.port('auto'), server.ready.demo, next)
    await wait(200 + Math.random() * 400)
    await server.stop('SIGKILL')
    stream.stop()
    acknowledged.push(...stream.acknowledged)
    assert.ok(
      stream.acknowledged.length > 50,
      `only ${stream.acknowledged.length} posts in round ${round}`,
    )
    next = stream.next

    server = await start()
    const stored = storedCounters(join(data, 'data', 'log', '0'))
    const lost = acknowledged.filter((counter) => !stored.has(counter)).length
    outcome = { acknowledged: acknowledged.length, lost, rounds: round }
    if (durability !== 'relaxed') await assertRow(server, Math.max(...stream.acknowledged), next)
  }
  assert.equal(await server.stop('SIGTERM'), 0)
  t.diagnostic(`${durability}: ${JSON.stringify(outcome)}`)
  return outcome
}

/** Request ids of the property posts in the log. */
function storedCounters(directory: string): Set<number> {
  const reader = new LogReader({ directory, log: 0 })
  reader.seek(0)
  const stored = new Set<number>()
  for (const entry of reader.entries()) {
    if (entry.class !== ENTRY_CLASS.properties) continue
    const { requestId } = JSON.parse(Buffer.from(entry.payload).toString()) as { requestId: string }
    assert.ok(!stored.has(Number(requestId)), `post ${requestId} is stored twice`)
    stored.add(Number(requestId))
  }
  reader.close()
  return stored
}

/** What the API says before the device comes back: the last value, and that it is offline. */
async function assertRow(server: RunningServer, atLeast: number, below: number): Promise<void> {
  const { productKey, deviceName } = server.ready.demo
  const path = `/products/${productKey}/devices/${deviceName}`
  const { items } = (await server.api('GET', `${path}/properties`)).body as {
    readonly items: readonly { readonly identifier: string; readonly value: number }[]
  }
  const value = items.find(({ identifier }) => identifier === 'temperature')?.value ?? 0
  assert.ok(value >= atLeast && value < below, `temperature ${value}, acknowledged ${atLeast}`)
  const device = (await server.api('GET', path)).body as { status: string; onlineAt?: number }
  assert.equal(device.status, 'offline')
  assert.ok((device.onlineAt ?? 0) > Date.now() - 60_000)
}

describe('kill -9 under a stream of QoS 1 posts', () => {
  it('loses nothing that was acknowledged, in ten rounds at the default durability', async (t) => {
    const { acknowledged, lost, rounds } = await killRounds(t, 'commit', 10, () => false)
    assert.equal(rounds, 10)
    assert.ok(acknowledged > 1000)
    assert.equal(lost, 0)
  })

  it('loses some at `relaxed`, which proves that the test above can fail', async (t) => {
    const { lost } = await killRounds(t, 'relaxed', 10, (outcome) => outcome.lost > 0)
    assert.ok(lost > 0)
  })
})
