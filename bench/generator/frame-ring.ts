/**
 * The PUBLISH frames of one publisher, encoded once and sent for ever: the frames of a window lie
 * behind one another twice, so that any run of up to a window is one slice without a copy.
 *
 * Packet ids are 1 to `window`. An id comes round again only after `window` further messages, and no
 * more than `window` are ever unacknowledged, so none is used twice at a time (§2.3.1; servers
 * acknowledge in order, [MQTT-4.6.0-2]).
 */
import { encodePublish, PINGREQ } from './frames.ts'

/** A double: milliseconds of the monotonic clock. */
export const STAMP_BYTES = 8

export interface RingContent {
  readonly topic: string
  /** Taken in turn, one a frame. */
  readonly payloads: readonly Buffer[]
  readonly qos: 0 | 1
  /** Frames in the ring. */
  readonly window: number
  /** A PINGREQ follows every so many frames; 0: none. Divides `window`. */
  readonly pingEvery: number
}

export class FrameRing {
  readonly #bytes: Buffer
  readonly #ends: number[] // of each frame with the PINGREQ behind it; [0] is 0
  readonly #stamps: number[] = [] // where the payload of each begins
  readonly #window: number

  constructor(content: RingContent) {
    const { topic, payloads, qos, window, pingEvery } = content
    const parts: Buffer[] = []
    const ends = [0]
    let size = 0
    for (let i = 0; i < 2 * window; i++) {
      const slot = i % window
      const payload = payloads[slot % payloads.length] ?? Buffer.alloc(0)
      const frame = encodePublish(topic, payload, qos, slot + 1)
      const pinged = pingEvery > 0 && (i + 1) % pingEvery === 0
      parts.push(frame)
      this.#stamps.push(size + frame.length - payload.length)
      if (pinged) parts.push(PINGREQ)
      size += frame.length + (pinged ? PINGREQ.length : 0)
      ends.push(size)
    }
    this.#bytes = Buffer.concat(parts, size)
    this.#ends = ends
    this.#window = window
  }

  /** The frames of messages `sent` to `sent + count - 1`; count at most the window. */
  slice(sent: number, count: number): Buffer {
    const from = sent % this.#window
    return this.#bytes.subarray(this.#ends[from], this.#ends[from + count])
  }

  /**
   * Writes when message `sent` is due over the head of its payload, STAMP_BYTES of it. The frame before it in the
   * same place has left by then: it is a whole window older.
   */
  stamp(sent: number, dueMs: number): void {
    this.#bytes.writeDoubleBE(dueMs, this.#stamps[sent % this.#window] as number)
  }
}
