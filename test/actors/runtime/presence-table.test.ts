import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import {
  asked,
  given,
  hasCustody,
  held,
  nextOf,
  ownerOf,
  PresenceTable,
  phaseOf,
  saysOnline,
  UNOWNED,
} from '../../../actors/runtime/presence-table.ts'

const shards = fc.integer({ min: 0, max: 255 })

describe('presence table', () => {
  it('reads back from a word what was said in it', () => {
    fc.assert(
      fc.property(shards, shards, fc.boolean(), (owner, next, online) => {
        const words = [held(owner, online), asked(owner, next, online), given(owner, next)]
        assert.deepEqual(words.map(phaseOf), ['held', 'asked', 'given'])
        for (const word of words) assert.equal(ownerOf(word), owner)
        assert.deepEqual(words.slice(1).map(nextOf), [next, next])
        assert.deepEqual(words.map(saysOnline), [online, online, false])
        assert.deepEqual(
          words.map((word) => hasCustody(word, owner)),
          [true, true, false],
        )
        assert.equal(new Set([UNOWNED, ...words]).size, 4)
      }),
    )
  })

  it('changes a word only against the one that was read', () => {
    const table = PresenceTable.create(10)
    assert.equal(table.last, 10)
    assert.equal(table.swap(10, UNOWNED, held(2, true)), true)
    assert.equal(table.swap(10, UNOWNED, held(1, true)), false)
    assert.equal(ownerOf(table.word(10)), 2)
    assert.equal(table.isOnline(10), true)
    assert.equal(table.word(9), UNOWNED, 'numbers do not touch each other')
  })

  it('sends requests to whoever has custody, or will have it', () => {
    const table = PresenceTable.create(10)
    assert.equal(table.shardOf(10, 4), 2)
    table.swap(10, UNOWNED, held(3, false))
    assert.equal(table.shardOf(10, 4), 3)
    table.swap(10, held(3, false), asked(3, 1, false))
    assert.equal(table.shardOf(10, 4), 3)
    table.swap(10, asked(3, 1, false), given(3, 1))
    assert.equal(table.shardOf(10, 4), 1)
  })

  it('is one table for all threads, and no epoch is given twice', async () => {
    const table = PresenceTable.create(4)
    const url = new URL('./presence-claimant.js', import.meta.url)
    const workers = [0, 1, 2].map(() => new Worker(url, { workerData: table.memory }))
    const epochs = await Promise.all(
      workers.map(async (worker) => {
        const [[raised]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
        return raised as number[]
      }),
    )
    assert.equal(new Set(epochs.flat()).size, 3000)
    assert.equal(table.epoch(4), 3000)
  })
})
