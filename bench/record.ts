/**
 * Appends the medians of a run to the table that ends `bench/README.md`. For runs whose rounds
 * are all valid: others are told, not kept.
 */
import { appendFile } from 'node:fs/promises'
import type { Report } from './report.ts'
import type { Summary } from './summary.ts'
import { MEASURES } from './unit.ts'

const README = new URL('../../bench/README.md', import.meta.url)

export async function record(report: Report): Promise<void> {
  const rows = report.summaries.map((summary) => tableRow(report, summary))
  await appendFile(README, `${rows.join('\n')}\n`)
}

function tableRow(report: Report, { label, version, rounds, figures }: Summary): string {
  const { at, commit, machine, node, workload, unit, shape, ratios } = report
  const { cost, rate } = MEASURES[unit]
  const cpu = figures[cost]
  const own = ratios.find((ratio) => ratio.to === label)?.cpu
  const cells = [
    at.slice(0, 10),
    commit,
    machine,
    node,
    unit !== 'message'
      ? `${workload} ${shape.clients}`
      : `${workload} ${shape.publishers}×${shape.window}/${shape.chunk}`,
    `${label} ${version}`,
    cpu?.median.toFixed(2) ?? 'n/a',
    cpu === undefined ? '' : `${cpu.min.toFixed(2)}–${cpu.max.toFixed(2)} (${rounds})`,
    figures[rate]?.median.toFixed(0) ?? 'n/a',
    own === undefined ? '' : `${own.median.toFixed(2)}×`,
  ]
  return `| ${cells.join(' | ')} |`
}
