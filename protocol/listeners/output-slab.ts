/**
 * Memory for what a shard writes in a turn: slabs, filled from the front by all its connections, and used again in the
 * next turns if the kernel took everything. A write that is still under way pins its slab, which is then left to the
 * collector, never overwritten; the one that is being filled is filled to its end first.
 *
 * Bound: `MAX_FREE` slabs are kept. Fresh memory costs more than what is written into it: at 1 KiB a message a new slab
 * each time made a message a third dearer.
 */
import { OutputTrail } from './output-trail.ts'

const SLAB_BYTES = 262_144
const MAX_FREE = 16 // 4 MiB: some turns' worth of output

export class OutputSlab {
  /** Where the packets begin that several sockets send in this turn. */
  trail: OutputTrail = new OutputTrail()
  buffer: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #offset = 0
  /** Filled in this turn, before `buffer`. */
  #filled: Buffer[] = []
  #free: Buffer[] = []
  readonly #pinned = new Set<ArrayBufferLike>()

  /** How much of `buffer` was given. */
  get end(): number {
    return this.#offset
  }

  /** Room for `bytes`, all in one piece; returns where. May change `buffer`. */
  reserve(bytes: number): number {
    if (this.#offset + bytes > this.buffer.length) {
      this.#filled.push(this.buffer)
      this.buffer = this.#slabOf(bytes)
      this.#offset = 0
    }
    const at = this.#offset
    this.#offset = at + bytes
    return at
  }

  /** Somebody still reads these bytes: their slab may not be used again. */
  pin(bytes: Buffer): void {
    this.#pinned.add(bytes.buffer)
  }

  /** All of this turn's output was handed on. */
  readonly reset = (): void => {
    if (this.#filled.length > 0) this.#sort()
    if (!this.#pinned.has(this.buffer.buffer)) this.#offset = 0
    if (this.trail.used) this.trail = new OutputTrail()
  }

  #slabOf(bytes: number): Buffer {
    if (bytes > SLAB_BYTES) return Buffer.allocUnsafeSlow(bytes)
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES)
  }

  #sort(): void {
    for (const slab of this.#filled) {
      if (this.#pinned.delete(slab.buffer) || slab.length !== SLAB_BYTES) continue
      if (this.#free.length < MAX_FREE) this.#free.push(slab)
    }
    this.#filled = []
  }
}
