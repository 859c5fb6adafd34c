/**
 * Hashed timing wheel: 512 slots of one second, entries linked in place, so that arming and disarming
 * cost no allocation. An idle connection pays four fields for its keep alive instead of a timer.
 * Owned by one shard; `tick` is called once a second of the monotonic clock.
 */
import type { Clock } from '../../core/ports/clock.ts'
import type { TimerEntry, Timers } from '../../core/ports/timers.ts'

const SLOTS = 512 // a power of two above the usual keep alive, so that most entries wait less than a round

export class TimingWheel implements Timers {
  readonly #clock: Clock
  readonly #heads: (TimerEntry | undefined)[] = Array.from({ length: SLOTS })
  #position = 0
  #tickedAt: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#tickedAt = clock.monotonic()
  }

  arm(entry: TimerEntry, seconds: number): void {
    if (entry.timerSlot >= 0) this.disarm(entry)
    const ticks = Math.max(1, Math.ceil(seconds)) + 1 // the running second does not count
    const slot = (this.#position + ticks) & (SLOTS - 1)
    entry.timerSlot = slot
    entry.timerRounds = Math.floor((ticks - 1) / SLOTS)
    const head = this.#heads[slot]
    entry.timerNext = head
    entry.timerPrevious = undefined
    if (head !== undefined) head.timerPrevious = entry
    this.#heads[slot] = entry
  }

  disarm(entry: TimerEntry): void {
    if (entry.timerSlot < 0) return
    const { timerNext: next, timerPrevious: previous } = entry
    if (previous === undefined) this.#heads[entry.timerSlot] = next
    else previous.timerNext = next
    if (next !== undefined) next.timerPrevious = previous
    entry.timerSlot = -1
    entry.timerNext = undefined
    entry.timerPrevious = undefined
  }

  /** Runs what has become due since the last call; a late call catches up second by second. */
  tick(): void {
    const elapsed = Math.floor((this.#clock.monotonic() - this.#tickedAt) / 1000)
    for (let i = 0; i < elapsed; i++) {
      this.#tickedAt += 1000
      this.#position = (this.#position + 1) & (SLOTS - 1)
      this.#runSlot(this.#position)
    }
  }

  #runSlot(slot: number): void {
    let entry = this.#heads[slot]
    const due: TimerEntry[] = []
    while (entry !== undefined) {
      const next = entry.timerNext
      if (entry.timerRounds === 0) {
        due.push(entry)
      } else {
        entry.timerRounds -= 1
      }
      entry = next
    }
    for (const one of due) {
      if (one.timerSlot !== slot) continue // an earlier one of this tick has disarmed or moved it
      this.disarm(one)
      one.onTimer()
    }
  }
}
