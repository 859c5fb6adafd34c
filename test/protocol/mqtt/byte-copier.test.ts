import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { copyBytes } from '../../../protocol/mqtt/byte-copier.ts'

describe('copyBytes', () => {
  it('copies just these bytes, whatever memory they lie in and came from before', () => {
    const sources = [1000, 1000, 300].map((n) =>
      Uint8Array.from({ length: n }, (_, i) => i * 7 + n),
    )
    const pool = Buffer.alloc(3000, 1)
    const targets = [pool.subarray(3, 1203), pool.subarray(1203, 2900), Buffer.alloc(1200)]
    const copy = fc.record({
      to: fc.nat(2),
      from: fc.nat(2),
      at: fc.nat(800),
      start: fc.nat(100),
      length: fc.oneof(fc.nat(12), fc.integer({ min: 40, max: 200 })),
    })
    fc.assert(
      fc.property(fc.array(copy, { minLength: 1, maxLength: 30 }), (script) => {
        for (const { to, from, at, start, length } of script) {
          const [target, source] = [targets[to] as Buffer, sources[from] as Uint8Array]
          const expected = Buffer.from(target)
          expected.set(source.slice(start, start + length), at)
          assert.equal(copyBytes(target, at, source, start, start + length), at + length)
          assert.ok(target.equals(expected))
        }
      }),
      { numRuns: 300 },
    )
  })
})
