/** Closed loop: every publisher has a window of its own, filled again once a chunk fits into it. */
import type { Pace } from './pace.ts'
import type { Publisher } from './publisher.ts'

export class OwnWindows implements Pace {
  readonly #publishers: readonly Publisher[]
  #due: Publisher[] = [] // may have room for a chunk; looked at once per event-loop turn
  #sending = false

  constructor(publishers: readonly Publisher[]) {
    this.#publishers = publishers
  }

  start(): void {
    this.#sending = true
    for (const publisher of this.#publishers) this.returned(publisher)
  }

  stop(): void {
    this.#sending = false
  }

  returned(publisher: Publisher | undefined): void {
    if (publisher === undefined || publisher.due || !this.#sending) return
    publisher.due = true
    if (this.#due.push(publisher) === 1) setImmediate(this.#send)
  }

  readonly #send = (): void => {
    const due = this.#due
    this.#due = []
    for (const publisher of due) {
      publisher.due = false
      if (this.#sending) publisher.fill()
    }
  }
}
