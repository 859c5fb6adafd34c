/**
 * Messages that wait behind a full inflight window, oldest first. Bounded by count and bytes; at the bound
 * `offer` refuses and the session ends, since it may lose nothing.
 */
import type { KeptMessage } from './kept-message.ts'

export interface QueueBounds {
  readonly messages: number
  readonly bytes: number
}

export class KeptQueue {
  readonly #bounds: QueueBounds
  #items: (KeptMessage | undefined)[] = []
  #head = 0
  #bytes = 0

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds
  }

  get size(): number {
    return this.#items.length - this.#head
  }

  offer(message: KeptMessage): boolean {
    const { bytes } = message
    if (this.size >= this.#bounds.messages || this.#bytes + bytes > this.#bounds.bytes) return false
    this.#items.push(message)
    this.#bytes += bytes
    return true
  }

  take(): KeptMessage | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    this.#items[this.#head] = undefined // let the collector have it
    this.#head += 1
    this.#bytes -= item.bytes
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
