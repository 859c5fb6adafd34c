/** The rate of one connection's messages: above it nothing is read until the client is within it again. */
import type { TimerEntry } from '../../core/ports/timers.ts'
import type { ConnectionSurroundings } from './connection-surroundings.ts'
import { TokenBucket } from './token-bucket.ts'

export class PublishRate implements TimerEntry {
  timerSlot = -1
  timerRounds = 0
  timerNext: TimerEntry | undefined = undefined
  timerPrevious: TimerEntry | undefined = undefined
  /** Nothing shall be read now. */
  exceeded = false
  readonly #bucket: TokenBucket
  readonly #around: ConnectionSurroundings
  readonly #onChange: () => void

  constructor(perSec: number, around: ConnectionSurroundings, onChange: () => void) {
    this.#bucket = new TokenBucket(perSec, around.turn.monotonic)
    this.#around = around
    this.#onChange = onChange
  }

  /** A PUBLISH came. What is read already is handled all the same, and counted. */
  spend(): void {
    if (this.#bucket.take(this.#around.turn.monotonic) || this.exceeded) return
    this.exceeded = true
    this.#around.counters.add('publish.held', 'rate')
    this.#around.timers.arm(this, this.#bucket.debtSec)
    this.#onChange()
  }

  onTimer(): void {
    this.#around.turn.enter()
    this.exceeded = false
    this.#onChange()
  }

  /** The connection is over. */
  close(): void {
    this.#around.timers.disarm(this)
  }
}
