/**
 * Work that may take many steps and must hold nobody up: a little of it in each turn of the event loop, round
 * robin. Bound: `SLICE_MS` a turn, whatever waits; what waits is bounded by those who add it.
 */
import type { Clock } from '../../core/ports/clock.ts'

const SLICE_MS = 1 // beside what a turn reads (shard-turn.ts)

/** One bounded step, some tens of microseconds; false: there is no more to do. */
export type Step = () => boolean

export class Background {
  readonly #clock: Clock
  readonly #schedule: (slice: () => void) => void
  #waiting: Step[] = []
  #scheduled = false

  /** @param schedule  runs a slice in a later turn: `setImmediate`, with the turn entered */
  constructor(clock: Clock, schedule: (slice: () => void) => void) {
    this.#clock = clock
    this.#schedule = schedule
  }

  /** Steps that wait for their turn. */
  get size(): number {
    return this.#waiting.length
  }

  readonly add = (step: Step): void => {
    this.#waiting.push(step)
    if (this.#scheduled) return
    this.#scheduled = true
    this.#schedule(this.#slice)
  }

  readonly #slice = (): void => {
    const deadline = this.#clock.monotonic() + SLICE_MS
    let steps = this.#waiting
    this.#waiting = []
    let at = 0
    do {
      if (at === steps.length) {
        steps = this.#waiting // a second round, where there is time
        this.#waiting = []
        at = 0
      }
      const step = steps[at++]
      if (step?.() === true) this.#waiting.push(step)
    } while ((at < steps.length || this.#waiting.length > 0) && this.#clock.monotonic() < deadline)
    if (at < steps.length) this.#waiting = [...steps.slice(at), ...this.#waiting]
    this.#scheduled = this.#waiting.length > 0
    if (this.#scheduled) this.#schedule(this.#slice)
  }
}
