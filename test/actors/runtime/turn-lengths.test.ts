import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { TurnLengths } from '../../../actors/runtime/turn-lengths.ts'
import { TURN_BOUNDS_MS } from '../../../core/domain/status.ts'

const lengths = fc.array(fc.double({ min: 0, max: 3000, noNaN: true }), { minLength: 1 })

describe('TurnLengths', () => {
  it('counts each turn once, under the least bound that it does not exceed', () => {
    const counted = fc.property(lengths, (turns) => {
      const all = new TurnLengths()
      for (const length of turns) all.add(length)
      const { count, totalMs, byLength } = all.take()
      assert.equal(count, turns.length)
      assert.equal(byLength.length, TURN_BOUNDS_MS.length + 1)
      assert.ok(Math.abs(totalMs - turns.reduce((sum, one) => sum + one, 0)) < 1e-6)
      let above = Number.NEGATIVE_INFINITY
      for (const [i, bound] of [...TURN_BOUNDS_MS, Number.POSITIVE_INFINITY].entries()) {
        const within = turns.filter((one) => one > above && one <= bound).length
        assert.equal(byLength[i], within, `up to ${bound}`)
        above = bound
      }
    })
    fc.assert(counted)
  })

  it('tells the longest and the 99th percentile of the time since it was taken last', () => {
    const turns = new TurnLengths()
    for (let i = 0; i < 99; i++) turns.add(0.3)
    turns.add(700)
    const first = turns.take()
    assert.deepEqual([first.longestMs, first.p99Ms], [700, 0.5])
    turns.add(700)
    turns.add(5000)
    const second = turns.take()
    assert.deepEqual([second.longestMs, second.p99Ms, second.count], [5000, 5000, 102])
    const none = turns.take()
    assert.deepEqual([none.longestMs, none.p99Ms, none.count], [0, 0, 102])
  })

  it('says no more than the longest where the bound is above it', () => {
    const turns = new TurnLengths()
    turns.add(6)
    assert.equal(turns.take().p99Ms, 6)
  })
})
