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
