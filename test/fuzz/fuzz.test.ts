import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fuzz } from './fuzz.ts'
import { StreamMaker } from './stream.ts'

describe('mutated packets', () => {
  it('are the same for the same seed', () => {
    const [a, b, other] = [7, 7, 8].map((seed) => new StreamMaker(seed, []))
    let differ = 0
    for (let i = 0; i < 500; i++) {
      const stream = a?.stream(i)
      assert.deepEqual(stream, b?.stream(i))
      if (!stream?.bytes.equals(other?.stream(i).bytes as Buffer)) differ += 1
    }
    assert.ok(differ > 450)
  })

  it('close their own connection with a counted reason, and harm nobody and nothing', async (t) => {
    if (process.platform !== 'linux') return t.skip('reads /proc')
    const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000)
    t.diagnostic(`FUZZ_SEED=${seed}`)
    const outcome = await fuzz({ seed, packets: 50_000, warmUpPackets: 150_000 })
    t.diagnostic(JSON.stringify(outcome))
    assert.deepEqual(outcome.faults, [], `FUZZ_SEED=${seed}`)
    assert.ok(outcome.bystanders.received > 500, 'they were silent')
    assert.ok(outcome.closedByServer > 500, 'too little was wrong')
    return undefined
  })
})
