/**
 * Cuts whole MQTT packets out of what a socket read, by index, without copying, whatever a read or a WebSocket
 * message holds [MQTT-6.0.0-2]. Only an unfinished packet is copied: into one buffer of its full size, so a large
 * packet in many reads is copied once.
 * Bound: `maxBytes` per packet, judged by the length field, before its body has arrived [MQTT-3.2.2-15].
 */
import type { Fault } from './reason-code.ts'
import { REASON } from './reason-code.ts'

/** Receives one whole packet, borrowed; returns false once the connection reads no more. */
export type OnFrame = (buffer: Buffer, start: number, bodyStart: number, end: number) => boolean

const MAX_HEADER = 5 // one byte of type, at most four of length (§2.1.4)

export class FrameCutter {
  maxBytes: number
  /** Where in the last `cut` its reader stopped; behind it, bytes were left uncut. */
  stoppedAt = 0
  #partial: Buffer | undefined = undefined
  #filled = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** Bytes of an unfinished packet that are kept. */
  get keptBytes(): number {
    return this.#partial?.length ?? 0
  }

  /** Cuts `buffer[0, length)`; returns the fault that ends the connection, if any. */
  cut(buffer: Buffer, length: number, onFrame: OnFrame): Fault | undefined {
    let from = 0
    while (this.#partial !== undefined) {
      const taken = this.#fill(buffer, from, length)
      if (taken < 0) return this.#fault()
      from += taken
      const whole = this.#whole()
      if (whole === undefined) return undefined
      const { body } = whole
      this.#partial = undefined
      this.stoppedAt = from
      if (!onFrame(whole.buffer, 0, body, whole.buffer.length)) return undefined
    }
    while (from < length) {
      let at = from + 1
      let remaining = 0
      let shift = 0
      let byte = 0x80
      while (at < length && byte >= 0x80) {
        if (shift > 21) return MALFORMED_LENGTH // §1.5.5
        byte = buffer[at++] as number
        remaining |= (byte & 0x7f) << shift
        shift += 7
      }
      if (byte >= 0x80) {
        if (shift > 21) return MALFORMED_LENGTH
        this.#keepHeader(buffer, from, length)
        return undefined
      }
      const end = at + remaining
      if (end - from > this.maxBytes) return tooLarge(end - from, this.maxBytes)
      if (end > length) {
        this.#partial = Buffer.allocUnsafeSlow(end - from)
        this.#filled = buffer.copy(this.#partial, 0, from, length)
        return undefined
      }
      this.stoppedAt = end
      if (!onFrame(buffer, from, at, end)) return undefined
      from = end
    }
    return undefined
  }

  /** The start of a header whose length field is not complete yet. */
  #keepHeader(buffer: Buffer, from: number, length: number): void {
    this.#partial = Buffer.allocUnsafeSlow(MAX_HEADER)
    this.#filled = buffer.copy(this.#partial, 0, from, length)
  }

  /** Takes what the unfinished packet still needs; -1 where its length is at fault. */
  #fill(buffer: Buffer, from: number, length: number): number {
    const partial = this.#partial as Buffer
    let taken = 0
    if (partial.length === MAX_HEADER && headerLength(partial, this.#filled) === 0) {
      while (from + taken < length && headerLength(partial, this.#filled) === 0) {
        if (this.#filled === MAX_HEADER) return -1
        partial[this.#filled++] = buffer[from + taken++] as number
      }
      const header = headerLength(partial, this.#filled)
      if (header === 0) return this.#filled === MAX_HEADER ? -1 : taken
      const total = header + remainingLength(partial, header)
      if (total > this.maxBytes) return -1
      this.#partial = Buffer.allocUnsafeSlow(total)
      partial.copy(this.#partial, 0, 0, this.#filled)
    }
    const target = this.#partial as Buffer
    const copied = buffer.copy(target, this.#filled, from + taken, length)
    this.#filled += copied
    return taken + copied
  }

  #whole(): { buffer: Buffer; body: number } | undefined {
    const partial = this.#partial as Buffer
    const body = headerLength(partial, this.#filled)
    if (body === 0) return undefined
    if (this.#filled < body + remainingLength(partial, body)) return undefined
    return { buffer: partial, body }
  }

  #fault(): Fault {
    const partial = this.#partial as Buffer
    const header = headerLength(partial, this.#filled)
    if (header === 0) return MALFORMED_LENGTH
    return tooLarge(header + remainingLength(partial, header), this.maxBytes)
  }
}

/** Bytes of the fixed header, 0 while its length field is incomplete. */
function headerLength(buffer: Buffer, filled: number): number {
  for (let at = 1; at < filled && at < MAX_HEADER; at++) {
    if ((buffer[at] as number) < 0x80) return at + 1
  }
  return 0
}

function remainingLength(buffer: Buffer, header: number): number {
  let value = 0
  for (let at = header - 1; at >= 1; at--) value = value * 128 + ((buffer[at] as number) & 0x7f)
  return value
}

const MALFORMED_LENGTH: Fault = {
  code: REASON.malformedPacket,
  reason: 'malformed-length',
  message: 'the remaining length takes more than four bytes',
}

function tooLarge(bytes: number, limit: number): Fault {
  return {
    code: REASON.packetTooLarge,
    reason: 'packet-too-large',
    message: `a packet of ${bytes} bytes; at most ${limit} are taken here`,
  }
}
