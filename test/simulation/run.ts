/**
 * The simulation by itself: one seed, or many. A seed that fails prints what led there.
 *
 *   npm run simulate -- --seed 7 --steps 100000
 *   npm run simulate -- --seeds 1000 --steps 100000
 */
import { parseArgs } from 'node:util'
import { BROKEN_RULES, type BrokenRule } from './broken-rules.ts'
import { simulate } from './simulate.ts'

const HELP = `Simulates shards, their mesh, deaths and restarts in one thread.

  --seed <n>     first seed (default: of the clock)
  --seeds <n>    how many, one after the other (default 1)
  --steps <n>    steps of each (default 100000)
  --broken <r>   break a rule on purpose: ${BROKEN_RULES.join(', ')}
`

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    steps: { type: 'string', default: '100000' },
    broken: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
})
if (values.help === true) {
  process.stdout.write(HELP)
} else {
  await run()
}

async function run(): Promise<void> {
  const first = Number(values.seed ?? Date.now() % 1_000_000)
  const seeds = Number(values.seeds)
  const steps = Number(values.steps)
  const broken = BROKEN_RULES.find((rule) => rule === values.broken) as BrokenRule | undefined
  if (values.broken !== undefined && broken === undefined) throw new Error(HELP)
  const startedAt = performance.now()
  let saidAt = startedAt
  const sums = { takeOvers: 0, acknowledged: 0, deaths: 0, kills: 0 }
  for (let i = 0; i < seeds; i++) {
    const outcome = await simulate(first + i, steps, broken)
    for (const key of ['takeOvers', 'acknowledged', 'deaths', 'kills'] as const) {
      sums[key] += outcome[key]
    }
    if (outcome.violation !== undefined) {
      const { trace, violation, seed } = outcome
      process.stdout.write(
        `${trace.join('\n')}\n\nseed ${seed}, step ${outcome.steps}: ${violation}\n`,
      )
      process.exitCode = 1
      return
    }
    if (performance.now() - saidAt > 1000 || i === seeds - 1) {
      saidAt = performance.now()
      const seconds = ((saidAt - startedAt) / 1000).toFixed(0)
      process.stdout.write(`${i + 1} of ${seeds} seeds, ${seconds} s: ${JSON.stringify(sums)}\n`)
    }
  }
}
