/**
 * The broker model by itself, for long runs. A seed that fails prints the shortest script that was found, and how to
 * play it again.
 *
 *   npm run broker-model -- --runs 10000
 *   npm run broker-model -- --seed 7 --path 3:1:0 --shards 2
 */
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { scriptsOn } from './play.ts'

const HELP = `Random MQTT clients on several shards, compared with a simple model.

  --runs <n>     scripts, over 1, 2 and 3 shards (default 10000)
  --seed <n>     of the scripts (default: of the clock)
  --shards <n>   only on so many
  --path <p>     of a script that failed, with its seed and shards: plays that one
`
const BATCH = 100

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    shards: { type: 'string' },
    path: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
})
if (values.help === true) process.stdout.write(HELP)
else await run()

async function run(): Promise<void> {
  const first = Number(values.seed ?? Date.now() % 1_000_000)
  const runs = Number(values.runs)
  const counts = values.shards === undefined ? [1, 2, 3] : [Number(values.shards)]
  const startedAt = performance.now()
  for (let done = 0, batch = 0; done < runs; batch++) {
    const shards = counts[batch % counts.length] as number
    const seed = values.path === undefined ? first + batch : first
    const path = values.path === undefined ? {} : { path: values.path }
    const outcome = await fc.check(scriptsOn(shards), { seed, numRuns: BATCH, ...path })
    if (outcome.failed) {
      const again = `--seed ${seed} --shards ${shards} --path ${outcome.counterexamplePath ?? ''}`
      process.stdout.write(
        `\n${fc.defaultReportMessage(outcome)}\n\n${String(outcome.errorInstance)}\n\n` +
          `again: npm run broker-model -- ${again}\n`,
      )
      process.exitCode = 1
      return
    }
    done += BATCH
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
    process.stderr.write(`\r${done} of ${runs} scripts, ${seconds} s `)
    if (values.path !== undefined) break
  }
  process.stdout.write(`\nno difference\n`)
}
