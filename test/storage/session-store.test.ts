import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { encodeCursor, encodeHead } from '../../core/domain/session-codec.ts'
import { applyChange, newSession, type SessionRow } from '../../core/domain/session-row.ts'
import { encodeWaiting, WaitingMessage } from '../../core/domain/waiting-message.ts'
import type { SessionUpdate, WaitingBatch } from '../../core/ports/session-store.ts'
import { lastSession, SessionStore } from '../../storage/session-store.ts'
import { SessionWriter } from '../../storage/session-writer.ts'
import { publicationOf } from '../actors/publications.ts'
import { MemorySessions } from '../support/memory-sessions.ts'
import { writableEnvironment } from './support.ts'

const TERMS = { born: 1, qos: 1, retain: false, identifiers: [3], group: undefined } as const
const HOUR = 3_600_000

function house(t: TestContext, bounds = { messages: 1000, bytes: 1e9 }) {
  const environment = writableEnvironment(t)
  const writer = new SessionWriter(environment, bounds)
  return { environment, writer, store: new SessionStore(environment) }
}

function waiting(order: number, log: number, ...sessions: number[]): WaitingBatch {
  return waitingFor(1, order, log, ...sessions)
}

function waitingFor(born: number, order: number, log: number, ...sessions: number[]): WaitingBatch {
  const publication = publicationOf('t', `payload ${order}`)
  const message = WaitingMessage.of(publication, { space: 0, log, order }, 0)
  const targets = sessions.map((session) => ({ session, terms: { ...TERMS, born } }))
  return { targets: sessions, payload: Uint8Array.from(encodeWaiting(message, targets)) }
}

function session(born: number, epoch = 1): SessionRow {
  const row = newSession({ name: `s${born}`, space: 0, born })
  row.cursor.stamp = { token: { incarnation: 1, epoch }, version: 1 }
  return row
}

function update(number: number, row: SessionRow, version: number, head = true): SessionUpdate {
  row.cursor.stamp = { ...row.cursor.stamp, version }
  const cursor = encodeCursor(row.cursor)
  return { number, head: head ? encodeHead(row.head) : undefined, cursor }
}

const orders = (store: SessionStore | MemorySessions, number: number): number[] =>
  store.queue(number, 0, 10_000).map(({ order }) => order)

describe('session store', () => {
  it('gives back what it was given, by the order of the messages', async (t) => {
    const { environment, writer, store } = house(t)
    const row = session(1)
    const options = { qos: 2, noLocal: true, retainAsPublished: true, identifier: 7 } as const
    applyChange(row, { kind: 'subscribed', filter: 'a/#', options })
    applyChange(row, { kind: 'sent', packetId: 9, log: 2, order: 5, qos: 2 })
    applyChange(row, { kind: 'arrived', packetId: 4 })
    const will = { bytes: Uint8Array.of(1, 2, 255), delaySec: 30 }
    applyChange(row, { kind: 'opened', expirySec: 60, will })
    await writer.storeSessions([update(4, row, 2)])
    await writer.storeWaiting([waiting(70_000_000_000, 2, 4), waiting(6, 1, 4, 5)])
    store.refresh()
    const found = store.session(4) as SessionRow
    assert.deepEqual({ ...found.head, will: { ...will } }, row.head)
    assert.deepEqual(Uint8Array.from(found.head.will?.bytes ?? []), will.bytes)
    assert.deepEqual(found.cursor, row.cursor)
    assert.deepEqual(orders(store, 4), [6, 70_000_000_000])
    assert.deepEqual(store.queued(5, 6), { order: 6, log: 1, terms: TERMS })
    assert.equal(store.queued(5, 7), undefined)
    const message = store.message(6)
    assert.equal(message?.topic, 't')
    assert.equal(lastSession(environment.databases), 4)
    assert.equal(writer.lastOrder, 70_000_000_000)
    assert.deepEqual(
      [...store.storedOrders()],
      [
        [1, 6],
        [2, 70_000_000_000],
      ],
    )
  })

  it('keeps a message as long as a session waits for it, and no longer', async (t) => {
    const { environment, writer, store } = house(t)
    const rows = [session(1), session(1)]
    await writer.storeSessions(rows.map((row, i) => update(i + 1, row, 1)))
    await writer.storeWaiting([waiting(10, 0, 1, 2), waiting(11, 0, 1)])
    for (const [i, row] of rows.entries()) {
      store.refresh()
      assert.notEqual(store.message(10), undefined)
      applyChange(row, { kind: 'skipped', log: 0, order: 10 })
      await writer.storeSessions([update(i + 1, row, 2, false)])
    }
    store.refresh()
    assert.deepEqual([store.message(10), orders(store, 1), orders(store, 2)], [undefined, [11], []])
    assert.deepEqual(store.totals(2), { messages: 0, bytes: 0 })
    assert.equal(environment.databases.messageUses.getCount(), 1)
  })

  it('has the same, in whatever order messages and rows come, and however often', async (t) => {
    const { environment, writer, store } = house(t)
    const memory = new MemorySessions()
    let number = 0
    const step = fc.oneof(
      fc.record({ kind: fc.constant('message' as const), at: fc.nat(19) }),
      fc.record({ kind: fc.constant('row' as const), at: fc.nat(5) }),
    )
    const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (script) => {
      number += 1
      const n = number
      // One session: it is sent eight messages of two logs, acknowledges some, ends; another one begins.
      const row = session(n * 100)
      const rows = [update(n, row, 1)]
      for (const [i, order] of [1, 2, 3, 4].entries()) {
        const log = i % 2
        const packetId = i + 1
        applyChange(row, { kind: 'sent', packetId, log, order: n * 100 + order, qos: 1 })
        if (i !== 1) applyChange(row, { kind: 'acknowledged', packetId })
        if (i === 2) rows.push(update(n, row, 2, false))
      }
      rows.push(update(n, row, 3, false))
      applyChange(row, { kind: 'ended', at: 0 })
      rows.push(update(n, row, 4, false))
      const next = session(n * 100 + 13, 2)
      rows.push(update(n, next, 1))
      applyChange(next, { kind: 'skipped', log: 0, order: n * 100 + 15 })
      rows.push(update(n, next, 2))
      const messages = Array.from({ length: 20 }, (_, i) => {
        const born = n * 100 + (i < 12 ? 0 : 13)
        return waitingFor(born, n * 100 + i + 1, i % 2, n)
      })
      for (const { kind, at } of script) {
        for (const sink of [writer, memory]) {
          if (kind === 'message') await sink.storeWaiting([messages[at] as WaitingBatch])
          else await sink.storeSessions([rows[at] as SessionUpdate])
        }
      }
      store.refresh()
      assert.deepEqual(orders(store, n), orders(memory, n))
      assert.deepEqual(store.session(n), memory.session(n))
      assert.equal(store.totals(n).messages, orders(store, n).length)
      // And all of it once more, the last row last: only what is still wanted stays.
      await writer.storeWaiting(messages)
      for (const one of rows) await writer.storeSessions([one])
      store.refresh()
      const left = [14, 16, 17, 18, 19, 20].map((order) => n * 100 + order)
      if (store.session(n) !== undefined) assert.deepEqual(orders(store, n), left)
    })
    await fc.assert(property, { numRuns: 150 })
    assert.ok(environment.databases.queues.getCount() > 0)
  })

  it('drops the oldest of a queue above its bounds, and says how many', async (t) => {
    const { writer, store } = house(t, { messages: 3, bytes: 1e9 })
    await writer.storeSessions([update(1, session(1), 1)])
    const dropped = [
      await writer.storeWaiting([2, 3].map((order) => waiting(order, 0, 1))),
      await writer.storeWaiting([4, 5, 6].map((order) => waiting(order, 0, 1, 2))),
    ]
    store.refresh()
    assert.deepEqual(dropped, [0, 2])
    assert.deepEqual(
      [orders(store, 1), orders(store, 2)],
      [
        [4, 5, 6],
        [4, 5, 6],
      ],
    )
    assert.equal(store.message(2), undefined)
  })

  it('lets no row that is stored late bring back a session that has ended', async (t) => {
    const { environment, writer, store } = house(t)
    const row = session(1)
    // Its client went long before it ended: by its end it is forgotten.
    applyChange(row, { kind: 'closed', at: -5 * HOUR, expirySec: 18_000, will: false })
    const late = update(1, row, 2)
    applyChange(row, { kind: 'ended', at: 0 })
    await writer.storeSessions([update(1, row, 3)])
    await writer.storeSessions([late])
    await writer.storeWaiting([waiting(5, 0, 1)])
    store.refresh()
    assert.deepEqual(
      [store.session(1), store.sessions(0, 10), orders(store, 1)],
      [undefined, [], []],
    )
    await writer.sweep(HOUR - 1)
    assert.equal(environment.databases.sessionCursors.getCount(), 1)
    await writer.sweep(HOUR + 1)
    assert.equal(environment.databases.sessionCursors.getCount(), 0)
  })

  it('finds sessions of which something is due, in its order, and only then', async (t) => {
    const { writer, store } = house(t)
    const rows = [30, 10, 20].map((expirySec, i) => {
      const row = session(i + 1)
      applyChange(row, { kind: 'closed', at: 1000, expirySec, will: false })
      return row
    })
    await writer.storeSessions(rows.map((row, i) => update(i + 1, row, 1)))
    store.refresh()
    assert.deepEqual(
      [10_999, 11_000, 25_000, 40_000].map((now) => store.due(now, 2)),
      [[], [2], [2, 3], [2, 3]],
    )
    const [row] = rows.slice(1)
    applyChange(row as SessionRow, { kind: 'opened', expirySec: 10, will: undefined })
    await writer.storeSessions([update(2, row as SessionRow, 2)])
    store.refresh()
    assert.deepEqual(store.due(25_000, 10), [3])
  })

  it('removes a queue of any length with its session', async (t) => {
    const { environment, writer, store } = house(t, { messages: 100_000, bytes: 1e9 })
    const row = session(1)
    await writer.storeSessions([update(1, row, 1)])
    await writer.storeWaiting(Array.from({ length: 12_000 }, (_, i) => waiting(i + 2, 0, 1)))
    applyChange(row, { kind: 'ended', at: 0 })
    await writer.storeSessions([update(1, row, 2, false)])
    store.refresh()
    assert.deepEqual(orders(store, 1), [])
    const { queues, messages, messageUses, queueTotals } = environment.databases
    for (const database of [queues, messages, messageUses, queueTotals]) {
      assert.equal(database.getCount(), 0)
    }
  })
})
