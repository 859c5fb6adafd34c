/**
 * The bench: `npm run bench -- ingest pairs telemetry connect` (`--help` for the rest). Starts every server and
 * the generator as processes of their own, and ends them whichever way it ends itself.
 */
import { cpus, release } from 'node:os'
import { honourAtExit } from './at-exit.ts'
import { commit } from './commit.ts'
import { renderComparison } from './compare.ts'
import { contest } from './contest.ts'
import { contestantsOf, SERVERS, shapeOf } from './contestants.ts'
import { type CpuPlan, planCpus } from './cpus.ts'
import { crossingCosts } from './crossing-cost.ts'
import { goalsOf } from './goals.ts'
import { HELP } from './help.ts'
import { type BenchOptions, parseOptions, type WorkloadName } from './options.ts'
import { record } from './record.ts'
import { type Report, renderReport } from './report.ts'
import { parseRestart, RESTART_HELP } from './restart/options.ts'
import { renderRestart, restart } from './restart/restart.ts'
import { type Results, readResults, saveResults } from './results.ts'
import { parseScale, SCALE_HELP } from './scale/options.ts'
import { renderScale, scale } from './scale/scale.ts'
import type { ServerName } from './servers/server.ts'
import { shardedTidegates } from './servers/tidegate.ts'
import { ratios, summarize } from './summary.ts'
import { unitOf } from './unit.ts'

honourAtExit()
process.exitCode = await main()

async function main(): Promise<number> {
  const argv = process.argv.slice(2)
  if (argv[0] === 'restart') return runRestart(argv.slice(1))
  if (argv[0] === 'scale') return runScale(argv.slice(1))
  const parsed = parseOptions(argv)
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(HELP)
      return 0
    case 'wrong':
      process.stderr.write(`${parsed.message}\n\n${HELP}`)
      return 2
    case 'run':
      return run(parsed.options)
  }
}

async function runRestart(argv: readonly string[]): Promise<number> {
  const parsed = parseRestart(argv)
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(RESTART_HELP)
      return 0
    case 'wrong':
      process.stderr.write(`${parsed.message}\n\n${RESTART_HELP}`)
      return 2
    case 'run': {
      const report = await restart(parsed.options, tell)
      process.stdout.write(parsed.json ? `${JSON.stringify(report)}\n` : renderRestart(report))
      return 0
    }
  }
}

async function runScale(argv: readonly string[]): Promise<number> {
  const parsed = parseScale(argv)
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(SCALE_HELP)
      return 0
    case 'wrong':
      process.stderr.write(`${parsed.message}\n\n${SCALE_HELP}`)
      return 2
    case 'run': {
      const report = await scale(parsed.options, tell)
      process.stdout.write(parsed.json ? `${JSON.stringify(report)}\n` : renderScale(report))
      return (report.retained?.faults.length ?? 0) > 0 ? 1 : 0
    }
  }
}

async function run(options: BenchOptions): Promise<number> {
  const former = options.compare === undefined ? undefined : readFormer(options.compare)
  if (former === 'unreadable') return 2
  const plan = planCpus()
  const reports: Report[] = []
  for (const workload of options.workloads) {
    const report = await measure(workload, options, plan)
    if (report === undefined) return 2
    reports.push(report)
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : `${renderReport(report)}\n`)
    if (options.save) tell(`saved: ${await saveResults(reports)}`)
    if (options.record && isValid(report)) await record(report)
    else if (options.record) tell(`${workload} is not recorded: some rounds are invalid`)
  }
  if (former !== undefined) process.stdout.write(renderComparison(reports, former.reports))
  return reports.every(isValid) ? 0 : 1
}

function isValid({ summaries }: Report): boolean {
  return summaries.every((summary) => summary.valid === summary.rounds)
}

/** Read before anything is measured: a wrong name is not to cost minutes. */
function readFormer(file: string): Results | 'unreadable' {
  try {
    return readResults(file)
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error))
    return 'unreadable'
  }
}

/** `undefined`: none of the servers can run here. */
async function measure(
  workload: WorkloadName,
  options: BenchOptions,
  plan: CpuPlan,
): Promise<Report | undefined> {
  const asked = SERVERS.filter(({ name }) => serversOf(workload, options).includes(name))
  const reasons = asked.map((server) => [server.name, server.unavailable()] as const)
  const missing = Object.fromEntries(reasons.flatMap(([name, why]) => (why ? [[name, why]] : [])))
  const present = asked.filter(({ name }) => missing[name] === undefined)
  const shape = shapeOf(workload, options)
  const contestants = contestantsOf(workload, shape, present)
  for (const [name, why] of Object.entries(missing)) tell(`${name} left out: ${why}`)
  if (contestants.length === 0) {
    tell(`${workload}: no server to measure`)
    return undefined
  }
  const outcomes = await contest(contestants, options.rounds, plan, (line) =>
    tell(`${workload}, ${line}`),
  )
  const summaries = outcomes.map(summarize)
  return {
    workload,
    unit: unitOf(workload),
    at: new Date().toISOString(),
    commit: commit(),
    machine: machine(),
    node: process.versions.node,
    shape,
    ...(plan.unpinned !== undefined && { unpinned: plan.unpinned }),
    goals: goalsOf(workload, options.said),
    summaries,
    ratios: ratios(outcomes),
    ...(workload === 'crossing' && { crossingCosts: crossingCosts(summaries) }),
    missing,
  }
}

/** What crosses needs two shards: those servers are meant where none of them is named. */
function serversOf(workload: WorkloadName, { servers }: BenchOptions): readonly ServerName[] {
  const sharded = shardedTidegates.map(({ name }) => name)
  const named = servers.some((name) => sharded.includes(name))
  return workload === 'crossing' && !named ? sharded : servers
}

function machine(): string {
  const processors = cpus()
  const model = processors[0]?.model.trim() ?? 'unknown CPU'
  return `${processors.length} × ${model}, ${process.platform} ${release()}`
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}
