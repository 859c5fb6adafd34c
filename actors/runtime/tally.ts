/** Counters of one thread, kept as `name` or `name.reason`. The words are fixed in the code, so the map is bounded. */
import type { Counters } from '../../core/ports/counters.ts'

export class Tally implements Counters {
  readonly #counts = new Map<string, number>()

  add(name: string, reason?: string, by = 1): void {
    const key = reason === undefined ? name : `${name}.${reason}`
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by)
  }

  snapshot(): Record<string, number> {
    return Object.fromEntries(this.#counts)
  }
}
