import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import { FrameCutter } from '../../../protocol/mqtt/frame-cutter.ts'

function cutAll(cutter: FrameCutter, chunks: readonly Buffer[]): string[] {
  const frames: string[] = []
  for (const chunk of chunks) {
    const fault = cutter.cut(chunk, chunk.length, (buffer, start, bodyStart, end) => {
      assert.ok(bodyStart > start && bodyStart <= end)
      frames.push(buffer.toString('hex', start, end))
      return true
    })
    assert.equal(fault, undefined)
  }
  return frames
}

describe('frame cutter', () => {
  it('finds the same packets wherever the stream is cut into chunks [MQTT-6.0.0-2]', () => {
    const sizes = fc.array(fc.oneof(fc.nat(4), fc.nat(200), fc.nat(70_000)), { maxLength: 8 })
    const same = fc.property(sizes, fc.array(fc.nat(400), { maxLength: 200 }), (payloads, cuts) => {
      const packets = payloads.map((size) =>
        mqttPacket.generate({
          cmd: 'publish',
          topic: 't',
          payload: Buffer.alloc(size, 7),
          qos: 0,
          dup: false,
          retain: false,
        }),
      )
      packets.push(Buffer.from([0xc0, 0]))
      const stream = Buffer.concat(packets)
      const chunks: Buffer[] = []
      let at = 0
      for (const cut of cuts) {
        chunks.push(stream.subarray(at, Math.min(stream.length, at + cut + 1)))
        at = Math.min(stream.length, at + cut + 1)
      }
      chunks.push(stream.subarray(at))
      const cutter = new FrameCutter(100_000)
      const expected = packets.map((packet) => packet.toString('hex'))
      assert.deepEqual(cutAll(cutter, chunks), expected)
      assert.equal(cutter.keptBytes, 0)
    })
    fc.assert(same, { numRuns: 200 })
  })

  it('refuses a packet above the bound by its length, before its body has come [MQTT-3.2.2-15]', () => {
    for (const cut of [2, 3, 4]) {
      const cutter = new FrameCutter(1000)
      const header = Buffer.from([0x30, 0xff, 0xff, 0x03]) // 65,535 bytes
      const never = (): boolean => assert.fail('no packet is whole')
      const first = cutter.cut(header.subarray(0, cut), cut, never)
      const fault = first ?? cutter.cut(header.subarray(cut), 4 - cut, never)
      assert.equal(fault?.reason, 'packet-too-large')
      assert.ok(cutter.keptBytes <= 5)
    }
  })

  it('refuses a remaining length of more than four bytes', () => {
    for (const cut of [1, 2, 3, 4, 5, 6]) {
      const cutter = new FrameCutter(1000)
      const bytes = Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01])
      const never = (): boolean => assert.fail('no packet is whole')
      const first = cutter.cut(bytes.subarray(0, cut), cut, never)
      const fault = first ?? cutter.cut(bytes.subarray(cut), 6 - cut, never)
      assert.equal(fault?.reason, 'malformed-length', `cut at ${cut}`)
    }
  })
})
