import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { OutputSlab } from '../../../protocol/listeners/output-slab.ts'

const SLAB_BYTES = 262_144

describe('output slab', () => {
  it('gives room in one piece that nobody else has, until it is reset; pinned room for ever', () => {
    const steps = fc.oneof(fc.nat(100_000), fc.constantFrom('pin', 'reset'))
    const disjoint = fc.property(fc.array(steps, { maxLength: 60 }), (script) => {
      const slab = new OutputSlab()
      let given: { readonly buffer: Buffer; readonly start: number; readonly end: number }[] = []
      let pinned: typeof given = []
      for (const step of script) {
        if (step === 'pin') {
          slab.pin()
          pinned = [...pinned, ...given]
        } else if (step === 'reset') {
          slab.reset()
          given = pinned.filter(({ buffer }) => buffer === slab.buffer)
        } else {
          const start = slab.reserve(step as number)
          const end = start + (step as number)
          const { buffer } = slab
          assert.ok(end <= buffer.length)
          for (const other of [...given, ...pinned]) {
            const apart = other.buffer !== buffer || other.end <= start || other.start >= end
            assert.ok(apart, 'two hold the same bytes')
          }
          given.push({ buffer, start, end })
        }
      }
    })
    fc.assert(disjoint, { numRuns: 300 })
  })

  it('is one buffer, used again turn by turn', () => {
    const slab = new OutputSlab()
    const { buffer } = slab
    for (let turn = 0; turn < 10; turn++) {
      assert.equal(slab.reserve(SLAB_BYTES), 0)
      slab.reset()
    }
    assert.equal(slab.buffer, buffer)
    slab.reserve(1)
    slab.pin()
    slab.reset()
    assert.equal(slab.reserve(1), 1, 'a pinned one is filled on')
    slab.reserve(SLAB_BYTES)
    assert.notEqual(slab.buffer, buffer)
  })

  it('has room for what is larger than itself', () => {
    const slab = new OutputSlab()
    slab.reserve(10)
    assert.equal(slab.reserve(SLAB_BYTES * 3), 0)
    assert.equal(slab.buffer.length, SLAB_BYTES * 3)
  })
})
