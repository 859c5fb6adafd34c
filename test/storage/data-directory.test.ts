import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type DataDirectory, openDataDirectory } from '../../storage/data-directory.ts'
import { temporaryDirectory } from './support.ts'

const HOLDER = fileURLToPath(new URL('./lock-holder.js', import.meta.url))

function open(t: TestContext, path: string): DataDirectory {
  const directory = openDataDirectory(path)
  t.after(() => directory.release())
  return directory
}

function rights(path: string): string {
  return (statSync(path).mode & 0o777).toString(8)
}

describe('openDataDirectory', () => {
  it('makes the directory for its owner only, and knows it again', (t) => {
    const path = join(temporaryDirectory(t), 'a', 'data')
    const made = openDataDirectory(path)
    assert.equal(made.isNew, true)
    for (const part of [made.path, made.store, made.logs, made.tls])
      assert.equal(rights(part), '700')
    assert.equal(rights(join(path, 'LOCK')), '600')
    assert.equal(made.log(3), join(path, 'log', '3'))
    made.release()
    assert.equal(existsSync(join(path, 'LOCK')), false)
    assert.equal(open(t, path).isNew, false)
  })

  it('refuses a second opener by process id, and leaves the first unharmed', (t) => {
    const path = temporaryDirectory(t)
    const first = open(t, path)
    const lock = readFileSync(join(path, 'LOCK'), 'utf8')
    const expected = { code: 'data.locked', details: { path, pid: process.pid } }
    assert.throws(() => openDataDirectory(path), expected)
    assert.throws(() => openDataDirectory(path), new RegExp(`process ${process.pid}`))
    assert.equal(readFileSync(join(path, 'LOCK'), 'utf8'), lock)
    assert.deepEqual(
      readdirSync(path).filter((name) => name.startsWith('LOCK')),
      ['LOCK'],
    )
    first.release()
    open(t, path)
  })

  it('does not give back what another has taken since', (t) => {
    const path = temporaryDirectory(t)
    const first = openDataDirectory(path)
    first.release()
    const second = open(t, path)
    first.release()
    assert.throws(() => openDataDirectory(path), { code: 'data.locked' })
    second.release()
  })

  it('refuses what a process holds, and takes it over once that was killed', async (t) => {
    const path = temporaryDirectory(t)
    const holder = spawn(process.execPath, [HOLDER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => holder.kill('SIGKILL'))
    await new Promise((resolve) => holder.stdout.once('data', resolve))
    assert.throws(() => openDataDirectory(path), {
      code: 'data.locked',
      details: { path, pid: holder.pid },
    })
    const gone = new Promise((resolve) => holder.once('exit', resolve))
    holder.kill('SIGKILL')
    await gone
    assert.equal(existsSync(join(path, 'LOCK')), true)
    open(t, path)
  })

  it('takes over the lock of a process id that now belongs to another process', (t) => {
    const path = temporaryDirectory(t)
    const holder = { pid: process.pid, started: 'another boot 1234', mark: 'x' }
    writeFileSync(join(path, 'LOCK'), JSON.stringify(holder))
    if (existsSync('/proc/self/stat')) open(t, path)
    else assert.throws(() => openDataDirectory(path), { code: 'data.locked' })
  })

  it('takes over a lock that says nothing', (t) => {
    const path = temporaryDirectory(t)
    writeFileSync(join(path, 'LOCK'), '')
    open(t, path)
  })

  it('removes the claim of a starter that died, and is not held up by it', (t) => {
    const path = temporaryDirectory(t)
    const dead = spawnSync(process.execPath, ['-e', '0']).pid
    writeFileSync(join(path, `LOCK.${dead}.00ff`), '')
    open(t, path)
    assert.deepEqual(
      readdirSync(path).filter((name) => name.startsWith('LOCK')),
      ['LOCK'],
    )
  })

  it('lets exactly one of many starters take over a dead lock', async (t) => {
    const path = temporaryDirectory(t)
    const dead = spawnSync(process.execPath, ['-e', '0']).pid
    writeFileSync(join(path, 'LOCK'), JSON.stringify({ pid: dead, started: '', mark: 'x' }))
    const starters = Array.from({ length: 8 }, () =>
      spawn(process.execPath, [HOLDER, path], { stdio: ['ignore', 'pipe', 'ignore'] }),
    )
    t.after(() => starters.forEach((starter) => starter.kill('SIGKILL')))
    const answers = await Promise.all(
      starters.map(
        (starter) =>
          new Promise<string>((resolve) => starter.stdout.once('data', (d) => resolve(String(d)))),
      ),
    )
    assert.deepEqual(answers.map((answer) => answer.trim()).sort(), [
      ...Array<string>(7).fill('data.locked'),
      'held',
    ])
  })
})
