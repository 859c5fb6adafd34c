/** The results of one workload as text and as JSON; the JSON's fields are those of `Report`. Pure. */
import type { Shape, WorkloadName } from './options.ts'
import type { Spread } from './statistics.ts'
import type { Ratio, Summary } from './summary.ts'

export interface Report {
  readonly workload: WorkloadName
  readonly at: string
  readonly commit: string
  readonly machine: string
  readonly node: string
  readonly shape: Shape
  /** Why server and generator have no CPU of their own; absent: they have. */
  readonly unpinned?: string
  readonly summaries: readonly Summary[]
  readonly ratios: readonly Ratio[]
  /** Servers left out, and why. */
  readonly missing: Readonly<Record<string, string>>
}

/** Above this share of its CPU the generator itself may be what limits the rate. */
const GENERATOR_BUSY = 0.95
const SERVER_BUSY = 0.9

const HEAD = [
  'server',
  'CPU-µs/message',
  '(min–max)',
  'messages/s',
  '(min–max)',
  'server CPU',
  'generator CPU',
  'RSS',
  'valid',
]

export function renderReport(report: Report): string {
  const { workload, commit, machine, node, shape, summaries } = report
  const { publishers, qos, payloadBytes, window, chunk, warmSec, seconds } = shape
  const messages = `QoS ${qos}, ${payloadBytes} B, window ${window}, chunk ${chunk}`
  return [
    `${workload}: ${publishers} publishers, ${messages}`,
    `medians (min–max) of the valid rounds, each ${seconds} s after ${warmSec} s`,
    `${machine}, Node ${node}, commit ${commit}`,
    ...(report.unpinned === undefined ? [] : [`not pinned: ${report.unpinned}`]),
    '',
    ...table([HEAD, ...summaries.map(row)]),
    '',
    ...report.ratios.map(ratioLine),
    ...Object.entries(report.missing).map(([server, why]) => `${server} left out: ${why}`),
    ...summaries.flatMap(notes),
    '',
  ].join('\n')
}

function row(summary: Summary): string[] {
  const { label, version, rounds, valid, figures } = summary
  const { cpuUsPerMessage, messagesPerSec, serverLoad, generatorLoad, serverRssMiB } = figures
  return [
    `${label} ${version}`,
    cell(cpuUsPerMessage, (value) => value.toFixed(2)),
    range(cpuUsPerMessage, (value) => value.toFixed(2)),
    cell(messagesPerSec, whole),
    range(messagesPerSec, whole),
    cell(serverLoad, percent),
    cell(generatorLoad, percent),
    cell(serverRssMiB, (value) => `${Math.round(value)} MiB`),
    `${valid} of ${rounds}`,
  ]
}

function ratioLine({ of, to, cpu, rate }: Ratio): string {
  const times = (value: number): string => `${value.toFixed(2)}×`
  const each = (spread: Spread | undefined): string =>
    `${cell(spread, times)} ${range(spread, times)}`
  return `${of} / ${to}: CPU per publish ${each(cpu)}, publishes/s ${each(rate)}`
}

function notes({ label, faults, figures }: Summary): string[] {
  const { serverLoad, generatorLoad, cpuUsPerMessage, messagesPerSec } = figures
  const lines = faults.map((fault) => `INVALID round of ${label}: ${fault}`)
  if (messagesPerSec !== undefined && cpuUsPerMessage === undefined) {
    lines.push(`${label}: CPU is n/a, for this system has no /proc`)
  }
  if ((generatorLoad?.median ?? 0) > GENERATOR_BUSY && (serverLoad?.median ?? 1) < SERVER_BUSY) {
    lines.push(`${label}: messages/s is the generator's limit, not the server's`)
  }
  return lines
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = HEAD.map((_, i) => Math.max(...rows.map((cells) => cells[i]?.length ?? 0)))
  return rows.map((cells) => cells.map((text, i) => aligned(text, i, widths[i] ?? 0)).join('  '))
}

function aligned(text: string, column: number, width: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width)
}

function cell(spread: Spread | undefined, format: (value: number) => string): string {
  return spread === undefined ? 'n/a' : format(spread.median)
}

function range(spread: Spread | undefined, format: (value: number) => string): string {
  return spread === undefined ? '' : `(${format(spread.min)}–${format(spread.max)})`
}

function percent(value: number): string {
  return `${Math.round(value * 100)} %`
}

function whole(value: number): string {
  return String(Math.round(value))
}
