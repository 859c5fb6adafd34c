import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { asked, given, held, PresenceTable, UNOWNED } from '../../actors/runtime/presence-table.ts'
import { sweep } from '../../threads/shard-supervisor.ts'

const [DEAD, B, C] = [1, 2, 3]

describe('sweep of the presence table behind a dead shard', () => {
  const rows: readonly (readonly [string, number, number])[] = [
    ['nobody had it', UNOWNED, UNOWNED],
    ['it had it, with a connection', held(DEAD, true), UNOWNED],
    ['it had it, without one', held(DEAD, false), UNOWNED],
    ['it was asked for it', asked(DEAD, B, true), UNOWNED],
    ['it had given it', given(DEAD, B), UNOWNED],
    ['it was being given it', given(B, DEAD), UNOWNED],
    ['it had asked for it', asked(B, DEAD, true), held(B, true)],
    ['another has it', held(B, true), held(B, true)],
    ['another asked another', asked(B, C, false), asked(B, C, false)],
    ['another gives it to another', given(B, C), given(B, C)],
  ]
  for (const [what, before, after] of rows) {
    it(`leaves ${name(after)} where ${what}`, () => {
      const presence = PresenceTable.create(3)
      for (const number of [1, 3]) presence.swap(number, UNOWNED, before)
      presence.raiseEpoch(3)
      sweep(presence, DEAD)
      assert.deepEqual(
        [1, 2, 3].map((n) => presence.word(n)),
        [after, UNOWNED, after],
      )
      assert.equal(presence.epoch(3), 1, 'epochs only rise')
    })
  }
})

function name(word: number): string {
  return word === UNOWNED ? 'the number to nobody' : `the word ${word.toString(16)}`
}
