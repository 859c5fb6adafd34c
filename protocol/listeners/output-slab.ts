/**
 * Memory for what a shard writes in a turn: one slab, filled from the front by all its connections, and
 * used again in the next turn if the kernel took everything. A write that is still under way pins the
 * slab; it is then filled to its end and left to the collector, never overwritten.
 */
import { OutputTrail } from './output-trail.ts'

const SLAB_BYTES = 262_144

export class OutputSlab {
  /** Where the packets begin that several sockets send in this turn. */
  trail: OutputTrail = new OutputTrail()
  buffer: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #offset = 0
  #pinned = false

  /** How much of it was given. */
  get end(): number {
    return this.#offset
  }

  /** Room for `bytes`, all in one piece; returns where. May change `buffer`. */
  reserve(bytes: number): number {
    if (this.#offset + bytes > this.buffer.length) {
      this.buffer = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes))
      this.#offset = 0
      this.#pinned = false
    }
    const at = this.#offset
    this.#offset = at + bytes
    return at
  }

  /** Somebody still reads from the slab: it may not be used again. */
  pin(): void {
    this.#pinned = true
  }

  /** All of this turn's output was handed on. */
  readonly reset = (): void => {
    if (!this.#pinned) this.#offset = 0
    if (this.trail.used) this.trail = new OutputTrail()
  }
}
