/** A clock that moves when it is told to. */
import type { Clock } from '../../core/ports/clock.ts'

export class FakeClock implements Clock {
  #now: number
  #step = 0

  constructor(now = 1_767_225_600_000) {
    this.#now = now
  }

  now(): number {
    return this.#now + this.#step
  }

  monotonic(): number {
    return this.#now
  }

  advance(ms: number): void {
    this.#now += ms
  }

  /** Somebody sets the clock of the machine: time has not passed. */
  stepWallClock(ms: number): void {
    this.#step += ms
  }
}
