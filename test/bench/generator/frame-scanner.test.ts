import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FrameScanner } from '../../../bench/generator/frame-scanner.ts'
import { encodePublish } from '../../../bench/generator/frames.ts'

describe('frame scanner', () => {
  it('finds the same frames wherever the reads are cut', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 })
    const cuts = fc.array(fc.nat(2000), { maxLength: 10 })
    const sameFrames = fc.property(payloads, cuts, (bodies, at) => {
      const frames = bodies.map((body) => encodePublish('t', Buffer.from(body), 1, 7))
      const bytes = Buffer.concat(frames)
      const ends = [...at.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
      const { scanner, found } = recording()
      let from = 0
      for (const end of ends) {
        assert.ok(scanner.feed(bytes.subarray(from, end), end - from))
        from = end
      }
      assert.deepEqual(
        found,
        frames.map((frame) => frame.subarray(frame.length < 130 ? 2 : 3).toString('hex')),
      )
    })
    fc.assert(sameFrames)
  })

  it('refuses a length of five bytes, and a frame larger than any that was asked for', () => {
    for (const bytes of [
      Buffer.of(0x30, 0x80, 0x80, 0x80, 0x80, 1),
      Buffer.of(0x30, 0xff, 0xff, 0x7f),
    ]) {
      assert.equal(recording().scanner.feed(bytes, bytes.length), false)
    }
  })
})

function recording(): { scanner: FrameScanner; found: string[] } {
  const found: string[] = []
  const scanner = new FrameScanner({
    frame: (_, bytes, start, end) => found.push(bytes.toString('hex', start, end)),
  })
  return { scanner, found }
}
