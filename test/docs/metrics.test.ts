import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { METRICS } from '../../protocol/api/metrics/metric-table.ts'
import { counterMetric } from '../../protocol/api/metrics/metrics-text.ts'
import { TURN_HELP, TURN_METRIC } from '../../protocol/api/metrics/turn-histogram.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const PATH = join(ROOT, 'docs', 'metrics.md')
const START = '<!-- metrics -->\n'
const END = '<!-- end of metrics -->\n'

/** The table of all metrics with a name of their own, as the one table of the code has them. */
function metricsTable(): string {
  const turn = { type: 'histogram', labels: ['shard'], help: TURN_HELP }
  const all = Object.entries({ ...METRICS, [TURN_METRIC]: turn })
  const rows = all.map(([name, { type, labels, help }]) => {
    return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${help} |\n`
  })
  return `| metric | type | labels | meaning |\n|---|---|---|---|\n${rows.join('')}`
}

/** Names of the counters of docs/errors.md, which a test of its own holds against the sources. */
function counters(): readonly string[] {
  const page = readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8')
  const section = page.split(/^## /m).find((text) => text.startsWith('Counters\n')) ?? ''
  return [...section.matchAll(/^\| `([a-z.-]+)` \|/gm)].map(([, name]) => name as string)
}

describe('docs/metrics.md', () => {
  it('has every metric, as the code has it (UPDATE_DOCS=1 writes it)', () => {
    const document = readFileSync(PATH, 'utf8')
    const [before = '', rest = ''] = document.split(START)
    const [table = '', after = ''] = rest.split(END)
    const expected = metricsTable()
    if (process.env['UPDATE_DOCS'] === '1')
      writeFileSync(PATH, before + START + expected + END + after)
    else assert.equal(table, expected)
  })

  it('names no metric that there is not, in no page', () => {
    const known = new Set([...Object.keys(METRICS), ...counters().map(counterMetric)])
    for (const part of ['', '_bucket', '_sum', '_count']) known.add(`${TURN_METRIC}${part}`)
    let count = 0
    const pages = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'))
    for (const page of ['README.md', ...pages.map((name) => join('docs', name))]) {
      const text = readFileSync(join(ROOT, page), 'utf8')
      for (const [name] of text.matchAll(/\btidegate_[a-z_]+/g)) {
        count += 1
        assert.ok(known.has(name), `${page}: ${name}`)
      }
    }
    assert.ok(count > 30)
  })

  it('leaves no counter without a metric, and none with the name of another', () => {
    const names = counters().map(counterMetric)
    assert.ok(names.length > 15)
    assert.equal(
      new Set([...names, ...Object.keys(METRICS)]).size,
      names.length + Object.keys(METRICS).length,
    )
  })
})
