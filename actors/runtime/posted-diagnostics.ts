/**
 * Diagnostics of a worker thread, posted to the main thread, which owns the output. At most
 * `LINES_PER_SECOND`; what is more is counted and told once the second is over, so that a flood of
 * refusals cannot become a flood of lines.
 */
import type { Clock } from '../../core/ports/clock.ts'
import type { Diagnostics } from '../../core/ports/diagnostics.ts'

const LINES_PER_SECOND = 50
const LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type Level = (typeof LEVELS)[number]
export type Facts = Readonly<Record<string, unknown>>
export type PostDiagnostic = (level: Level, message: string, facts: Facts | undefined) => void

export class PostedDiagnostics implements Diagnostics {
  readonly #post: PostDiagnostic
  readonly #clock: Clock
  readonly #threshold: number
  #second = 0
  #lines = 0
  #suppressed = 0

  /** @param least  the lowest level that is posted */
  constructor(post: PostDiagnostic, clock: Clock, least: Level | 'silent') {
    this.#post = post
    this.#clock = clock
    this.#threshold = least === 'silent' ? LEVELS.length : LEVELS.indexOf(least)
  }

  debug(message: string, facts?: Facts): void {
    this.#say('debug', message, facts)
  }

  info(message: string, facts?: Facts): void {
    this.#say('info', message, facts)
  }

  warn(message: string, facts?: Facts): void {
    this.#say('warn', message, facts)
  }

  error(message: string, facts?: Facts): void {
    this.#say('error', message, facts)
  }

  #say(level: Level, message: string, facts: Facts | undefined): void {
    if (LEVELS.indexOf(level) < this.#threshold) return
    const second = Math.floor(this.#clock.monotonic() / 1000)
    if (second !== this.#second) {
      if (this.#suppressed > 0) {
        const lines = this.#suppressed
        this.#post('warn', 'diagnostics were suppressed; the counters have them all', { lines })
      }
      this.#second = second
      this.#lines = 0
      this.#suppressed = 0
    }
    this.#lines += 1
    if (this.#lines > LINES_PER_SECOND) this.#suppressed += 1
    else this.#post(level, message, facts)
  }
}
