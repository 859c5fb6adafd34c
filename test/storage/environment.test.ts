import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Environment, type Migration } from '../../storage/environment.ts'
import { temporaryDirectory, writableEnvironment } from './support.ts'

describe('Environment', () => {
  it('raises its incarnation at each start, and keeps it', async (t) => {
    const path = join(temporaryDirectory(t), 'store.d')
    for (const expected of [1, 2, 3]) {
      const environment = Environment.open({ path, readOnly: false })
      assert.equal(environment.raiseIncarnation(), expected)
      await environment.close()
    }
    assert.equal(statSync(join(path, 'data.mdb')).mode & 0o777, 0o600)
  })

  it('brings an older store up to date, step by step, each step once', async (t) => {
    const path = join(temporaryDirectory(t), 'store')
    const ran: number[] = []
    const step = (to: number): Migration => ({
      to,
      run({ models }) {
        ran.push(to)
        void models.put('trail', `${models.get('trail') ?? ''}${to}`)
      },
    })
    const made = Environment.open({ path, readOnly: false })
    await made.close()
    const second = Environment.open({ path, readOnly: false, migrations: [step(2)] })
    await second.close()
    const migrations = [step(2), step(3), step(4)]
    const fourth = Environment.open({ path, readOnly: false, migrations })
    assert.equal(fourth.databases.models.get('trail'), '234')
    await fourth.close()
    const again = Environment.open({ path, readOnly: false, migrations })
    await again.close()
    assert.deepEqual(ran, [2, 3, 4])
  })

  it('leaves the store as it was where a step throws', async (t) => {
    const path = join(temporaryDirectory(t), 'store')
    await Environment.open({ path, readOnly: false }).close()
    const broken: Migration = {
      to: 2,
      run({ models }) {
        void models.put('half', 'done')
        throw new Error('broken step')
      },
    }
    assert.throws(() => Environment.open({ path, readOnly: false, migrations: [broken] }), /broken/)
    const same = writableEnvironment(t, { path })
    assert.equal(same.databases.models.get('half'), undefined)
  })

  it('runs no migration on a new store: it is made in the newest format', (t) => {
    const broken: Migration = { to: 2, run: () => assert.fail('there is nothing to migrate') }
    writableEnvironment(t, { migrations: [broken] })
  })

  it('refuses a store of a later version, and says what to do', async (t) => {
    const path = join(temporaryDirectory(t), 'store')
    const later: Migration = { to: 2, run: () => undefined }
    await Environment.open({ path, readOnly: false, migrations: [later] }).close()
    for (const readOnly of [false, true]) {
      assert.throws(
        () => Environment.open({ path, readOnly }),
        (error: Error & { code: string }) =>
          error.code === 'data.newer' && /format 2.*up to 1.*backup/.test(error.message),
      )
    }
  })

  it('opens for reading only what its writer has made and migrated', async (t) => {
    const path = join(temporaryDirectory(t), 'store')
    await Environment.open({ path, readOnly: false }).close()
    const migrations: Migration[] = [{ to: 2, run: () => undefined }]
    assert.throws(() => Environment.open({ path, readOnly: true, migrations }), {
      code: 'data.unreadable',
    })
  })

  it('gives readers no way to write', (t) => {
    const path = join(temporaryDirectory(t), 'store')
    writableEnvironment(t, { path })
    const reader = Environment.open({ path, readOnly: true })
    t.after(() => reader.close())
    assert.equal((reader.databases.meta as { putSync?: unknown }).putSync, undefined)
    assert.throws(() => reader.raiseIncarnation())
  })

  it('sees at once, within its turn, what another thread has committed', async (t) => {
    const path = join(temporaryDirectory(t), 'store')
    writableEnvironment(t, { path })
    const reader = Environment.open({ path, readOnly: true })
    t.after(() => reader.close())
    const shared = new Int32Array(new SharedArrayBuffer(8))
    const worker = new Worker(new URL('./store-thread.js', import.meta.url), {
      workerData: { path, task: 'write', shared },
    })
    t.after(() => worker.terminate())
    await new Promise((resolve) => worker.once('online', resolve))
    for (let i = 1; i <= 20; i++) {
      reader.refresh()
      assert.notEqual(reader.databases.meta.get('test'), i) // opens a snapshot
      Atomics.store(shared, 0, i)
      Atomics.notify(shared, 0)
      while (Atomics.load(shared, 1) !== i) Atomics.wait(shared, 1, i - 1, 1000) // one turn throughout
      reader.refresh()
      assert.equal(reader.databases.meta.get('test'), i)
    }
    await new Promise((resolve) => worker.once('exit', resolve))
  })

  it('can be opened and closed in many threads, again and again, beside its writer', async (t) => {
    const path = join(temporaryDirectory(t), 'store')
    const writer = writableEnvironment(t, { path })
    writer.databases.meta.putSync('test', 'written')
    for (let round = 0; round < 50; round++) {
      const mine = Environment.open({ path, readOnly: true })
      const codes = await Promise.all(
        [1, 2, 3].map(() => {
          const worker = new Worker(new URL('./store-thread.js', import.meta.url), {
            workerData: { path, task: 'read', shared: new Int32Array(new SharedArrayBuffer(8)) },
          })
          return new Promise((resolve, reject) => {
            worker.once('exit', resolve)
            worker.once('error', reject)
          })
        }),
      )
      assert.deepEqual(codes, [0, 0, 0])
      assert.equal(mine.databases.meta.get('test'), 'written')
      await mine.close()
      writer.databases.meta.putSync('round', round)
    }
    assert.equal(writer.databases.meta.get('round'), 49)
  })

  it('lets a new writer follow one that was closed, while readers stay', async (t) => {
    const path = join(temporaryDirectory(t), 'store')
    const first = Environment.open({ path, readOnly: false })
    const reader = Environment.open({ path, readOnly: true })
    t.after(() => reader.close())
    await first.close()
    const second = writableEnvironment(t, { path })
    await second.transaction(() => void second.databases.meta.put('test', 'second'))
    reader.refresh()
    assert.equal(reader.databases.meta.get('test'), 'second')
  })

  it('finishes what was asked for before it closes', async (t) => {
    const path = join(temporaryDirectory(t), 'store')
    const environment = Environment.open({ path, readOnly: false })
    const { meta } = environment.databases
    const changes = [1, 2, 3].map((i) => environment.transaction(() => void meta.put(`n${i}`, i)))
    await environment.close()
    await Promise.all(changes)
    const again = writableEnvironment(t, { path })
    assert.equal(again.databases.meta.get('n3'), 3)
  })
})
