import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FRAME_BYTES, FramePool } from '../../../actors/runtime/frame-pool.ts'

describe('frame pool', () => {
  it('gives what it was given, for as many bytes as fit', () => {
    const pool = new FramePool()
    const memory = new ArrayBuffer(4096)
    pool.give(memory)
    assert.notEqual(pool.take(4097).buffer, memory)
    assert.notEqual(pool.take(2048).buffer, memory, 'small needs do not use up large ones')
    assert.equal(pool.take(2049).buffer, memory)
    assert.notEqual(pool.take(2049).buffer, memory, 'once')
  })

  it('keeps four of a size, and none that is no power of two or more than a frame', () => {
    const pool = new FramePool()
    for (let i = 0; i < 9; i++) pool.give(new ArrayBuffer(1024))
    pool.give(new ArrayBuffer(2 * FRAME_BYTES))
    pool.give(new ArrayBuffer(5000))
    const fresh = new Set<ArrayBuffer>()
    for (let i = 0; i < 4; i++) fresh.add(pool.take(1024).buffer)
    assert.equal(fresh.size, 4)
    assert.equal(pool.take(2 * FRAME_BYTES).buffer.byteLength, 2 * FRAME_BYTES)
    assert.equal(pool.take(5000).buffer.byteLength, 8192)
  })
})
