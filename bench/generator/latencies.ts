/** How long messages took that were due in the measured window; three significant figures, whatever their number. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

export class Latencies {
  readonly #histogram: RecordableHistogram = createHistogram({ figures: 3 })
  #from = Number.POSITIVE_INFINITY
  #to = Number.POSITIVE_INFINITY

  /** From now on; times are those of `performance.now()`, ms. */
  begin(at: number): void {
    this.#from = at
  }

  /** What was due later does not count, though it comes. */
  end(at: number): void {
    this.#to = at
  }

  record(due: number, now: number): void {
    if (due < this.#from || due > this.#to) return
    this.#histogram.record(Math.max(1, Math.round((now - due) * 1e6)))
  }

  /** @param percent  0 to 100. Microseconds; of nothing 0 */
  percentileUs(percent: number): number {
    return this.#histogram.count === 0 ? 0 : this.#histogram.percentile(percent) / 1000
  }
}
