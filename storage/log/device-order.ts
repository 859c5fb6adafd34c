/**
 * Brings entries of several logs into one order: that of each log, and for one device that of its stamps,
 * across the logs it has moved through. Both are orders of what happened, so they never contradict each
 * other; where files were tampered with and they do, the log's own order holds.
 *
 * Among logs it takes the earliest `storedAt` next, which keeps readers of a backlog together in time.
 * Holds what it was offered until it is taken: its user bounds that.
 */
import type { StoredEntry } from '../../core/domain/log-entry.ts'
import { compareStamps } from '../../core/domain/token.ts'

/** The entries of one log that wait, oldest first. */
interface Queue {
  entries: StoredEntry[]
  head: number
}

/** What may be chosen of a log; others may draw more of it before them. */
export interface Bound {
  /** The last sequence. */
  readonly through: number
  /** There are more entries behind those that wait: where their time comes, all wait for them. */
  readonly hasMore: boolean
}

export class DeviceOrder {
  readonly #queues: Queue[]
  readonly #slots = new Map<number, number>()
  /** By device, in the order in which they must be taken. Unused with a single log. */
  readonly #devices = new Map<number, StoredEntry[]>()

  /** @param logs  their numbers */
  constructor(logs: readonly number[]) {
    this.#queues = logs.map((log, slot) => {
      this.#slots.set(log, slot)
      return { entries: [], head: 0 }
    })
  }

  /** The oldest sequence of the log that waits; `undefined`: none does. */
  head(log: number): number | undefined {
    const { entries, head } = this.#queue(log)
    return entries[head]?.sequence
  }

  /** In order of the log, behind what was offered before. */
  offer(log: number, entries: readonly StoredEntry[]): void {
    const queue = this.#queue(log)
    queue.entries = queue.head === 0 ? queue.entries : queue.entries.slice(queue.head)
    queue.head = 0
    for (const entry of entries) {
      queue.entries.push(entry)
      if (this.#queues.length > 1 && entry.number !== 0) this.#enter(entry)
    }
  }

  /**
   * Takes a run of the log that comes first, with what other logs have of the same devices from before.
   * False: nothing is left that may be taken, or a log that has more comes first with it.
   */
  take(bounds: ReadonlyMap<number, Bound>, into: StoredEntry[]): boolean {
    let first: Queue | undefined
    let at = Number.POSITIVE_INFINITY
    let next = Number.POSITIVE_INFINITY // when another log's turn comes
    for (const queue of this.#queues) {
      const head = queue.entries[queue.head]
      const bound = head === undefined ? undefined : bounds.get(head.log)
      if (head === undefined || bound === undefined) continue
      if (head.sequence > bound.through && !bound.hasMore) continue
      if (head.storedAt < at) {
        next = at
        at = head.storedAt
        first = queue
      } else if (head.storedAt < next) next = head.storedAt
    }
    const before = into.length
    for (;;) {
      const head = first?.entries[first.head]
      if (first === undefined || head === undefined || head.storedAt > next) break
      if (head.sequence > (bounds.get(head.log) as Bound).through) break
      this.#takeThrough(first, head.sequence, into, [])
    }
    return into.length > before
  }

  #queue(log: number): Queue {
    return this.#queues[this.#slots.get(log) as number] as Queue
  }

  /** @param above  queues that wait for this one */
  #takeThrough(queue: Queue, sequence: number, into: StoredEntry[], above: readonly Queue[]): void {
    for (;;) {
      const head = queue.entries[queue.head]
      if (head === undefined || head.sequence > sequence) return
      for (;;) {
        const first: StoredEntry = this.#devices.get(head.number)?.[0] ?? head
        const other = this.#queue(first.log)
        if (first === head || other === queue || above.includes(other)) break
        this.#takeThrough(other, first.sequence, into, [...above, queue])
      }
      queue.head += 1
      this.#leave(head)
      into.push(head)
    }
  }

  #enter(entry: StoredEntry): void {
    const known = this.#devices.get(entry.number)
    if (known === undefined) {
      this.#devices.set(entry.number, [entry])
      return
    }
    let at = known.length
    for (; at > 0; at--) {
      const before = known[at - 1] as StoredEntry
      if (before.log === entry.log || compareStamps(before, entry) <= 0) break
    }
    known.splice(at, 0, entry)
  }

  #leave(entry: StoredEntry): void {
    const known = this.#devices.get(entry.number)
    if (known === undefined) return
    if (known.length === 1) this.#devices.delete(entry.number)
    else known.splice(known.indexOf(entry), 1)
  }
}
