import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FOUND_WITHIN, SMALL } from './bounds.ts'
import { explore } from './explorer.ts'
import { MODEL_RULES, OwnershipModel } from './ownership-model.ts'

const MAX_STATES = 3_000_000

describe('custody of a number, in every interleaving', () => {
  for (const [name, bounds] of Object.entries(SMALL)) {
    it(`keeps its invariants with ${name}`, (t) => {
      const { broken, trace, whole, states } = explore(new OwnershipModel(bounds), MAX_STATES)
      assert.equal(broken, undefined, `${trace.join('\n')}\n${broken}`)
      assert.equal(whole, true)
      t.diagnostic(`${states} states`)
    })
  }

  for (const rule of MODEL_RULES) {
    it(`does not without the rule: ${rule}`, (t) => {
      const { broken, trace } = explore(new OwnershipModel(FOUND_WITHIN[rule], rule), MAX_STATES)
      assert.notEqual(broken, undefined)
      t.diagnostic(`after ${trace.length} steps: ${broken?.split('\n')[0]}`)
    })
  }
})
