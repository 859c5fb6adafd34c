/**
 * The router at its size: subscriptions in memory, measured in a process of their own, and retained messages on a
 * live server.
 */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atExit } from '../at-exit.ts'
import { Child } from '../child.ts'
import { planCpus } from '../cpus.ts'
import { clockTicks } from '../process-usage.ts'
import { HOST } from '../servers/server.ts'
import { startTidegate } from '../servers/tidegate.ts'
import type { FilterFigures } from './filters-main.ts'
import type { ScaleOptions } from './options.ts'
import type { Latency, PhaseFigures, RetainedFigures, RetainedJob } from './retained-job.ts'

const filtersMain = fileURLToPath(new URL('./filters-main.js', import.meta.url))
const retainedMain = fileURLToPath(new URL('./retained-main.js', import.meta.url))
const FILTERS_MS = 600_000
const RETAINED_MS = 3_600_000

export interface ScaleReport {
  readonly options: ScaleOptions
  readonly filters?: FilterFigures
  readonly retained?: RetainedFigures
}

/** @throws where a process fails */
export async function scale(
  options: ScaleOptions,
  tell: (line: string) => void,
): Promise<ScaleReport> {
  let report: ScaleReport = { options }
  if (options.parts.includes('filters')) {
    tell(`${options.filters} filters`)
    report = { ...report, filters: await measureFilters(options) }
  }
  if (options.parts.includes('retained')) {
    tell(`${options.retained} retained messages`)
    report = { ...report, retained: await measureRetained(options) }
  }
  return report
}

async function measureFilters({ filters }: ScaleOptions): Promise<FilterFigures> {
  const heapMb = 2048 + Math.ceil(filters / 500)
  const flags = ['--expose-gc', `--max-old-space-size=${heapMb}`]
  const args = [...flags, filtersMain, String(filters)]
  const child = new Child('filters', planCpus().generator, process.execPath, args)
  return JSON.parse(await child.finished(FILTERS_MS)) as FilterFigures
}

async function measureRetained(options: ScaleOptions): Promise<RetainedFigures> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-bench-'))
  const remove = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  const removed = atExit(remove)
  const { shards, retained, probes, rate, quietSec, qos } = options
  // Nothing is pinned: threads that share one CPU as batch processes wait for one another far longer than they work.
  const place = { directory, cpu: undefined, door: 'plain' } as const
  // Twice: what is in the store and not yet forgotten in memory counts twice.
  const server = await startTidegate(place, shards, [`limits.retainedMessages=${2 * retained}`])
  try {
    const ticks = clockTicks()
    const job: RetainedJob = {
      host: HOST,
      port: server.port,
      serverPid: server.child.pid,
      ...(ticks !== undefined && { clockTicks: ticks }),
      retained,
      probes,
      rate,
      quietSec,
      qos,
    }
    const input = JSON.stringify(job)
    const child = new Child('retained', undefined, process.execPath, [retainedMain], input)
    return JSON.parse(await child.finished(RETAINED_MS)) as RetainedFigures
  } finally {
    await server.child.stop()
    remove()
    removed()
  }
}

export function renderScale({ options, filters, retained }: ScaleReport): string {
  const lines: string[] = []
  if (filters !== undefined) lines.push(...renderFilters(filters))
  if (retained !== undefined) lines.push(...renderRetained(options, retained))
  return `${lines.join('\n')}\n`
}

function renderFilters(figures: FilterFigures): string[] {
  const { filters, heapBytesPerFilter, addUs, removeUs, matchUs } = figures
  const { publishUs, publishBesideChangesUs, publishBehindWideChangeUs } = figures
  const matches = Object.entries(matchUs).map(([shape, us]) => `${shape} ${us.toFixed(1)}`)
  return [
    `filters: ${filters} subscriptions`,
    `  tree          ${heapBytesPerFilter.toFixed(0)} bytes of heap each; add ${addUs.toFixed(1)} µs, remove ${removeUs.toFixed(1)} µs`,
    `  match, µs     ${matches.join(', ')}`,
    `  publish, µs   ${publishUs.toFixed(3)} by its route; ${publishBesideChangesUs.toFixed(3)} beside a subscription a 10 ms` +
      ` (50000 topics, 50000 a second); ${publishBehindWideChangeUs.toFixed(1)} behind one that concerns every topic`,
  ]
}

function renderRetained(options: ScaleOptions, figures: RetainedFigures): string[] {
  const { retained, probes, rate, qos, shards } = options
  const { fillSec, filledRssMiB, filledAnonymousMiB, quiet, takes, faults } = figures
  const perSec = (retained / fillSec).toFixed(0)
  return [
    `retained: ${retained} messages, ${shards} shards; ${probes} probes, ${rate} messages a second, QoS 1; taken at QoS ${qos}`,
    `  filled in ${fillSec.toFixed(1)} s (${perSec} a second), then RSS ${mib(filledRssMiB)} MiB, of it anonymous ${mib(filledAnonymousMiB)}`,
    row(
      'who subscribes',
      'came',
      'first',
      'last',
      'PUBACK p50',
      'p99',
      'max',
      'delivery p50',
      'p99',
      'max',
      'own lag',
      'CPU',
      'RSS',
      'anon.',
    ),
    row('nobody', '', '', '', ...measured(quiet)),
    ...takes.map((take) =>
      row(take.filter, String(take.retained), ms(take.firstMs), ms(take.lastMs), ...measured(take)),
    ),
    ...faults.map((fault) => `  INVALID: ${fault}`),
  ]
}

function measured(figures: PhaseFigures): string[] {
  const { acknowledged, delivered, ownLagMs, serverCpu, rssMiB, anonymousMiB } = figures
  const of = ({ p50, p99, max }: Latency): string[] => [ms(p50), ms(p99), ms(max)]
  const cpu = serverCpu === undefined ? 'n/a' : serverCpu.toFixed(2)
  return [...of(acknowledged), ...of(delivered), ms(ownLagMs), cpu, mib(rssMiB), mib(anonymousMiB)]
}

function row(first: string, ...cells: readonly string[]): string {
  return `  ${first.padEnd(24)}${cells.map((cell) => cell.padStart(Math.max(9, cell.length + 1))).join('')}`
}

function ms(value: number): string {
  return Number.isNaN(value) ? 'n/a' : value.toFixed(value < 100 ? 2 : 0)
}

function mib(value: number | undefined): string {
  return value === undefined ? 'n/a' : value.toFixed(0)
}
