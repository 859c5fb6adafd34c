/** The model with larger bounds: npm run model -- [states, 12 million by default]. */
import { LARGE, SMALL } from './bounds.ts'
import { explore } from './explorer.ts'
import { OwnershipModel } from './ownership-model.ts'

const maxStates = Number(process.argv[2] ?? 12_000_000)

for (const [name, bounds] of Object.entries({ ...SMALL, ...LARGE })) {
  let saidAt = performance.now()
  const outcome = explore(new OwnershipModel(bounds), maxStates, (states, transitions) => {
    if (performance.now() - saidAt < 1000) return
    saidAt = performance.now()
    process.stderr.write(`\r${name}: ${states} states, ${transitions} transitions `)
  })
  const { states, transitions, seconds, whole, broken, trace } = outcome
  const extent = whole ? 'all interleavings' : `the first ${states}`
  process.stdout.write(
    `\r${name}: ${states} states, ${transitions} transitions, ${seconds.toFixed(1)} s, ${extent}\n`,
  )
  if (broken === undefined) continue
  process.stdout.write(`${trace.join('\n')}\n${broken}\n`)
  process.exit(1)
}
