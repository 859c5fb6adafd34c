import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { RunningServer } from './support/running-server.ts'
import { temporaryDirectory } from './support/temporary.ts'

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))
const SUPERFLUOUS = ['--listen', 'http://127.0.0.1:0'] as const

function tidegate(...args: readonly string[]): { code: number | null; out: string; err: string } {
  const ran = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', timeout: 30_000 })
  return { code: ran.status, out: ran.stdout, err: ran.stderr }
}

describe('node dist/main.js', () => {
  it('serves, ends with 0 at Ctrl-C, and finds at the second start what it made at the first', async (t) => {
    const data = temporaryDirectory(t)
    const first = await RunningServer.start({ data })
    t.after(() => first.dispose())
    assert.equal(statSync(join(data, 'data', 'admin.key')).mode & 0o777, 0o600)
    assert.equal(await first.stop('SIGINT'), 0)
    const second = await RunningServer.start({ data })
    t.after(() => second.dispose())
    assert.deepEqual(second.ready.demo, first.ready.demo)
    assert.equal(second.ready.api.key, first.ready.api.key)
    assert.equal((await second.api('GET', '/status')).status, 200)
    assert.equal(await second.stop('SIGTERM'), 0)
  })

  it('forgets the administrator key when the operator deletes it, and serves on', async (t) => {
    const data = temporaryDirectory(t)
    const first = await RunningServer.start({ data })
    t.after(() => first.dispose())
    await first.stop()
    rmSync(join(data, 'data', 'admin.key'))
    const second = await RunningServer.start({ data })
    t.after(() => second.dispose())
    assert.equal(second.ready.api.key, undefined)
    const headers = { authorization: `Bearer ${first.ready.api.key}` }
    const answer = await fetch(`${second.ready.api.url}/api/v1/status`, { headers })
    assert.equal(answer.status, 200)
  })

  it('refuses a second process on the same data or ports, and the first serves on', async (t) => {
    const first = await RunningServer.start()
    t.after(() => first.dispose())
    const data = join(first.data, 'data')
    const sameData = tidegate('serve', '--data', data, ...SUPERFLUOUS)
    assert.equal(sameData.code, 1)
    assert.match(sameData.err, /in use by process \d+.*--data.*\[data\.locked\]/)
    const taken = `auto://127.0.0.1:${first.port('auto')}`
    const other = join(temporaryDirectory(t), 'other')
    const samePort = tidegate('serve', '--data', other, '--listen', taken)
    assert.equal(samePort.code, 1)
    assert.match(samePort.err, new RegExp(`port ${first.port('auto')} is in use.*--listen`))
    assert.equal((await first.api('GET', '/status')).status, 200)
    assert.equal(await first.stop('SIGINT'), 0)
    assert.equal(existsSync(join(data, 'LOCK')), false)
  })

  it('ends with 2 where the command line is wrong', () => {
    const ran = tidegate('serve', '--shards', '65')
    assert.deepEqual([ran.code, ran.out], [2, ''])
    assert.match(ran.err, /--shards: 65: must be from 1 to 64/)
  })

  it('shows its help on stdout', () => {
    const { code, out, err } = tidegate('--help')
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /Usage: tidegate/)
  })
})
