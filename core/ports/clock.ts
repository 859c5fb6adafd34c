/** Time is an argument: a live clock on the roof, a fake one in tests and simulation. */
export interface Clock {
  /** Milliseconds since the epoch, for people and records. Never orders anything. */
  now(): number
  /** Milliseconds that only rise, for time-outs and budgets; fractions count. */
  monotonic(): number
}
