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
          const last = given.at(-1)
          if (last === undefined) continue
          slab.pin(last.buffer.subarray(last.start, last.end))
          pinned = [...pinned, ...given.filter(({ buffer }) => buffer === last.buffer)]
        } else if (step === 'reset') {
          slab.reset()
          given = given.filter(
            ({ buffer }) => buffer === slab.buffer && pinned.some((one) => one.buffer === buffer),
          )
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
    slab.pin(slab.buffer.subarray(0, 1))
    slab.reset()
    assert.equal(slab.reserve(1), 1, 'a pinned one is filled on')
    slab.reserve(SLAB_BYTES)
    assert.notEqual(slab.buffer, buffer)
  })

  it('uses the slabs of a turn again, but for those that somebody reads', () => {
    const slab = new OutputSlab()
    const turn = (): Buffer[] => {
      const buffers = [1, 2, 3, 4].map(() => {
        slab.reserve(SLAB_BYTES)
        return slab.buffer
      })
      return buffers
    }
    const first = turn()
    slab.reset()
    assert.deepEqual(new Set(turn()), new Set(first))
    const [read] = first
    slab.pin((read as Buffer).subarray(10, 20))
    slab.reset()
    const third = turn()
    assert.equal(third.filter((buffer) => first.includes(buffer)).length, 3)
    assert.ok(!third.includes(read as Buffer))
  })

  it('has room for what is larger than itself', () => {
    const slab = new OutputSlab()
    slab.reserve(10)
    assert.equal(slab.reserve(SLAB_BYTES * 3), 0)
    assert.equal(slab.buffer.length, SLAB_BYTES * 3)
  })
})
