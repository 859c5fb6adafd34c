/**
 * Waits until any of several logs is written: `Atomics.waitAsync` on each writer's mark, at most one such
 * wait per mark, and a look every 100 ms for runtimes where the wake does not arrive. Keeps no process alive.
 */
import type { HighWater } from './high-water.ts'

const POLL_MS = 100

export class MarkWatch {
  readonly #marks: readonly HighWater[]
  readonly #waiting: boolean[]
  #wake: (() => void) | undefined
  #closed = false

  constructor(marks: readonly HighWater[]) {
    this.#marks = marks
    this.#waiting = marks.map(() => false)
  }

  /** What `changed` compares with; taken before one looks into the logs. */
  now(): readonly number[] {
    return this.#marks.map((mark) => mark.read().change)
  }

  /** Resolves when a mark may be another than it was, and on `close`. One call at a time. */
  changed(since: readonly number[]): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), POLL_MS)
      timer.unref()
      this.#wake = () => {
        this.#wake = undefined
        clearTimeout(timer)
        resolve()
      }
      if (this.#closed) this.#wake()
      for (let i = 0; i < this.#marks.length && this.#wake !== undefined; i++) {
        this.#wait(i, since[i] ?? 0)
      }
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#wake?.()
    for (const [i, mark] of this.#marks.entries()) {
      if (this.#waiting[i]) Atomics.notify(mark.words, 0) // ours resolves; others look and wait again
    }
  }

  #wait(i: number, since: number): void {
    if (this.#waiting[i]) return
    const wait = Atomics.waitAsync((this.#marks[i] as HighWater).words, 0, since)
    if (!wait.async) {
      this.#wake?.()
      return
    }
    this.#waiting[i] = true
    void wait.value.then(() => {
      this.#waiting[i] = false
      this.#wake?.()
    })
  }
}
