import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formatMessageId, MessageIdSource } from '../../../core/domain/message-id.ts'

const EPOCH = Date.UTC(2020, 0, 1)

function clockAt(times: { now: number }): { now: () => number; monotonic: () => number } {
  return { now: () => times.now, monotonic: () => times.now }
}

describe('MessageIdSource', () => {
  it('puts milliseconds, shard and counter where the format says', () => {
    const source = new MessageIdSource(3, clockAt({ now: EPOCH + 5 }))
    assert.equal(source.nextString(), String((5n << 22n) | (3n << 14n)))
    assert.equal(source.nextString(), String((5n << 22n) | (3n << 14n) | 1n))
  })

  it('only rises, whatever the clock does, and stays within 19 digits', () => {
    const steps = fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 200 })
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 255 }), (moves, shard) => {
        const times = { now: Date.UTC(2094, 0, 1) }
        const source = new MessageIdSource(shard, clockAt(times))
        let last = 0n
        for (const move of moves) {
          times.now += move
          const id = BigInt(source.nextString())
          assert.ok(id > last)
          assert.ok(id.toString().length <= 19)
          last = id
        }
      }),
    )
  })

  it('borrows from the next millisecond when one is used up', () => {
    const source = new MessageIdSource(0, clockAt({ now: EPOCH + 1 }))
    let last = 0n
    for (let i = 0; i < 40_000; i++) {
      const id = BigInt(source.nextString())
      assert.ok(id > last)
      last = id
    }
    assert.equal(last >> 22n, 3n) // 40,000 ids need three milliseconds
  })

  it('resumes above what an earlier run has logged, with the clock set back', () => {
    const before = new MessageIdSource(9, clockAt({ now: EPOCH + 5_000_000_000 }))
    before.next()
    const after = new MessageIdSource(2, clockAt({ now: EPOCH + 1000 }))
    after.resumeAfter(before.hi, before.lo)
    assert.ok(BigInt(after.nextString()) > BigInt(formatMessageId(before.hi, before.lo)))
  })

  it('keeps ids of different shards apart in the same millisecond', () => {
    const clock = clockAt({ now: EPOCH + 77 })
    const ids = new Set([0, 1, 255].map((shard) => new MessageIdSource(shard, clock).nextString()))
    assert.equal(ids.size, 3)
  })

  it('refuses a shard that its eight bits cannot say', () => {
    assert.throws(() => new MessageIdSource(256, clockAt({ now: EPOCH })), RangeError)
  })
})
