/**
 * Lasting sessions in LMDB, as shards read them: rows in two parts (the head changes seldom, the cursor with every
 * message), queues as references, and each message once, however many sessions it waits for. A session's queue is
 * walked by the order of its messages.
 */
import { decodeTerms } from '../core/domain/delivery-target.ts'
import { decodeCursor, decodeHead } from '../core/domain/session-codec.ts'
import type { SessionRow } from '../core/domain/session-row.ts'
import { WaitingMessage } from '../core/domain/waiting-message.ts'
import type { QueuedMessage, QueueTotals, SessionReader } from '../core/ports/session-store.ts'
import type { Databases, Environment } from './environment.ts'

const DUE_BYTES = 12
const STORED_ORDER = 'messages:stored:'

export class SessionStore implements SessionReader {
  readonly #environment: Environment

  constructor(environment: Environment) {
    this.#environment = environment
  }

  refresh(): void {
    this.#environment.refresh()
  }

  session(number: number): SessionRow | undefined {
    const { sessions, sessionCursors } = this.#environment.databases
    const head = sessions.get(number)
    const cursor = sessionCursors.get(number)
    if (head === undefined || cursor === undefined) return undefined
    return { head: decodeHead(head), cursor: decodeCursor(cursor) }
  }

  sessions(after: number, limit: number): (readonly [number, SessionRow])[] {
    const rows: (readonly [number, SessionRow])[] = []
    for (const key of this.#environment.databases.sessions.getKeys({ start: after + 1, limit })) {
      const row = this.session(key)
      if (row !== undefined) rows.push([key, row])
    }
    return rows
  }

  due(now: number, limit: number): number[] {
    const { sessionDue } = this.#environment.databases
    const numbers: number[] = []
    for (const key of sessionDue.getKeys({ end: dueKey(now + 1, 0), limit })) {
      numbers.push(key.readUInt32BE(8))
    }
    return numbers
  }

  queue(number: number, after: number, limit: number): QueuedMessage[] {
    const { queues } = this.#environment.databases
    const range = { start: queueKey(number, after + 1), end: queueKey(number + 1, 0), limit }
    const queued: QueuedMessage[] = []
    for (const { key, value } of queues.getRange(range)) {
      const order = orderOf(key)
      queued.push({ order, log: value.readUInt16LE(0), terms: decodeTerms(value, 2) })
    }
    return queued
  }

  queued(number: number, order: number): QueuedMessage | undefined {
    const value = this.#environment.databases.queues.get(queueKey(number, order))
    if (value === undefined) return undefined
    return { order, log: value.readUInt16LE(0), terms: decodeTerms(value, 2) }
  }

  totals(number: number): QueueTotals {
    const [messages, bytes] = this.#environment.databases.queueTotals.get(number) ?? [0, 0]
    return { messages, bytes }
  }

  message(order: number): WaitingMessage | undefined {
    const bytes = this.#environment.databases.messages.get(order)
    return bytes === undefined ? undefined : new WaitingMessage(Uint8Array.from(bytes))
  }

  storedOrders(): Map<number, number> {
    const { meta } = this.#environment.databases
    const range = { start: STORED_ORDER, end: `${STORED_ORDER}\uffff` }
    return new Map(
      meta
        .getRange(range)
        .map(({ key, value }) => [Number(key.slice(STORED_ORDER.length)), value as number]),
    )
  }
}

/** In `meta`: up to which order the messages of a log were stored. */
export function storedOrderKey(log: number): string {
  return `${STORED_ORDER}${log}`
}

/** The greatest number that a session has; 0: there is none. */
export function lastSession({ sessions }: Databases): number {
  for (const key of sessions.getKeys({ reverse: true, limit: 1 })) return key
  return 0
}

/** Rising with the order within a session. */
export function queueKey(number: number, order: number): Buffer {
  const key = Buffer.allocUnsafe(12)
  key.writeUInt32BE(number, 0)
  key.writeBigUInt64BE(BigInt(order), 4)
  return key
}

export function orderOf(key: Buffer): number {
  return Number(key.readBigUInt64BE(4))
}

/** @param at  ms since the epoch */
export function dueKey(at: number, number: number): Buffer {
  const key = Buffer.allocUnsafe(DUE_BYTES)
  key.writeBigUInt64BE(BigInt(Math.max(0, Math.ceil(at))), 0)
  key.writeUInt32BE(number, 8)
  return key
}
