/** Time and chance as the system has them; passed in wherever either is needed. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../core/ports/clock.ts'
import type { Random } from '../core/ports/random.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
}

/** Whole milliseconds of a clock that all threads of the process share; wraps with 32 bits. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint() / 1_000_000n) | 0
}
