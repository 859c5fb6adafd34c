/**
 * Frames of the mesh: what one shard says to another in one turn, in one buffer.
 *
 *     frame    end: u32, granted: u32, message*     little endian; bytes behind `end` mean nothing
 *     message  lane and length: u32, channel: u8, body
 *
 * `end` counts from the start of the frame. `granted` gives the receiver of the frame that many data
 * bytes of credit back; it belongs to the control lane. Bit 31 of a message's first word is its lane
 * (1: control), the others are the length of its body. Messages stand in the order in which they were
 * said, both lanes mixed, and are heard in it. Body of a control message: mesh-body.ts; of a data
 * message: its channel's own.
 *
 * A frame is at most `FRAME_BYTES` long, except one with a single longer message. Its buffer is owned by
 * one thread at a time: it grows while it is gathered, then it is transferred.
 */
import { FRAME_BYTES, type FramePool } from './frame-pool.ts'

export const MESSAGE_HEAD_BYTES = 5
export const CONTROL = 0x8000_0000
export const DATA = 0

const FRAME_HEAD_BYTES = 8
const LENGTH_MASK = 0x7fff_ffff
const FIRST_BYTES = 1_024 // a handful of small messages; doubled as they become more

export interface FrameListener {
  granted(bytes: number): void
  /** The body is `buffer[start .. end)`, borrowed for the call. */
  control(channel: number, buffer: Buffer, start: number, end: number): void
  data(channel: number, buffer: Buffer, start: number, end: number): void
}

/** One or more frames that are being filled. */
export class GatheredFrames {
  /** The frame that is being filled: what `append` gave lies here until the next `append`. */
  buffer: Buffer<ArrayBuffer>
  /** The same memory. */
  words: Int32Array
  /** Messages gathered, by lane. */
  controls = 0
  datas = 0
  readonly #pool: FramePool
  #end = FRAME_HEAD_BYTES
  readonly #full: Buffer<ArrayBuffer>[] = []

  /** @param expectedBytes  size to begin with: that of the last frame is a good guess */
  constructor(expectedBytes: number, pool: FramePool) {
    this.#pool = pool
    this.buffer = pool.take(Math.min(FRAME_BYTES, Math.max(FIRST_BYTES, expectedBytes)))
    this.words = new Int32Array(this.buffer.buffer)
  }

  get empty(): boolean {
    return this.controls === 0 && this.datas === 0
  }

  /** Makes room for one message; returns where its body begins in `buffer`. */
  append(lane: typeof CONTROL | typeof DATA, channel: number, bytes: number): number {
    if (this.#end + MESSAGE_HEAD_BYTES + bytes > this.buffer.length) {
      this.#makeRoom(MESSAGE_HEAD_BYTES + bytes)
    }
    const at = this.#end
    const { buffer } = this
    buffer.writeInt32LE(lane === CONTROL ? bytes | CONTROL : bytes, at)
    buffer[at + 4] = channel
    this.#end = at + MESSAGE_HEAD_BYTES + bytes
    if (lane === CONTROL) this.controls += 1
    else this.datas += 1
    return at + MESSAGE_HEAD_BYTES
  }

  /** Takes the data messages out again; returns the credit they cost. */
  dropData(): number {
    let dropped = 0
    for (const frame of this.#full) dropped += compact(frame, frame.readUInt32LE(0))
    const last = compact(this.buffer, this.#end)
    this.#end -= last
    this.datas = 0
    return dropped + last
  }

  /** Ends the frames, oldest first; the first one carries the grant. Call once, last. */
  finish(granted: number): readonly Buffer<ArrayBuffer>[] {
    this.#seal()
    const [first] = this.#full
    first?.writeUInt32LE(granted, 4)
    return this.#full
  }

  #makeRoom(size: number): void {
    const wanted = this.#end + size
    if (wanted <= FRAME_BYTES) {
      const larger = this.#pool.take(
        Math.min(FRAME_BYTES, Math.max(this.buffer.length * 2, wanted)),
      )
      this.buffer.copy(larger, 0, 0, this.#end)
      this.#pool.give(this.buffer.buffer)
      this.buffer = larger
      this.words = new Int32Array(larger.buffer)
      return
    }
    if (this.#end > FRAME_HEAD_BYTES) this.#seal()
    this.#end = FRAME_HEAD_BYTES
    this.buffer = this.#pool.take(Math.max(FRAME_BYTES, FRAME_HEAD_BYTES + size)) // so busy a turn goes on
    this.words = new Int32Array(this.buffer.buffer)
  }

  #seal(): void {
    this.buffer.writeUInt32LE(this.#end, 0)
    this.buffer.writeUInt32LE(0, 4)
    this.#full.push(this.buffer)
  }
}

/** Bytes of a frame that mean something. */
export function frameBytes(frame: Buffer): number {
  return frame.readUInt32LE(0)
}

/**
 * Tells `listener` all that a frame says, in order. What the listener throws does not end it, and is
 * added to `failures`.
 */
export function readFrame(frame: Buffer, listener: FrameListener, failures: unknown[]): void {
  const end = frame.readUInt32LE(0)
  const granted = frame.readUInt32LE(4)
  if (granted > 0) listener.granted(granted)
  let at = FRAME_HEAD_BYTES
  while (at < end) {
    const head = frame.readInt32LE(at)
    const channel = frame[at + 4] as number
    const start = at + MESSAGE_HEAD_BYTES
    at = start + (head & LENGTH_MASK)
    try {
      if (head < 0) listener.control(channel, frame, start, at)
      else listener.data(channel, frame, start, at)
    } catch (error) {
      failures.push(error)
    }
  }
}

/** Moves the control messages together and writes the new end; returns by how much it is lower. */
function compact(frame: Buffer, end: number): number {
  let from = FRAME_HEAD_BYTES
  let to = FRAME_HEAD_BYTES
  while (from < end) {
    const head = frame.readInt32LE(from)
    const next = from + MESSAGE_HEAD_BYTES + (head & LENGTH_MASK)
    if (head < 0) {
      frame.copyWithin(to, from, next)
      to += next - from
    }
    from = next
  }
  frame.writeUInt32LE(to, 0)
  return end - to
}
