/**
 * What a simulation counts. One per run; the devices write, the progress line and the summary read.
 */

/** Reasons kept apart; what comes beyond is counted as `other`. */
const MAX_REASONS = 32

export interface Summary {
  readonly devices: number
  readonly connected: number
  readonly posts: number
  readonly acks: number
  /** Posts left out because earlier ones of the device were not acknowledged yet. */
  readonly skipped: number
  readonly ackMeanMs: number
  readonly ackMaxMs: number
  readonly errors: Readonly<Record<string, number>>
}

export class Tally {
  connected = 0
  posts = 0
  acks = 0
  skipped = 0
  #ackMs = 0
  #ackMaxMs = 0
  readonly #errors = new Map<string, number>()

  acknowledged(ms: number): void {
    this.acks += 1
    this.#ackMs += ms
    this.#ackMaxMs = Math.max(this.#ackMaxMs, ms)
  }

  failed(reason: string): void {
    const known = this.#errors.has(reason) || this.#errors.size < MAX_REASONS
    const kept = known ? reason : 'other'
    this.#errors.set(kept, (this.#errors.get(kept) ?? 0) + 1)
  }

  /** One line, for progress. */
  line(devices: number): string {
    let errors = 0
    for (const count of this.#errors.values()) errors += count
    return `connected ${this.connected}/${devices}  posts ${this.posts}  acks ${this.acks}  errors ${errors}`
  }

  summary(devices: number): Summary {
    const mean = this.acks === 0 ? 0 : this.#ackMs / this.acks
    return {
      devices,
      connected: this.connected,
      posts: this.posts,
      acks: this.acks,
      skipped: this.skipped,
      ackMeanMs: Math.round(mean * 10) / 10,
      ackMaxMs: Math.round(this.#ackMaxMs * 10) / 10,
      errors: Object.fromEntries(this.#errors),
    }
  }
}
