/** When a load sends what. Owned by the load, told of whatever comes back. */
import type { Publisher } from './publisher.ts'

export interface Pace {
  start(): void
  /** Nothing is sent behind this. */
  stop(): void
  /** A delivery or acknowledgement came; `publisher`: of its message, where that is known. */
  returned(publisher: Publisher | undefined): void
}
