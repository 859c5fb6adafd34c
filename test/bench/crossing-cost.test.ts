import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ACROSS, crossingCosts, crossingLabel, WITHIN } from '../../bench/crossing-cost.ts'
import type { Summary } from '../../bench/summary.ts'

describe('crossing cost', () => {
  it('is what pairs across shards cost over pairs within one, of the same server', () => {
    const costs = crossingCosts([
      summary(crossingLabel('tidegate-2', WITHIN), 0.2),
      summary(crossingLabel('tidegate-2', ACROSS), 0.3),
      summary(crossingLabel('tidegate-4', WITHIN), 0.25),
      summary(crossingLabel('tidegate-4', ACROSS), 0.5),
    ])
    assert.deepEqual(
      costs.map(({ server, times }) => [server, Number(times.toFixed(3))]),
      [
        ['tidegate-2', 1.5],
        ['tidegate-4', 2],
      ],
    )
  })

  it('is not told where one of them has no figure', () => {
    const across = summary(crossingLabel('tidegate-2', ACROSS), 0.3)
    assert.deepEqual(crossingCosts([across]), [])
    assert.deepEqual(
      crossingCosts([across, summary(crossingLabel('tidegate-2', WITHIN), undefined)]),
      [],
    )
    assert.deepEqual(crossingCosts([summary('tidegate', 1)]), [])
  })
})

function summary(label: string, cpu: number | undefined): Summary {
  return {
    label,
    version: 'x',
    rounds: 1,
    valid: 1,
    faults: [],
    figures: cpu === undefined ? {} : { cpuUsPerMessage: { median: cpu, min: cpu, max: cpu } },
  }
}
