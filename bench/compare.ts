/**
 * Results of one run beside those of an earlier one. What changed is said only where the rounds of the two do not
 * overlap; it holds as far as both ran on the same machine. Pure.
 */
import { isDeepStrictEqual } from 'node:util'
import { panelsOf } from './panels.ts'
import type { Report } from './report.ts'
import type { Spread } from './statistics.ts'
import { textTable } from './text-table.ts'

export function renderComparison(now: readonly Report[], then: readonly Report[]): string {
  const [ours, theirs] = [now[0], then[0]]
  if (ours === undefined || theirs === undefined) return 'nothing to compare\n'
  const rows = now.flatMap((report) => rowsOf(report, then))
  const otherMachine = ours.machine !== theirs.machine || ours.node !== theirs.node
  return [
    `${ours.commit} beside ${theirs.commit} (${theirs.at.slice(0, 10)})`,
    ...(otherMachine ? [`not alike: that was ${theirs.machine}, Node ${theirs.node}`] : []),
    '',
    ...textTable([['what it costs', 'server', 'then', 'now', 'times', 'verdict'], ...rows]),
    '',
  ].join('\n')
}

function rowsOf(report: Report, then: readonly Report[]): string[][] {
  const former = then.filter(({ workload, shape }) => {
    return workload === report.workload && sameSize(shape, report.shape)
  })
  const panels = former.flatMap(panelsOf)
  return panelsOf(report).flatMap(({ figure, title, bars }) =>
    bars.flatMap(({ label, value }) => {
      const before = panels
        .find((panel) => panel.figure === figure)
        ?.bars.find((bar) => bar.label === label)?.value
      if (value === undefined || before === undefined) return []
      const times = value.median / before.median
      return [
        [title, label, cell(before), cell(value), `${times.toFixed(2)}×`, verdict(value, before)],
      ]
    }),
  )
}

/** How long was measured may differ. */
function sameSize(one: Report['shape'], other: Report['shape']): boolean {
  const timeless = { warmSec: 0, seconds: 0 }
  return isDeepStrictEqual({ ...one, ...timeless }, { ...other, ...timeless })
}

function verdict(now: Spread, then: Spread): string {
  if (now.max < then.min) return 'less'
  return now.min > then.max ? 'more' : 'the same'
}

function cell({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`
}
