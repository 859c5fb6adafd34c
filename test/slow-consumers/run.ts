/** Slow consumers at full size: npm run slow-consumers -- [clients, 100 by default] [megabytes, 1000 by default]. */
import { flood } from './flood.ts'

const clients = Number(process.argv[2] ?? 100)
const megabytes = Number(process.argv[3] ?? 1000)

let saidAt = performance.now()
const outcome = await flood({
  clients,
  bytes: megabytes * 1_000_000,
  onProgress: (bytes) => {
    if (performance.now() - saidAt < 1000) return
    saidAt = performance.now()
    process.stderr.write(`\r${Math.round(bytes / 1e6)} of ${megabytes} MB `)
  },
})
process.stdout.write(`\n${JSON.stringify(outcome, undefined, 2)}\n`)
const { rssBeforeMb, rssMostMb, boundMb } = outcome
process.stdout.write(
  `memory rose by ${rssMostMb - rssBeforeMb} MiB; the bounds allow ${boundMb} MiB\n`,
)
