/**
 * Open loop: messages leave at a steady rate whatever the server does, one frame a write, publishers in turn. Each
 * carries the time at which it was due, so a stall of the server meets all messages that were due in it.
 *
 * It spins: timers of Node are a millisecond, the gaps are less. So the CPU of the generator says nothing here;
 * whether it kept up, `lateness` says.
 */
import type { Failures } from './failures.ts'
import type { Latencies } from './latencies.ts'
import type { Pace } from './pace.ts'
import type { Publisher } from './publisher.ts'

export class OpenLoop implements Pace {
  readonly #publishers: readonly Publisher[]
  readonly #gapMs: number
  readonly #lateness: Latencies
  readonly #failures: Failures
  #startedAt = 0
  #sent = 0
  #sending = false

  /** @param perSec  messages of all publishers */
  constructor(
    publishers: readonly Publisher[],
    perSec: number,
    lateness: Latencies,
    failures: Failures,
  ) {
    this.#publishers = publishers
    this.#gapMs = 1000 / perSec
    this.#lateness = lateness
    this.#failures = failures
  }

  start(): void {
    this.#sending = true
    this.#startedAt = performance.now()
    setImmediate(this.#turn)
  }

  stop(): void {
    this.#sending = false
  }

  returned(): void {
    // whatever comes back, what leaves next is due at its time
  }

  readonly #turn = (): void => {
    if (!this.#sending) return
    const now = performance.now()
    for (let due = this.#dueAt(); due <= now; due = this.#dueAt()) {
      const publisher = this.#publishers[this.#sent % this.#publishers.length] as Publisher
      this.#sent += 1
      this.#lateness.record(due, now)
      if (publisher.room > 0) publisher.sendStamped(due)
      else this.#failures.add('a message was due while a whole window was unacknowledged')
    }
    setImmediate(this.#turn)
  }

  #dueAt(): number {
    return this.#startedAt + this.#sent * this.#gapMs
  }
}
