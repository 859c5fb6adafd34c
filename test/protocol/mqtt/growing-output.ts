/** An output of one packet after the other, which moves to another buffer at every `reserve`. */
import type { Output } from '../../../protocol/mqtt/output.ts'

export class GrowingOutput implements Output {
  buffer: Buffer = Buffer.alloc(0)
  length = 0

  reserve(bytes: number): number {
    const at = this.length
    const grown = Buffer.alloc(at + bytes)
    this.buffer.copy(grown)
    this.buffer = grown
    this.length = at + bytes
    return at
  }

  bytes(): Buffer {
    return this.buffer.subarray(0, this.length)
  }
}
