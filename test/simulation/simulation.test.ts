import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BROKEN_RULES } from './broken-rules.ts'
import { simulate } from './simulate.ts'

const STEPS = 10_000
const FIXED_SEEDS = 40
const RANDOM_SEEDS = 10
const SEARCHED_SEEDS = 60

async function assertClean(seed: number): Promise<{ takeOvers: number; deaths: number }> {
  const { violation, trace, takeOvers, deaths } = await simulate(seed, STEPS)
  const again = `npm run simulate -- --seed ${seed} --steps ${STEPS}`
  assert.equal(violation, undefined, `${trace.slice(-60).join('\n')}\n${violation}\n${again}`)
  return { takeOvers, deaths }
}

describe('several shards under a seeded scheduler', () => {
  it('keep every promise through take-overs, stalls, deaths and restarts', async () => {
    let takeOvers = 0
    let deaths = 0
    for (let seed = 1; seed <= FIXED_SEEDS; seed++) {
      const outcome = await assertClean(seed)
      takeOvers += outcome.takeOvers
      deaths += outcome.deaths
    }
    assert.ok(takeOvers > 10_000 && deaths > 50, 'or it has tried too little')
  })

  it('keep them with seeds that nobody has tried before', async (t) => {
    const first = Date.now() % 1_000_000_000
    t.diagnostic(`seeds from ${first} on`)
    for (let i = 0; i < RANDOM_SEEDS; i++) await assertClean(first + i)
  })

  for (const rule of BROKEN_RULES) {
    it(`are found out where a rule is broken: ${rule}`, async () => {
      for (let seed = 1; seed <= SEARCHED_SEEDS; seed++) {
        const { violation } = await simulate(seed, STEPS, rule)
        if (violation !== undefined) return
      }
      assert.fail(`${SEARCHED_SEEDS} seeds ran clean`)
    })
  }
})
