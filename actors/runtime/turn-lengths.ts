/** How long the turns of one shard were: counted by length, per turn, so it only compares and adds. */
import { TURN_BOUNDS_MS, type TurnStatus } from '../../core/domain/status.ts'
import { turnQuantile } from '../../core/domain/status-rates.ts'

export class TurnLengths {
  readonly #byLength: number[] = [...TURN_BOUNDS_MS.map(() => 0), 0]
  /** As it was when it was last taken. */
  #taken: readonly number[] = [...this.#byLength]
  #longestMs = 0
  #totalMs = 0
  #count = 0

  add(lengthMs: number): void {
    let at = 0
    while (at < TURN_BOUNDS_MS.length && lengthMs > (TURN_BOUNDS_MS[at] as number)) at++
    this.#byLength[at] = (this.#byLength[at] as number) + 1
    this.#count += 1
    this.#totalMs += lengthMs
    if (lengthMs > this.#longestMs) this.#longestMs = lengthMs
  }

  /** The longest and the 99th percentile begin anew. */
  take(): TurnStatus {
    const byLength = [...this.#byLength]
    const since = byLength.map((count, i) => count - (this.#taken[i] as number))
    const longestMs = this.#longestMs
    this.#taken = byLength
    this.#longestMs = 0
    return {
      longestMs: Math.round(longestMs * 1000) / 1000,
      p99Ms: turnQuantile(since, 0.99, longestMs),
      count: this.#count,
      totalMs: this.#totalMs,
      byLength,
    }
  }
}
