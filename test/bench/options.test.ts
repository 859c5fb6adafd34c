import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { shapeOf } from '../../bench/contestants.ts'
import { goalsOf, meets } from '../../bench/goals.ts'
import { type BenchOptions, parseOptions } from '../../bench/options.ts'
import { SCENARIO_IDS } from '../../bench/scenarios.ts'
import type { Summary } from '../../bench/summary.ts'

describe('bench options', () => {
  it('give a scenario its own size, above which goes what is said', () => {
    const plain = shapeOf('d20', options('d20'))
    assert.deepEqual([plain.publishers, plain.window, plain.chunk, plain.qos], [1000, 20, 5, 1])
    const smaller = shapeOf('d20', options('d20 --pubs 10 --window 2 --seconds 1'))
    assert.deepEqual([smaller.publishers, smaller.window, smaller.chunk], [10, 2, 2])
    assert.deepEqual([smaller.qos, smaller.seconds], [1, 1])
  })

  it('give a workload without a scenario what it always had', () => {
    const said = options('pairs ingest')
    const { publishers, window, chunk, qos, rate } = shapeOf('pairs', said)
    assert.deepEqual([publishers, window, chunk, qos, rate], [200, 40, 10, 0, 0])
    assert.equal(shapeOf('ingest', said).qos, 1)
  })

  it('take every scenario with --all, three rounds unless said otherwise', () => {
    assert.deepEqual(options('--all').workloads, SCENARIO_IDS)
    assert.equal(options('--all').rounds, 3)
    assert.equal(options('--all --rounds 1 ingest').workloads.at(-1), 'ingest')
    assert.equal(options('b0').rounds, 5)
  })

  it('refuse a window that is odd, and a chunk larger than it', () => {
    for (const wrong of ['b0 --window 3', 'b0 --window 2 --chunk 3', 'b0 --rate 0', 'b7']) {
      assert.equal(parseOptions(wrong.split(' ')).kind, 'wrong', wrong)
    }
  })
})

describe('goals', () => {
  it('are those of the table, and none for another size', () => {
    const goals = [{ figure: 'cpuUsPerMessage', atMost: 0.25 }]
    assert.deepEqual(goalsOf('b0', options('b0 --seconds 1 --warm 1').said), goals)
    assert.deepEqual(goalsOf('b0', options('b0 --pubs 10').said), [])
    assert.deepEqual(goalsOf('ingest', {}), [])
  })

  it('are met by Tidegate or not, and asked of nobody else', () => {
    const goal = { figure: 'cpuUsPerMessage', atMost: 0.25 } as const
    assert.equal(meets(summary('tidegate', 0.25), goal), true)
    assert.equal(meets(summary('tidegate', 0.26), goal), false)
    assert.equal(meets(summary('mosquitto', 0.2), goal), undefined)
  })
})

function options(line: string): BenchOptions {
  const parsed = parseOptions(line.split(' '))
  assert.ok(parsed.kind === 'run', line)
  return parsed.options
}

function summary(label: string, median: number): Summary {
  const cpuUsPerMessage = { median, min: median, max: median }
  return { label, version: '1', rounds: 1, valid: 1, faults: [], figures: { cpuUsPerMessage } }
}
