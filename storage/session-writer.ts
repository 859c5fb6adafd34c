/**
 * Writes lasting sessions and what waits for them; in the storage thread. All of it may come twice, and in any order of
 * the logs: a message is not put in a queue that is behind it (`isDone`), and a row that says how far its session is
 * removes what was put there before. So neither needs to wait for the other.
 *
 * A queue has bounds: beyond them its oldest messages go, and are counted.
 */
import { decodeTerms } from '../core/domain/delivery-target.ts'
import { decodeCursor, decodeHead } from '../core/domain/session-codec.ts'
import { dueAt, isDone, type SessionCursor } from '../core/domain/session-row.ts'
import { compareStamps } from '../core/domain/token.ts'
import { decodeWaiting } from '../core/domain/waiting-message.ts'
import type { SessionSink, SessionUpdate, WaitingBatch } from '../core/ports/session-store.ts'
import type { Databases, Environment } from './environment.ts'
import { dueKey, orderOf, queueKey, storedOrderKey } from './session-store.ts'

const REMOVED_AT_ONCE = 5000 // of a queue, in one transaction: some 50 ms
const FORGET_MS = 3_600_000 // longer than any shard may be behind with its checkpoints
const LAST_ORDER = 'messages:lastOrder'

export interface QueueBounds {
  readonly messages: number
  readonly bytes: number
}

export class SessionWriter implements SessionSink {
  readonly #environment: Environment
  readonly #bounds: QueueBounds

  constructor(environment: Environment, bounds: QueueBounds) {
    this.#environment = environment
    this.#bounds = bounds
  }

  /** No lower order may be given: messages up to it were stored, or done with before they were. */
  get lastOrder(): number {
    return (this.#environment.databases.meta.get(LAST_ORDER) as number | undefined) ?? 0
  }

  storeWaiting(messages: readonly WaitingBatch[]): Promise<number> {
    return this.#environment.transaction(() => {
      const put = new Put(this.#environment.databases)
      const stored = new Map<number, number>()
      for (const { targets, payload } of messages) {
        const { message, terms } = decodeWaiting(payload, targets.length)
        put.message(message.buffer, message.order, message.log, targets, terms)
        stored.set(message.log, message.order) // each log's come in their order
      }
      this.#setStored(stored)
      this.#setLastOrder(Math.max(0, ...stored.values()))
      return put.trim(this.#bounds)
    })
  }

  async storeSessions(updates: readonly SessionUpdate[]): Promise<void> {
    const { databases } = this.#environment
    const toClean = await this.#environment.transaction(() => {
      this.#setLastOrder(Math.max(0, ...updates.map(lastOrderOf)))
      return updates.filter((update) => storeSession(databases, update))
    })
    for (const { number } of toClean) await this.#clean(number)
  }

  /** Removes what sessions that have ended left behind, once nothing late can come of them any more. */
  async sweep(now: number): Promise<void> {
    const { sessions, sessionCursors, queueTotals } = this.#environment.databases
    for (const number of Array.from(queueTotals.getKeys())) {
      if (!sessions.doesExist(number)) await this.#clean(number)
    }
    const forgettable: number[] = []
    for (const { key, value } of sessionCursors.getRange()) {
      if (!sessions.doesExist(key) && decodeCursor(value).offlineAt < now - FORGET_MS) {
        forgettable.push(key)
      }
    }
    await this.#environment.transaction(() => {
      for (const number of forgettable) {
        if (!sessions.doesExist(number)) void sessionCursors.remove(number)
      }
    })
  }

  #setStored(orders: ReadonlyMap<number, number>): void {
    const { meta } = this.#environment.databases
    for (const [log, order] of orders) {
      const key = storedOrderKey(log)
      if (order > ((meta.get(key) as number | undefined) ?? 0)) void meta.put(key, order)
    }
  }

  #setLastOrder(order: number): void {
    if (order > this.lastOrder) void this.#environment.databases.meta.put(LAST_ORDER, order)
  }

  /** Removes from the queue of a session what it needs no more; all of it where it has ended. */
  async #clean(number: number): Promise<void> {
    const { databases } = this.#environment
    for (let from: number | undefined = 0; from !== undefined; ) {
      const start: number = from
      from = await this.#environment.transaction(() => removeDone(databases, number, start))
    }
  }
}

/** One transaction's messages on their way into queues. */
class Put {
  readonly #databases: Databases
  readonly #known = new Map<number, SessionCursor | undefined>()
  readonly #grown = new Set<number>()

  constructor(databases: Databases) {
    this.#databases = databases
  }

  message(
    bytes: Uint8Array,
    order: number,
    log: number,
    targets: readonly number[],
    terms: readonly Buffer[],
  ): void {
    const { queues, messages, messageUses } = this.#databases
    let uses = messageUses.get(order) ?? 0
    const before = uses
    for (const [i, number] of targets.entries()) {
      const cursor = this.#cursor(number)
      const { born } = decodeTerms(terms[i] as Buffer, 0)
      if (cursor !== undefined && isDone(cursor, { log, order, born })) continue
      const key = queueKey(number, order)
      if (queues.doesExist(key)) continue
      const value = Buffer.concat([Buffer.from([log & 0xff, log >> 8]), terms[i] as Buffer])
      void queues.put(key, value)
      addTotals(this.#databases, number, 1, bytes.length)
      this.#grown.add(number)
      uses += 1
    }
    if (uses === before) return
    if (before === 0) void messages.put(order, Buffer.from(bytes))
    void messageUses.put(order, uses)
  }

  /** Drops the oldest of queues above their bounds; returns how many. */
  trim(bounds: QueueBounds): number {
    let dropped = 0
    for (const number of this.#grown) {
      let [messages, bytes] = this.#databases.queueTotals.get(number) ?? [0, 0]
      while (messages > bounds.messages || bytes > bounds.bytes) {
        const [key] = [...this.#databases.queues.getKeys(ofSession(number, 0, 1))]
        if (key === undefined) break
        removeQueued(this.#databases, number, orderOf(key))
        dropped += 1
        ;[messages, bytes] = this.#databases.queueTotals.get(number) ?? [0, 0]
      }
    }
    return dropped
  }

  /** `undefined`: it has no row, so that nothing of its queue is done. */
  #cursor(number: number): SessionCursor | undefined {
    if (this.#known.has(number)) return this.#known.get(number)
    const row = this.#databases.sessionCursors.get(number)
    const cursor = row === undefined ? undefined : decodeCursor(row)
    this.#known.set(number, cursor)
    return cursor
  }
}

function lastOrderOf(update: SessionUpdate): number {
  const { reached, born } = decodeCursor(update.cursor)
  return Math.max(born, ...reached.values())
}

/**
 * True where its queue is to be looked through. Of a session that has ended its cursor stays, alone, so that an older row
 * which another shard stores late does not bring it back.
 */
function storeSession(databases: Databases, update: SessionUpdate): boolean {
  const { sessions, sessionCursors, sessionDue } = databases
  const { number } = update
  const cursor = decodeCursor(update.cursor)
  const { ended } = cursor
  const storedCursor = sessionCursors.get(number)
  const storedHead = sessions.get(number)
  const before = storedCursor === undefined ? undefined : decodeCursor(storedCursor)
  if (before !== undefined && compareStamps(cursor.stamp, before.stamp) <= 0) return false
  const head = update.head ?? storedHead
  if (head === undefined && !ended) return false // a change of a session that has ended since
  if (before !== undefined && storedHead !== undefined) {
    const at = dueAt({ head: decodeHead(storedHead), cursor: before })
    if (Number.isFinite(at)) void sessionDue.remove(dueKey(at, number))
  }
  void sessionCursors.put(number, Buffer.from(update.cursor))
  if (ended || head === undefined) {
    void sessions.remove(number)
    return true
  }
  if (update.head !== undefined) void sessions.put(number, Buffer.from(update.head))
  const at = dueAt({ head: decodeHead(head), cursor })
  if (Number.isFinite(at)) void sessionDue.put(dueKey(at, number), Buffer.alloc(0))
  return databases.queueTotals.get(number) !== undefined
}

/** A step; returns from where to go on, `undefined` at the end. */
function removeDone(databases: Databases, number: number, from: number): number | undefined {
  const row = databases.sessionCursors.get(number)
  if (row === undefined) return undefined
  const cursor = decodeCursor(row)
  const queued = [...databases.queues.getRange(ofSession(number, from, REMOVED_AT_ONCE))].map(
    ({ key, value }) => {
      const { born } = decodeTerms(value, 2)
      return { order: orderOf(key), log: value.readUInt16LE(0), born }
    },
  )
  const done = queued.filter((one) => isDone(cursor, one))
  for (const { order } of done) removeQueued(databases, number, order)
  const end = queued.at(-1)
  if (queued.length < REMOVED_AT_ONCE || end === undefined) return undefined
  // Behind what it has reached there is only what others before it have left.
  const reached = Math.max(0, ...cursor.reached.values())
  return done.length > 0 || end.order < reached ? end.order + 1 : undefined
}

function removeQueued(databases: Databases, number: number, order: number): void {
  const { queues, messages, messageUses } = databases
  void queues.remove(queueKey(number, order))
  const uses = messageUses.get(order) ?? 0
  addTotals(databases, number, -1, -(messages.get(order)?.length ?? 0))
  if (uses > 1) {
    void messageUses.put(order, uses - 1)
    return
  }
  void messageUses.remove(order)
  void messages.remove(order)
}

function addTotals({ queueTotals }: Databases, number: number, count: number, by: number): void {
  const [messages, bytes] = queueTotals.get(number) ?? [0, 0]
  if (messages + count <= 0) void queueTotals.remove(number)
  else void queueTotals.put(number, [messages + count, bytes + by])
}

function ofSession(
  number: number,
  from: number,
  limit: number,
): { readonly start: Buffer; readonly end: Buffer; readonly limit: number } {
  return { start: queueKey(number, from), end: queueKey(number + 1, 0), limit }
}
