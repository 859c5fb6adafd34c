/**
 * Publications that wait behind a full inflight window, copied, oldest first. Bounded by count and bytes;
 * at the bound `offer` refuses and the session ends, since it may lose nothing.
 */
import type { Publication } from '../../core/ports/publication.ts'

export interface QueueBounds {
  readonly messages: number
  readonly bytes: number
}

export class KeptQueue {
  readonly #bounds: QueueBounds
  #items: (Publication | undefined)[] = []
  #head = 0
  #bytes = 0

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds
  }

  get size(): number {
    return this.#items.length - this.#head
  }

  offer(publication: Publication): boolean {
    const kept = copy(publication)
    const bytes = kept.buffer.length
    if (this.size >= this.#bounds.messages || this.#bytes + bytes > this.#bounds.bytes) return false
    this.#items.push(kept)
    this.#bytes += bytes
    return true
  }

  take(): Publication | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    this.#items[this.#head] = undefined // let the collector have it
    this.#head += 1
    this.#bytes -= item.buffer.length
    if (this.#head === this.#items.length) {
      this.#items = []
      this.#head = 0
    } else if (this.#head >= 1024) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }
}

/** A copy that outlives the turn: only the bytes that matter, in a buffer of their own. */
function copy(p: Publication): Publication {
  const topicBytes = p.topicEnd - p.topicStart
  const propertyBytes = p.propertiesEnd - p.propertiesStart
  const total = topicBytes + propertyBytes + (p.payloadEnd - p.payloadStart)
  const buffer = new Uint8Array(total)
  buffer.set(p.buffer.subarray(p.topicStart, p.topicEnd), 0)
  buffer.set(p.buffer.subarray(p.propertiesStart, p.propertiesEnd), topicBytes)
  buffer.set(p.buffer.subarray(p.payloadStart, p.payloadEnd), topicBytes + propertyBytes)
  return {
    buffer,
    qos: p.qos,
    topicStart: 0,
    topicEnd: topicBytes,
    propertiesStart: topicBytes,
    propertiesEnd: topicBytes + propertyBytes,
    payloadStart: topicBytes + propertyBytes,
    payloadEnd: total,
  }
}
