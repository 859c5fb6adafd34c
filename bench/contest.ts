/**
 * Rounds of several contestants, interleaved (A B C A B C …), so that what the machine does meanwhile
 * meets all of them. Every round has a fresh server process in an empty directory, and ends it.
 */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atExit } from './at-exit.ts'
import { Child } from './child.ts'
import type { CpuPlan } from './cpus.ts'
import type { Job, LoadResult } from './generator/job.ts'
import { clockTicks } from './process-usage.ts'
import { type Round, roundOf } from './round.ts'
import { type Door, HOST, type RunningServer, type ServerUnderTest } from './servers/server.ts'
import type { Shape } from './shape.ts'
import type { Traffic } from './traffic.ts'
import { COSTS, MEASURES, type Unit } from './unit.ts'

const generator = fileURLToPath(new URL('./generator/main.js', import.meta.url))
/** Connecting (at most 10,000 clients, twice), settling, draining. */
const AROUND_SEC = 90

export interface Contestant {
  readonly label: string
  readonly unit: Unit
  readonly server: ServerUnderTest
  readonly door: Door
  readonly shape: Shape
  readonly traffic: (shape: Shape, server: RunningServer) => Traffic | Promise<Traffic>
}

export interface Outcome {
  readonly contestant: Contestant
  /** In order; those of one index ran behind one another. */
  readonly rounds: readonly Round[]
}

/** @param tell  progress, a line a round */
export async function contest(
  contestants: readonly Contestant[],
  rounds: number,
  cpus: CpuPlan,
  tell: (line: string) => void,
): Promise<Outcome[]> {
  const outcomes = contestants.map((contestant) => ({ contestant, rounds: [] as Round[] }))
  for (let i = 1; i <= rounds; i++) {
    for (const outcome of outcomes) {
      const round = await runRound(outcome.contestant, cpus)
      outcome.rounds.push(round)
      tell(
        `round ${i} of ${rounds}, ${outcome.contestant.label}: ${described(round, outcome.contestant)}`,
      )
    }
  }
  return outcomes
}

async function runRound(contestant: Contestant, cpus: CpuPlan): Promise<Round> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-bench-'))
  const remove = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  const removed = atExit(remove)
  let server: RunningServer | undefined
  try {
    const place = { directory, cpu: cpus.server, door: contestant.door }
    server = await contestant.server.start(place)
    return roundOf(await load(contestant, server, cpus.generator))
  } catch (error) {
    return { kind: 'invalid', faults: [error instanceof Error ? error.message : String(error)] }
  } finally {
    await server?.child.stop()
    remove()
    removed()
  }
}

async function load(
  { shape, traffic }: Contestant,
  server: RunningServer,
  cpu: number | undefined,
): Promise<LoadResult> {
  const ticks = clockTicks()
  const job: Job = {
    ...(await traffic(shape, server)),
    host: HOST,
    port: server.port,
    serverPid: server.child.pid,
    ...(ticks !== undefined && { clockTicks: ticks }),
    ...(server.api && { api: server.api }),
  }
  const child = new Child('generator', cpu, process.execPath, [generator], JSON.stringify(job))
  const output = await child.finished((shape.warmSec + shape.seconds + AROUND_SEC) * 1000)
  return JSON.parse(output) as LoadResult
}

function described(round: Round, { unit }: Contestant): string {
  if (round.kind === 'invalid') return `INVALID: ${round.faults.join('; ')}`
  const { cost, rate } = MEASURES[unit]
  const found = round.figures[cost]?.toFixed(2) ?? 'n/a'
  return `${found} ${COSTS[cost]}, ${round.figures[rate]?.toFixed(0)} ${MEASURES[unit].plural}/s`
}
