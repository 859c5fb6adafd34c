/** A clock that moves when it is told to. */
import type { Clock } from '../../core/ports/clock.ts'

export class FakeClock implements Clock {
  #now: number

  constructor(now = 1_767_225_600_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now
  }

  advance(ms: number): void {
    this.#now += ms
  }
}
