/**
 * What the store has of a session's queue, read through by pages, oldest first. Shards store what their logs have one
 * after the other, so that while a backlog is read, messages of one log come to the store whose orders lie before what
 * was just read of another. A pass gives of each log only what was stored when it began, and so without a gap; the rest
 * is for the next pass.
 *
 * Bound: one page of references in memory.
 */
import type { QueuedMessage, SessionReader } from '../../core/ports/session-store.ts'

const PAGE = 64 // references, read at a time

export class Backlog {
  readonly #reader: SessionReader
  readonly #session: number
  /** By log, when the pass began. */
  #stored: ReadonlyMap<number, number>
  #page: readonly QueuedMessage[] = []
  #at = 0
  /** The pass goes on behind it. */
  #after = 0
  #wasLast = false

  /** Begins the first pass. */
  constructor(session: number, reader: SessionReader) {
    this.#session = session
    this.#reader = reader
    reader.refresh()
    this.#stored = reader.storedOrders()
  }

  /** The next of the page. */
  peek(): QueuedMessage | undefined {
    for (; this.#at < this.#page.length; this.#at++) {
      const queued = this.#page[this.#at] as QueuedMessage
      if (queued.order <= (this.#stored.get(queued.log) ?? 0)) return queued
    }
    return undefined
  }

  take(): void {
    this.#at += 1
  }

  /** Reads the next page of the pass; false where there is none. */
  turnPage(): boolean {
    if (this.#wasLast) return false
    this.#reader.refresh()
    this.#page = this.#reader.queue(this.#session, this.#after, PAGE)
    this.#at = 0
    this.#after = this.#page.at(-1)?.order ?? this.#after
    this.#wasLast = this.#page.length < PAGE
    return true
  }

  /** Begins another pass, over what was stored since this one began; false where nothing was. */
  passAgain(): boolean {
    this.#reader.refresh()
    const before = this.#stored
    const stored = this.#reader.storedOrders()
    let from = Number.POSITIVE_INFINITY
    for (const [log, order] of stored) {
      const was = before.get(log) ?? 0
      if (order > was) from = Math.min(from, was)
    }
    if (from === Number.POSITIVE_INFINITY) return false
    this.#stored = stored
    this.#after = from
    this.#wasLast = false
    return true
  }
}
