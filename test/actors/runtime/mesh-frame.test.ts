import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FRAME_BYTES, FramePool } from '../../../actors/runtime/frame-pool.ts'
import { decodeBody, encodeBody } from '../../../actors/runtime/mesh-body.ts'
import {
  CONTROL,
  DATA,
  frameBytes,
  GatheredFrames,
  readFrame,
} from '../../../actors/runtime/mesh-frame.ts'

interface Message {
  readonly lane: typeof CONTROL | typeof DATA
  readonly channel: number
  readonly body: Uint8Array
}

const messages = fc.array(
  fc.record(
    {
      lane: fc.constantFrom(CONTROL, DATA),
      channel: fc.integer({ min: 1, max: 255 }),
      // Bytes of one value: sizes around the growth and the cut matter, not what is in them.
      body: fc
        .tuple(fc.oneof(fc.nat(50), fc.nat(5_000), fc.nat(600_000)), fc.nat(255))
        .map(([length, byte]) => new Uint8Array(length).fill(byte)),
    },
    { noNullPrototype: true },
  ),
  { maxLength: 12 },
)

/** With used memory in it: what it held before must not show. */
const pool = new FramePool()
for (let size = 10; size <= 20; size++) pool.give(new Uint8Array(1 << size).fill(0xee).buffer)

function gather(said: readonly Message[]): GatheredFrames {
  const frames = new GatheredFrames(0, pool)
  for (const { lane, channel, body } of said) {
    const at = frames.append(lane, channel, body.length)
    frames.buffer.set(body, at)
  }
  return frames
}

function read(frames: readonly Buffer[]): { heard: Message[]; granted: number } {
  const heard: Message[] = []
  let granted = 0
  const keep =
    (lane: Message['lane']) =>
    (channel: number, buffer: Buffer, start: number, end: number): void => {
      heard.push({ lane, channel, body: new Uint8Array(buffer.subarray(start, end)) })
    }
  const failures: unknown[] = []
  const listener = {
    granted: (by: number) => (granted += by),
    control: keep(CONTROL),
    data: keep(DATA),
  }
  for (const frame of frames) {
    readFrame(frame, listener, failures)
    pool.give(frame.buffer as ArrayBuffer)
  }
  assert.deepEqual(failures, [])
  return { heard, granted }
}

describe('mesh frame', () => {
  it('has the bytes of its grammar', () => {
    const [frame] = gather([
      { lane: CONTROL, channel: 1, body: Uint8Array.of(0xc0) },
      { lane: DATA, channel: 255, body: Uint8Array.of(7, 8) },
    ]).finish(258)
    assert.ok(frame)
    const bytes = '15000000' + '02010000' + '01000080' + '01' + 'c0' + '02000000' + 'ff' + '0708'
    assert.equal(frame.toString('hex', 0, frameBytes(frame)), bytes)
  })

  it('is heard as it was said, in order, with its grant once', () => {
    const heardAsSaid = fc.property(messages, fc.nat(0xffff_ffff), (said, grant) => {
      const { heard, granted } = read(gather(said).finish(grant))
      assert.deepEqual(heard, said)
      assert.equal(granted, grant)
    })
    fc.assert(heardAsSaid, { numRuns: 50 })
  })

  it('is no longer than a mebibyte, except for one longer message alone', () => {
    const bounded = fc.property(messages, (said) => {
      const lengths = gather(said).finish(0).map(frameBytes)
      for (const length of lengths) assert.ok(length <= FRAME_BYTES)
    })
    fc.assert(bounded, { numRuns: 50 })
    const big = { lane: DATA, channel: 1, body: new Uint8Array(FRAME_BYTES) } as const
    const small = { lane: DATA, channel: 1, body: new Uint8Array(10) } as const
    const lengths = gather([small, big, small, small]).finish(0).map(frameBytes)
    assert.deepEqual(lengths, [23, FRAME_BYTES + 13, 38])
  })

  it('loses exactly its data when that is dropped, and says what it cost', () => {
    const onlyControl = fc.property(messages, (said) => {
      const frames = gather(said)
      const data = said.filter(({ lane }) => lane === DATA)
      assert.equal(
        frames.dropData(),
        data.reduce((sum, { body }) => sum + 5 + body.length, 0),
      )
      assert.equal(frames.datas, 0)
      assert.equal(frames.empty, data.length === said.length)
      assert.deepEqual(
        read(frames.finish(0)).heard,
        said.filter(({ lane }) => lane === CONTROL),
      )
    })
    fc.assert(onlyControl, { numRuns: 50 })
  })
})

describe('body of a control message', () => {
  it('keeps undefined apart from null, and shares no memory with the frame', () => {
    const body = [
      null,
      undefined,
      { a: undefined, b: [1.5, -7, 2 ** 40, 5n] },
      'ä',
      Buffer.from('ab'),
    ]
    const frame = Buffer.concat([Buffer.alloc(3), encodeBody(body), Buffer.alloc(2)])
    const decoded = decodeBody(frame, 3, frame.length - 2) as unknown[]
    frame.fill(0)
    assert.deepEqual(decoded, body)
    assert.ok('a' in (decoded[2] as object))
  })
})
