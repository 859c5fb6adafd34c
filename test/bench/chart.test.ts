import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { renderChart } from '../../bench/chart.ts'
import { renderComparison } from '../../bench/compare.ts'
import type { Report } from '../../bench/report.ts'
import type { ScenarioId } from '../../bench/scenarios.ts'
import { shapeFrom } from '../../bench/shape.ts'
import type { Spread } from '../../bench/statistics.ts'
import type { Summary } from '../../bench/summary.ts'

describe('chart', () => {
  const page = renderChart([report('b0', [server('tidegate', 0.2), server('mosquitto', 0.5)])])

  it('has a bar for each server, as long as what it costs', () => {
    const [ours, theirs] = barsOf(page)
    assert.ok(ours !== undefined && theirs !== undefined)
    assert.ok(Math.abs(ours.width / theirs.width - 0.4) < 0.01)
    assert.match(page, /b0: pairs, QoS 0, CPU-µs\/message/)
  })

  it('draws the goal over the bar of Tidegate, where it has one', () => {
    assert.match(page, /0\.20 \(goal 0\.25\)/)
    assert.equal(page.match(/#e03131/g)?.length, 1)
    const without = renderChart([{ ...report('b0', [server('tidegate', 0.2)]), goals: [] }])
    assert.doesNotMatch(without, /#e03131/)
  })

  it('cuts a bar that would make the others too short to see, and keeps its number', () => {
    const cut = renderChart([report('b0', [server('tidegate', 0.2), server('aedes', 50)])])
    const [ours, theirs] = barsOf(cut)
    assert.ok((ours?.width ?? 0) / (theirs?.width ?? 1) > 0.1)
    assert.match(cut, /<path /)
    assert.match(cut, />50\.0</)
  })

  it('is one well-formed element that loads nothing, whatever the names', () => {
    const odd = renderChart([{ ...report('b0', [server('a<b&c', 1)]), machine: '<script>' }])
    assert.doesNotMatch(odd, /<script|a<b|href/)
    const opened = odd.match(/<(svg|g|text)\b/g)?.length
    assert.equal(odd.match(/<\/(svg|g|text)>/g)?.length, opened)
  })

  it('says n/a of a server without a valid round', () => {
    const none = renderChart([report('b0', [{ ...server('aedes', 1), figures: {} }])])
    assert.match(none, />n\/a</)
  })
})

describe('comparison', () => {
  it('says less or more only where the rounds of the two do not overlap', () => {
    const then = [
      report('b0', [server('tidegate', 0.3), server('aedes', 5), server('x', 1), server('y', 5)]),
    ]
    const found = [server('tidegate', 0.2), server('aedes', 5.2), server('x', 2), server('y', 4.8)]
    const now = [report('b0', found)]
    const lines = renderComparison(now, then).split('\n')
    const verdicts = ['tidegate', 'aedes', 'x', 'y'].map((name) =>
      lines.find((line) => line.includes(` ${name} `))?.trim(),
    )
    assert.match(verdicts[0] ?? '', /0\.30 .* 0\.20 .* 0\.67× +less$/)
    assert.match(verdicts[1] ?? '', /the same$/)
    assert.match(verdicts[2] ?? '', /2\.00× +more$/)
    assert.match(verdicts[3] ?? '', /the same$/)
  })

  it('compares no two sizes, and tells of another machine', () => {
    const then = report('b0', [server('tidegate', 0.3)])
    const now = { ...then, shape: { ...then.shape, publishers: 5 }, machine: 'other' }
    const text = renderComparison([now], [then])
    assert.doesNotMatch(text, /×/)
    assert.match(text, /not alike/)
    const longer = { ...then, shape: { ...then.shape, seconds: 60 } }
    assert.match(renderComparison([longer], [then]), /1\.00×/)
  })
})

function barsOf(page: string): { width: number }[] {
  const found = page.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)
  return [...found].map(([, width]) => ({ width: Number(width) }))
}

function server(label: string, median: number): Summary {
  const cpuUsPerMessage: Spread = { median, min: median * 0.9, max: median * 1.1 }
  return { label, version: '1', rounds: 3, valid: 3, faults: [], figures: { cpuUsPerMessage } }
}

function report(workload: ScenarioId, summaries: readonly Summary[]): Report {
  return {
    workload,
    unit: 'message',
    at: '2030-01-01T00:00:00Z',
    commit: 'abc',
    machine: 'm',
    node: '20',
    shape: shapeFrom(),
    goals: [{ figure: 'cpuUsPerMessage', atMost: 0.25 }],
    summaries,
    ratios: [],
    missing: {},
  }
}
