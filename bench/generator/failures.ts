/** What went wrong in a run: how often, and the first different reasons, a few. */
const MAX_REASONS = 5

export class Failures {
  readonly reasons: string[] = []
  #count = 0

  get count(): number {
    return this.#count
  }

  add(reason: string): void {
    this.#count += 1
    if (this.reasons.length < MAX_REASONS && !this.reasons.includes(reason)) {
      this.reasons.push(reason)
    }
  }
}
