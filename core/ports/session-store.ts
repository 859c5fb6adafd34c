/** Lasting sessions and the messages that wait for them, as the store has them: shards read, the storage thread writes. */
import type { TargetTerms } from '../domain/delivery-target.ts'
import type { SessionRow } from '../domain/session-row.ts'
import type { WaitingMessage } from '../domain/waiting-message.ts'

export interface QueuedMessage {
  readonly order: number
  readonly log: number
  readonly terms: TargetTerms
}

export interface QueueTotals {
  readonly messages: number
  readonly bytes: number
}

export interface SessionReader {
  /** What is committed now is seen by the next calls. */
  refresh(): void
  session(number: number): SessionRow | undefined
  /** Sessions behind a number, rising; at most `limit`. */
  sessions(after: number, limit: number): readonly (readonly [number: number, row: SessionRow])[]
  /** Numbers of sessions of which something is due by then. */
  due(now: number, limit: number): readonly number[]
  /** What waits for the session behind an order, oldest first. */
  queue(number: number, after: number, limit: number): readonly QueuedMessage[]
  /** One of them. */
  queued(number: number, order: number): QueuedMessage | undefined
  message(order: number): WaitingMessage | undefined
  /** By log: up to which order its messages were stored, without a gap. */
  storedOrders(): ReadonlyMap<number, number>
  /** What waits for the session, in all. */
  totals(number: number): QueueTotals
}

/** A message with those it waits for: `payload` as in its log entry (waiting-message.ts). */
export interface WaitingBatch {
  readonly targets: readonly number[]
  readonly payload: Uint8Array
}

export interface SessionUpdate {
  readonly number: number
  /** Rows as session-codec.ts has them; no head: it has not changed. */
  readonly head: Uint8Array | undefined
  /** Where it says that the session is over, all goes that waits for it. */
  readonly cursor: Uint8Array
}

export interface SessionSink {
  /** Resolves once committed, with how many were dropped at the bounds of queues. Safe to repeat. */
  storeWaiting(messages: readonly WaitingBatch[]): Promise<number>
  /** Resolves once committed. A row that is not newer than the stored one changes nothing. */
  storeSessions(updates: readonly SessionUpdate[]): Promise<void>
}
