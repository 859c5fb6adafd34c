/** Lasting sessions as a store in memory has them, behind the ports that shards read and write. */
import { decodeTerms } from '../../core/domain/delivery-target.ts'
import { decodeCursor, decodeHead } from '../../core/domain/session-codec.ts'
import { dueAt, isDone, type SessionRow } from '../../core/domain/session-row.ts'
import { compareStamps } from '../../core/domain/token.ts'
import { decodeWaiting, WaitingMessage } from '../../core/domain/waiting-message.ts'
import type {
  QueuedMessage,
  QueueTotals,
  SessionReader,
  SessionSink,
  SessionUpdate,
  WaitingBatch,
} from '../../core/ports/session-store.ts'

interface Stored {
  /** None: it has ended. */
  readonly head: Uint8Array | undefined
  readonly cursor: Uint8Array
}

export class MemorySessions implements SessionReader, SessionSink {
  readonly #rows = new Map<number, Stored>()
  readonly #queues = new Map<
    number,
    Map<number, { readonly log: number; readonly terms: Buffer }>
  >()
  readonly #messages = new Map<number, Uint8Array>()
  readonly #stored = new Map<number, number>()
  /** Whether what comes next is stored or refused. */
  refuses = false

  refresh(): void {}

  /** Messages that are stored for anyone. */
  get messages(): number {
    return this.#messages.size
  }

  session(number: number): SessionRow | undefined {
    const stored = this.#rows.get(number)
    if (stored?.head === undefined) return undefined
    return { head: decodeHead(stored.head), cursor: decodeCursor(stored.cursor) }
  }

  sessions(after: number, limit: number): (readonly [number, SessionRow])[] {
    return [...this.#rows.keys()]
      .filter((number) => number > after && this.session(number) !== undefined)
      .sort((a, b) => a - b)
      .slice(0, limit)
      .map((number) => [number, this.session(number) as SessionRow])
  }

  due(now: number, limit: number): number[] {
    return this.sessions(0, Number.POSITIVE_INFINITY)
      .filter(([, row]) => dueAt(row) <= now)
      .map(([number]) => number)
      .slice(0, limit)
  }

  queue(number: number, after: number, limit: number): QueuedMessage[] {
    return [...(this.#queues.get(number)?.keys() ?? [])]
      .filter((order) => order > after)
      .sort((a, b) => a - b)
      .slice(0, limit)
      .map((order) => this.queued(number, order) as QueuedMessage)
  }

  queued(number: number, order: number): QueuedMessage | undefined {
    const found = this.#queues.get(number)?.get(order)
    return found && { order, log: found.log, terms: decodeTerms(found.terms, 0) }
  }

  message(order: number): WaitingMessage | undefined {
    const bytes = this.#messages.get(order)
    return bytes && new WaitingMessage(Uint8Array.from(bytes))
  }

  storedOrders(): Map<number, number> {
    return new Map(this.#stored)
  }

  totals(number: number): QueueTotals {
    return { messages: this.#queues.get(number)?.size ?? 0, bytes: 0 }
  }

  async storeWaiting(messages: readonly WaitingBatch[]): Promise<number> {
    if (this.refuses) throw new Error('the store stands still')
    for (const { targets, payload } of messages) {
      const { message, terms } = decodeWaiting(Uint8Array.from(payload), targets.length)
      const { log, order } = message
      this.#stored.set(log, Math.max(order, this.#stored.get(log) ?? 0))
      for (const [i, number] of targets.entries()) {
        const row = this.#rows.get(number)
        const { born } = decodeTerms(terms[i] as Buffer, 0)
        if (row !== undefined && isDone(decodeCursor(row.cursor), { log, order, born })) continue
        const queue = this.#queues.get(number) ?? new Map()
        this.#queues.set(number, queue.set(order, { log, terms: terms[i] as Buffer }))
        this.#messages.set(order, message.buffer)
      }
    }
    return 0
  }

  async storeSessions(updates: readonly SessionUpdate[]): Promise<void> {
    if (this.refuses) throw new Error('the store stands still')
    for (const { number, head, cursor } of updates) {
      const before = this.#rows.get(number)
      const changed = decodeCursor(cursor)
      const { stamp, ended } = changed
      if (before !== undefined && compareStamps(stamp, decodeCursor(before.cursor).stamp) <= 0) {
        continue
      }
      const kept = head ?? before?.head
      if (kept === undefined && !ended) continue
      this.#rows.set(number, { head: ended ? undefined : kept, cursor })
      const queue = this.#queues.get(number)
      for (const [order, { log, terms }] of queue ?? []) {
        if (!isDone(changed, { log, order, born: decodeTerms(terms, 0).born })) continue
        queue?.delete(order)
        const used = [...this.#queues.values()].some((other) => other.has(order))
        if (!used) this.#messages.delete(order)
      }
    }
  }
}
