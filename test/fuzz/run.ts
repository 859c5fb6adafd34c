/**
 * The fuzz at full size, for long runs. A stream that breaks a promise can be played again.
 *
 *   npm run fuzz -- --packets 1000000
 *   npm run fuzz -- --seed 7 --stream 1234
 */
import { parseArgs } from 'node:util'
import { fuzz, replay } from './fuzz.ts'

const HELP = `Mutated MQTT against a live server, beside clients that keep to the standard.

  --packets <n>   mutated and valid ones together (default 1000000), behind a warm-up of as many
  --seed <n>      of the packets (default: of the clock)
  --stream <i>    only this connection of the seed, by itself
`

const { values } = parseArgs({
  options: {
    packets: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
    stream: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
})
const seed = Number(values.seed ?? Date.now() % 1_000_000)
if (values.help === true) process.stdout.write(HELP)
else if (values.stream !== undefined) await one(Number(values.stream))
else await all(Number(values.packets))

async function one(index: number): Promise<void> {
  for (const { stream, ...verdict } of await replay(seed, [index])) {
    const { bytes, chunks, ...facts } = stream
    const said = { ...facts, chunks: chunks.join(' '), bytes: bytes.toString('hex'), ...verdict }
    process.stdout.write(`${JSON.stringify(said, undefined, 2)}\n`)
  }
}

async function all(packets: number): Promise<void> {
  process.stderr.write(`seed ${seed}\n`)
  let saidAt = performance.now()
  const outcome = await fuzz({
    seed,
    packets,
    warmUpPackets: packets,
    onProgress: (done, connections) => {
      if (performance.now() - saidAt < 1000) return
      saidAt = performance.now()
      process.stderr.write(`\r${done} of ${packets * 2} packets, ${connections} connections `)
    },
  })
  process.stdout.write(`\n${JSON.stringify(outcome, undefined, 2)}\n`)
  const { faults } = outcome
  if (faults.length > 0)
    process.stdout.write(`again: npm run fuzz -- --seed ${seed} [--stream <i>]\n`)
  process.exitCode = faults.length > 0 ? 1 : 0
}
