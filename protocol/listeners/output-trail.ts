/**
 * What a socket sends of packets that others send, too: a chain of frames, each a step behind the one before. Sockets
 * that got the same frames in a turn stand at the same place, and the bytes of that chain are joined once for all of them.
 *
 * One root for each turn, on the slab; bounded by what was shared in the turn.
 */
import type { SharedFrame } from '../mqtt/output.ts'

/** Memory of the turn: `reserve` may change `buffer`. */
interface Memory {
  readonly buffer: Buffer
  reserve(bytes: number): number
}

export class OutputTrail {
  readonly frame: SharedFrame | undefined
  readonly before: OutputTrail | undefined
  /** Of the whole chain. */
  readonly length: number
  #next: OutputTrail | undefined = undefined
  #bytes: Buffer | undefined = undefined

  constructor(before?: OutputTrail, frame?: SharedFrame) {
    this.frame = frame
    this.before = before
    this.length =
      before === undefined || frame === undefined ? 0 : before.length + frame.end - frame.start
  }

  /** The place behind one more frame. */
  follow(frame: SharedFrame): OutputTrail {
    const next = this.#next
    if (next !== undefined && next.frame === frame) return next
    const made = new OutputTrail(this, frame)
    this.#next = made
    return made
  }

  get used(): boolean {
    return this.#next !== undefined
  }

  /** The frames, in their order. */
  frames(): SharedFrame[] {
    if (this.frame === undefined) return []
    const frames = [this.frame]
    for (let at = this.before; at?.frame !== undefined; at = at.before) frames.push(at.frame)
    return frames.reverse()
  }

  /** All of it in one piece. */
  bytes(slab: Memory): Buffer {
    this.#bytes ??= this.#join(slab)
    return this.#bytes
  }

  #join(slab: Memory): Buffer {
    const frames = this.frames()
    const [first] = frames
    if (frames.length === 1 && first !== undefined) {
      return first.buffer.subarray(first.start, first.end)
    }
    const start = slab.reserve(this.length)
    const { buffer } = slab
    let at = start
    for (const { buffer: from, start: begin, end } of frames)
      at += from.copy(buffer, at, begin, end)
    return buffer.subarray(start, at)
  }
}
