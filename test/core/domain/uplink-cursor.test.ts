import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PlatformError } from '../../../core/domain/errors.ts'
import { UplinkCursor } from '../../../core/domain/uplink-cursor.ts'

describe('UplinkCursor', () => {
  it('says every place, ascending by log, however it was advanced, and is read back', () => {
    const advances = fc.array(fc.tuple(fc.nat(70), fc.nat(Number.MAX_SAFE_INTEGER)), {
      minLength: 1,
    })
    const whole = fc.property(advances, (places) => {
      const cursor = new UplinkCursor()
      const model = new Map<number, number>()
      for (const [log, sequence] of places) {
        cursor.advance(log, sequence)
        model.set(log, sequence)
        const text = [...model]
          .sort(([a], [b]) => a - b)
          .map((place) => place.join(':'))
          .join(',')
        assert.equal(cursor.toString(), text)
      }
      const again = UplinkCursor.parse(cursor.toString())
      for (const [log, sequence] of model) assert.equal(again.sequence(log), sequence)
      assert.equal(again.toString(), cursor.toString())
    })
    fc.assert(whole)
  })

  it('takes the cursors of a platform with one log, and begins a log that it does not name', () => {
    const cursor = UplinkCursor.parse('0:123')
    assert.deepEqual([cursor.sequence(0), cursor.sequence(1)], [123, 0])
  })

  it('refuses what is no cursor, or names a log twice', () => {
    for (const text of [
      '',
      'latest',
      '0',
      '0:',
      ':1',
      '0:-1',
      '0:1,',
      '0:1, 1:2',
      '0:1;1:2',
      '65536:1',
      '0:9007199254740992',
      '0:1,1:2,0:3',
    ]) {
      const refused = (error: unknown): boolean =>
        error instanceof PlatformError && error.code === 'request.invalid'
      assert.throws(() => UplinkCursor.parse(text), refused, text)
    }
  })
})
