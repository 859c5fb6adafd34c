import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { InflightWindow } from '../../../actors/session/inflight-window.ts'

describe('inflight window', () => {
  it('gives no packet id twice at a time, whatever the order of acknowledgements [MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.3-1]', () => {
    const script = fc.array(fc.tuple(fc.boolean(), fc.nat()), { minLength: 1, maxLength: 400 })
    const sizes = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 65_535 }))
    const unique = fc.property(script, sizes, (steps, size) => {
      const window = new InflightWindow(size)
      const out: number[] = []
      for (const [take, pick] of steps) {
        if (take && !window.full) {
          const id = window.take()
          assert.ok(id >= 1 && id <= 65_535 && !out.includes(id))
          out.push(id)
        } else if (out.length > 0) {
          const [id] = out.splice(pick % out.length, 1)
          assert.equal(window.release(id as number), true)
          assert.equal(window.release(id as number), false, 'released twice')
        }
        assert.ok(window.count >= out.length && window.count <= size)
      }
      for (const id of out) assert.equal(window.release(id), true)
      assert.equal(window.count, 0)
    })
    fc.assert(unique)
  })

  it('goes on behind 65,535 with 1, never 0 [MQTT-2.2.1-4]', () => {
    const window = new InflightWindow(64)
    const held: number[] = []
    for (let i = 0; i < 200_000; i++) {
      if (window.full) assert.ok(window.release(held.shift() as number))
      held.push(window.take())
      assert.ok(held.at(-1) !== 0)
    }
    assert.equal(new Set(held).size, held.length)
  })

  it('may hold every packet id there is, and frees them in any order', () => {
    const window = new InflightWindow(65_535)
    const ids: number[] = []
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 1000; i++) window.release(window.take()) // it begins at another id
      while (!window.full) ids.push(window.take())
      assert.equal(new Set(ids).size, 65_535)
      assert.equal(window.release(0), false)
      const oldest = ids.shift() as number
      for (const id of ids.reverse()) {
        assert.equal(window.release(id), true)
        assert.equal(window.release(id), false)
      }
      assert.deepEqual([window.count, window.full], [65_535, true])
      assert.equal(window.release(oldest), true)
      assert.equal(window.count, 0)
      ids.length = 0
    }
  })

  it('knows no id that was never taken', () => {
    const window = new InflightWindow(4)
    assert.equal(window.release(1), false)
    window.take()
    assert.equal(window.release(2), false)
    assert.equal(window.release(0), false)
  })
})
