/** Rates: how many a second are let through, and how long whoever had more has to wait. */
const BURST_SEC = 2 // what was not used of so many seconds may come at once

export class TokenBucket {
  readonly #perSec: number
  #tokens: number
  #at: number

  /**
   * @param perSec  0: any number
   * @param now  ms of a clock that only rises
   */
  constructor(perSec: number, now: number) {
    this.#perSec = perSec
    this.#tokens = perSec
    this.#at = now
  }

  /** False: above the rate; the one that was asked for is counted all the same. */
  take(now: number): boolean {
    const rate = this.#perSec
    if (rate === 0) return true
    this.#tokens = Math.min(this.#tokens + ((now - this.#at) / 1000) * rate, rate * BURST_SEC) - 1
    this.#at = now
    return this.#tokens >= 0
  }

  /** As `take`, but what is refused is not counted: the others have their share. */
  takeOrLeave(now: number): boolean {
    const taken = this.take(now)
    if (!taken && this.#perSec > 0) this.#tokens += 1
    return taken
  }

  /** Seconds until the rate is kept again. */
  get debtSec(): number {
    return Math.max(0, -this.#tokens / this.#perSec)
  }
}
