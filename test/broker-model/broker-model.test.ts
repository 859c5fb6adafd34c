import { describe, it } from 'node:test'
import fc from 'fast-check'
import { scriptsOn } from './play.ts'

const RUNS = 600

describe('random clients', () => {
  for (const shards of [1, 2, 3]) {
    it(`hear on ${shards} shards what a simple model says`, async () => {
      await fc.assert(scriptsOn(shards), { numRuns: Math.ceil(RUNS / 3) })
    })
  }
})
