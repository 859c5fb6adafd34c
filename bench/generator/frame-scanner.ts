/**
 * Cuts received bytes into MQTT frames by their fixed header alone: the cheapest reader that still
 * counts. One per connection; keeps only what was cut off at the end of a read.
 */

/** Largest frame a server may send us: our largest payload and its topic. */
const MAX_FRAME_BYTES = 128 * 1024
/** What one read brings at most. */
export const READ_BYTES: number = 64 * 1024

const NOTHING = Buffer.alloc(0)
/** Where a cut frame meets its other part; shared, for it is only used within one call. */
const seam = Buffer.allocUnsafe(MAX_FRAME_BYTES + READ_BYTES)

export interface FrameReceiver {
  /** `first`: type and flags; the body is bytes[start, end), valid for this call only. */
  frame(first: number, bytes: Buffer, start: number, end: number): void
}

export class FrameScanner {
  readonly #receiver: FrameReceiver
  #rest: Buffer = NOTHING

  constructor(receiver: FrameReceiver) {
    this.#receiver = receiver
  }

  /** @returns false where the bytes are no MQTT, or a frame is larger than any we asked for */
  feed(chunk: Buffer, size: number): boolean {
    if (this.#rest.length === 0) return this.#scan(chunk, size)
    const held = this.#rest.copy(seam)
    const total = held + chunk.copy(seam, held, 0, size)
    this.#rest = NOTHING
    return this.#scan(seam, total)
  }

  #scan(bytes: Buffer, size: number): boolean {
    let at = 0
    while (size - at >= 2) {
      let start = at + 1
      let length = 0
      let shift = 0
      let byte = 0x80
      while (start < size && byte >= 0x80) {
        byte = bytes[start++] as number
        length |= (byte & 0x7f) << shift
        shift += 7
        if (shift > 28) return false // §2.2.3: four bytes at most
      }
      if (length > MAX_FRAME_BYTES - 5) return false
      if (byte >= 0x80 || start + length > size) break // cut off
      this.#receiver.frame(bytes[at] as number, bytes, start, start + length)
      at = start + length
    }
    if (at < size) this.#rest = Buffer.from(bytes.subarray(at, size)) // a copy: `bytes` is shared
    return true
  }
}
