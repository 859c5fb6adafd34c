import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { PresenceTable } from '../../../actors/runtime/presence-table.ts'
import type { DeviceNumber } from '../../../core/domain/identifiers.ts'

const number = (raw: number): DeviceNumber => raw as DeviceNumber

describe('presence table', () => {
  it('gives every claim of a number an epoch of its own, and tells who is online', () => {
    const table = PresenceTable.create(10)
    assert.equal(table.isOnline(number(10)), false)
    const epochs = [1, 2, 3].map((shard) => {
      const epoch = table.claim(number(10), shard)
      assert.equal(table.isOnline(number(10)), true)
      table.release(number(10), shard)
      assert.equal(table.isOnline(number(10)), false)
      return epoch
    })
    assert.deepEqual(epochs, [1, 2, 3])
    assert.equal(table.claim(number(9), 255), 1, 'numbers do not touch each other')
    assert.equal(table.isOnline(number(9)), true)
    assert.equal(table.isOnline(number(10)), false)
  })

  it('is one table for all threads, and no epoch is given twice', async () => {
    const table = PresenceTable.create(4)
    const url = new URL('./presence-claimant.js', import.meta.url)
    const workers = [0, 1, 2].map(() => new Worker(url, { workerData: table.memory }))
    const epochs = await Promise.all(
      workers.map(async (worker) => {
        const [claimed] = (await once(worker, 'message')) as [number[]]
        await once(worker, 'exit')
        return claimed
      }),
    )
    const all = epochs.flat()
    assert.equal(all.length, 3000)
    assert.equal(new Set(all).size, 3000)
    assert.equal(table.isOnline(number(4)), true)
  })
})
