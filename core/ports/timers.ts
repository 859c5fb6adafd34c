/** One timing wheel per shard instead of a timer per connection. Resolution: one second. */
export interface TimerEntry {
  /** Called once when due; may arm itself again. */
  onTimer(): void
  /** Bookkeeping of the wheel: starts as -1, and nobody else touches it. */
  timerSlot: number
  timerRounds: number
  timerNext: TimerEntry | undefined
  timerPrevious: TimerEntry | undefined
}

export interface Timers {
  /** Due in `seconds` (at least 1, rounded up); an armed entry is moved. */
  arm(entry: TimerEntry, seconds: number): void
  disarm(entry: TimerEntry): void
}
