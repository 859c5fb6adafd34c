/** The results of one workload as text and as JSON; the JSON's fields are those of `Report`. Pure. */
import type { CrossingCost } from './crossing-cost.ts'
import { meets } from './goals.ts'
import type { WorkloadName } from './options.ts'
import { type Goal, scenarioOf } from './scenarios.ts'
import type { Shape } from './shape.ts'
import type { Spread } from './statistics.ts'
import type { Ratio, Summary } from './summary.ts'
import { textTable } from './text-table.ts'
import { COSTS, MEASURES, type Unit } from './unit.ts'

export interface Report {
  readonly workload: WorkloadName
  /** What its figures are per. */
  readonly unit: Unit
  readonly at: string
  readonly commit: string
  readonly machine: string
  readonly node: string
  readonly shape: Shape
  /** Why server and generator have no CPU of their own; absent: they have. */
  readonly unpinned?: string
  /** Of Tidegate; empty where the workload has none of this size. */
  readonly goals: readonly Goal[]
  readonly summaries: readonly Summary[]
  readonly ratios: readonly Ratio[]
  /** Of `pairs`, for the servers of several shards that ran beside the one of one shard. */
  readonly crossingCosts?: readonly CrossingCost[]
  /** Servers left out, and why. */
  readonly missing: Readonly<Record<string, string>>
}

/** Above this share of its CPU the generator itself may be what limits the rate. */
const GENERATOR_BUSY = 0.95
const SERVER_BUSY = 0.9
/** An open loop whose messages leave later than this measures itself. */
const LATE_US = 1000

export function renderReport(report: Report): string {
  const { workload, unit, commit, machine, node, shape, summaries } = report
  const timed = shape.rate > 0
  return [
    ...(unit === 'message' ? messageHead(workload, shape) : connectHead(workload, shape)),
    `${machine}, Node ${node}, commit ${commit}`,
    ...(report.unpinned === undefined ? [] : [`not pinned: ${report.unpinned}`]),
    '',
    ...textTable([columns(unit, timed), ...summaries.map((summary) => row(summary, unit, timed))]),
    '',
    ...report.goals.flatMap((goal) => goalLines(goal, summaries)),
    ...report.ratios.map((ratio) => ratioLine(ratio, unit)),
    ...(report.crossingCosts ?? []).map(crossingLine),
    ...Object.entries(report.missing).map(([server, why]) => `${server} left out: ${why}`),
    ...summaries.flatMap((summary) => notes(summary, unit)),
    '',
  ].join('\n')
}

function messageHead(workload: WorkloadName, shape: Shape): string[] {
  const { publishers, subscribers, qos, payloadBytes, window, chunk, rate, warmSec, seconds } =
    shape
  const scenario = scenarioOf(workload)
  const ends = scenario?.shape.subscribers === undefined ? '' : ` to ${subscribers} subscribers`
  const pace = rate > 0 ? `${rate} messages/s offered` : `window ${window}, chunk ${chunk}`
  const name = scenario === undefined ? workload : `${workload} (${scenario.title})`
  return [
    `${name}: ${publishers} publishers${ends}, QoS ${qos}, ${payloadBytes} B, ${pace}`,
    `medians (min–max) of the valid rounds, each ${seconds} s after ${warmSec} s`,
  ]
}

function connectHead(workload: WorkloadName, { clients, filters, qos, warmSec }: Shape): string[] {
  const each = filters === 1 ? 'one subscription each' : `${filters} subscriptions each`
  const title = scenarioOf(workload)?.title
  const when =
    title === undefined ? `each ${warmSec} s after a first wave of all clients` : 'of fresh servers'
  return [
    `${title === undefined ? workload : `${workload} (${title})`}: ${clients} clients, ${each}, QoS ${qos}`,
    `medians (min–max) of the valid rounds, ${when}`,
  ]
}

/** @param timed  with latencies, for the load was an open loop */
function columns(unit: Unit, timed: boolean): string[] {
  return [
    'server',
    COSTS[MEASURES[unit].cost],
    '(min–max)',
    `${MEASURES[unit].plural}/s`,
    '(min–max)',
    'crossing',
    'server CPU',
    'generator CPU',
    'RSS',
    'sleeps/s',
    ...(timed ? ['p50 µs', 'p99 µs'] : []),
    'valid',
  ]
}

function row(summary: Summary, unit: Unit, timed: boolean): string[] {
  const { label, version, rounds, valid, figures } = summary
  const { crossing, serverLoad, generatorLoad, serverRssMiB } = figures
  const { [MEASURES[unit].cost]: cost, [MEASURES[unit].rate]: rate } = figures
  return [
    `${label} ${version}`,
    cell(cost, hundredths),
    range(cost, hundredths),
    cell(rate, whole),
    range(rate, whole),
    cell(crossing, unit !== 'message' ? (value) => value.toFixed(1) : percent),
    cell(serverLoad, percent),
    cell(generatorLoad, percent),
    cell(serverRssMiB, (value) => `${Math.round(value)} MiB`),
    cell(figures.switchesPerSec, whole),
    ...(timed ? [cell(figures.p50Us, whole), cell(figures.p99Us, whole)] : []),
    `${valid} of ${rounds}`,
  ]
}

function goalLines(goal: Goal, summaries: readonly Summary[]): string[] {
  return summaries.flatMap((summary) => {
    const met = meets(summary, goal)
    const times = (summary.figures[goal.figure]?.median ?? 0) / goal.atMost
    const verdict = met === true ? 'met' : `missed, ${times.toFixed(2)}× of it`
    return met === undefined ? [] : [`${summary.label}: goal ${goal.atMost} ${verdict}`]
  })
}

function ratioLine({ of, to, cpu, rate }: Ratio, unit: Unit): string {
  const { what, noun, plural } = MEASURES[unit].compared
  const times = (value: number): string => `${value.toFixed(2)}×`
  const each = (spread: Spread | undefined): string =>
    `${cell(spread, times)} ${range(spread, times)}`
  return `${of} / ${to}: ${what} per ${noun} ${each(cpu)}, ${plural}/s ${each(rate)}`
}

function crossingLine({ server, times }: CrossingCost): string {
  return `${server}: a message that crosses costs ${times.toFixed(2)}× of one that does not`
}

function notes({ label, faults, figures }: Summary, unit: Unit): string[] {
  const { serverLoad, generatorLoad, lateP99Us } = figures
  const { [MEASURES[unit].cost]: cost, [MEASURES[unit].rate]: rate } = figures
  const lines = faults.map((fault) => `INVALID round of ${label}: ${fault}`)
  if (rate !== undefined && cost === undefined) {
    lines.push(`${label}: CPU is n/a, for this system has no /proc`)
  }
  if (figures.cpuUsPerReconnect !== undefined) {
    const again = `${cell(figures.cpuUsPerReconnect, hundredths)} ${range(figures.cpuUsPerReconnect, hundredths)}`
    const resumed =
      (figures.resumed?.median ?? 0) > 0 ? `, ${cell(figures.resumed, percent)} resumed` : ''
    lines.push(`${label}: once more, ${COSTS.cpuUsPerReconnect} ${again}${resumed}`)
  }
  if (lateP99Us !== undefined) {
    if (lateP99Us.median > LATE_US) {
      lines.push(`${label}: the generator was late (p99 ${lateP99Us.median.toFixed(0)} µs)`)
    }
  } else if (
    (generatorLoad?.median ?? 0) > GENERATOR_BUSY &&
    (serverLoad?.median ?? 1) < SERVER_BUSY
  ) {
    lines.push(`${label}: ${MEASURES[unit].plural}/s is the generator's limit, not the server's`)
  }
  return lines
}

function cell(spread: Spread | undefined, format: (value: number) => string): string {
  return spread === undefined ? 'n/a' : format(spread.median)
}

function range(spread: Spread | undefined, format: (value: number) => string): string {
  return spread === undefined ? '' : `(${format(spread.min)}–${format(spread.max)})`
}

function hundredths(value: number): string {
  return value.toFixed(2)
}

function percent(value: number): string {
  return `${Math.round(value * 100)} %`
}

function whole(value: number): string {
  return String(Math.round(value))
}
