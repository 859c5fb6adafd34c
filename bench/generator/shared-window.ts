/**
 * Closed loop where a delivery does not tell whose message it was: the windows of all publishers are one, from
 * which they send a chunk each in turn; a single publisher fills it in one write. At QoS 1 none has more than its
 * own window unacknowledged besides.
 */
import type { MessageJob } from './job.ts'
import type { Pace } from './pace.ts'
import type { Pool } from './pool.ts'
import type { Publisher } from './publisher.ts'

export class SharedWindow implements Pace {
  readonly #publishers: readonly Publisher[]
  readonly #pool: Pool
  readonly #window: number
  readonly #chunk: number
  #sent = 0
  #next = 0
  #due = false
  #sending = false

  constructor(publishers: readonly Publisher[], pool: Pool, job: MessageJob) {
    this.#publishers = publishers
    this.#pool = pool
    this.#window = job.window * publishers.length
    this.#chunk = job.chunk
  }

  start(): void {
    this.#sending = true
    this.returned()
  }

  stop(): void {
    this.#sending = false
  }

  returned(): void {
    if (this.#due || !this.#sending) return
    this.#due = true
    setImmediate(this.#send)
  }

  readonly #send = (): void => {
    this.#due = false
    if (!this.#sending) return
    let room = this.#window - this.#pool.inFlight(this.#sent)
    let full = 0
    while (room >= this.#chunk && full < this.#publishers.length) {
      const publisher = this.#publishers[this.#next] as Publisher
      this.#next = (this.#next + 1) % this.#publishers.length
      const count = Math.min(this.#publishers.length === 1 ? room : this.#chunk, publisher.room)
      if (count < this.#chunk) {
        full += 1
        continue
      }
      full = 0
      publisher.send(count)
      this.#sent += count
      room -= count
    }
  }
}
