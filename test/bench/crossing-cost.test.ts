import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crossingCosts } from '../../bench/crossing-cost.ts'
import type { Summary } from '../../bench/summary.ts'

describe('crossing cost', () => {
  it('puts what several shards cost above one on the messages that cross', () => {
    // half of them cost 1, the others 1.6
    const costs = crossingCosts([summary('tidegate', 1, 0), summary('tidegate-2', 1.3, 0.5)])
    assert.equal(costs.length, 1)
    assert.equal(costs[0]?.label, 'tidegate-2')
    assert.equal(costs[0]?.share, 0.5)
    assert.ok(Math.abs((costs[0]?.times ?? 0) - 1.6) < 1e-9)
  })

  it('says nothing where one shard was not measured, or nothing crossed, or CPU is unknown', () => {
    const one = summary('tidegate', 1, 0)
    assert.deepEqual(crossingCosts([summary('tidegate-2', 1.3, 0.5)]), [])
    assert.deepEqual(crossingCosts([one, summary('tidegate-2', 1.3, 0)]), [])
    assert.deepEqual(crossingCosts([one, summary('aedes', 9, undefined)]), [])
    assert.deepEqual(crossingCosts([one, summary('tidegate-2', undefined, 0.5)]), [])
    assert.deepEqual(crossingCosts([summary('tidegate', undefined, 0), one]), [])
  })
})

function summary(label: string, cpu: number | undefined, crossing: number | undefined): Summary {
  return {
    label,
    version: '1',
    rounds: 1,
    valid: 1,
    faults: [],
    figures: {
      ...(cpu !== undefined && { cpuUsPerMessage: { median: cpu, min: cpu, max: cpu } }),
      ...(crossing !== undefined && {
        crossing: { median: crossing, min: crossing, max: crossing },
      }),
    },
  }
}
