/**
 * Memory of frames, used again: what another shard has sent is heard, and then carries what this one
 * sends. Fresh memory costs the kernel a page at a time, and the garbage collector its account of it.
 *
 * Bound: four buffers of each power of two up to a frame, 8 MiB a shard; more are let go.
 */
export const FRAME_BYTES = 1_048_576
const PER_SIZE = 4

export class FramePool {
  readonly #free: ArrayBuffer[][] = Array.from({ length: Math.log2(FRAME_BYTES) + 1 }, () => [])

  /** At least so many bytes, whole words, of any content; a power of two where that is within a frame. */
  take(bytes: number): Buffer<ArrayBuffer> {
    if (bytes > FRAME_BYTES) return Buffer.from(new ArrayBuffer((bytes + 3) & ~3))
    const size = 32 - Math.clz32(bytes - 1)
    return Buffer.from(this.#free[size]?.pop() ?? new ArrayBuffer(1 << size))
  }

  /** Memory of its own that nobody reads any more. */
  give(memory: ArrayBuffer): void {
    const size = 31 - Math.clz32(memory.byteLength)
    const free = this.#free[size]
    if (free === undefined || memory.byteLength !== 1 << size || free.length >= PER_SIZE) return
    free.push(memory)
  }
}
