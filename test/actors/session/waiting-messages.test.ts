import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Tally } from '../../../actors/runtime/tally.ts'
import { SessionFigures } from '../../../actors/session/session-figures.ts'
import { WaitingMessages } from '../../../actors/session/waiting-messages.ts'
import { type DeliveryTarget, decodeTerms } from '../../../core/domain/delivery-target.ts'
import { decodeWaiting, type WaitingMessage } from '../../../core/domain/waiting-message.ts'
import { MemorySessions } from '../../support/memory-sessions.ts'
import { publicationOf } from '../publications.ts'

const MAX_ENTRY_BYTES = 8_388_608

function house() {
  const entries: { readonly targets: readonly number[]; readonly payload: Buffer }[] = []
  const heard: string[] = []
  const store = new MemorySessions()
  const tally = new Tally()
  const waiting = new WaitingMessages({
    shard: 0,
    figures: new SessionFigures(),
    bounds: { messages: 1000, bytes: 1e9, policy: 'drop-oldest' },
    reader: store,
    sink: store,
    journal: (_message, targets, payload) =>
      entries.push({ targets, payload: Buffer.from(payload) }),
    hear: (session) => heard.push(`${session}`),
    tell: () => {},
    counters: tally,
    now: () => 0,
  })
  return { waiting, entries, heard, store, tally }
}

function target(session: number, more: Partial<DeliveryTarget['terms']> = {}): DeliveryTarget {
  const terms = { born: 1, qos: 1, retain: false, identifiers: [], group: undefined } as const
  return { session, terms: { ...terms, ...more } }
}

describe('messages that wait', () => {
  it('names all their sessions in entries that each fit in the log', () => {
    const { waiting, entries } = house()
    const identifiers = Array.from({ length: 255 }, (_, i) => i + 1)
    const targets = Array.from({ length: 12_000 }, (_, i) => target(i + 1, { identifiers }))
    waiting.publish(0, publicationOf('t', 'x'.repeat(8_000_000), 1), targets)
    assert.ok(entries.length > 1)
    for (const { payload } of entries) assert.ok(payload.length < MAX_ENTRY_BYTES)
    const named = entries.flatMap(({ targets: sessions, payload }) => {
      const { terms } = decodeWaiting(payload, sessions.length)
      assert.ok(terms.every((one) => decodeTerms(one, 0).identifiers.length === 255))
      return sessions
    })
    assert.deepEqual(
      named,
      targets.map(({ session }) => session),
    )
  })

  it('give each of a shared subscription on once, whether it was stored meanwhile or not', async () => {
    const { waiting, store } = house()
    const group = '$share/g/t'
    const publish = (payload: string): void =>
      waiting.publish(0, publicationOf('t', payload, 1), [target(1, { group })])
    publish('a')
    await waiting.share()?.store()
    const found = [...store.storedOrders()] // here the session's shard looks
    publish('b')
    await waiting.share()?.store()
    publish('c')
    const committing = waiting.share()?.store() // in the store, and this shard has not heard of it
    publish('d')
    const given: string[] = []
    waiting.ended(
      { session: 1, born: 1, sent: [], found, shared: true },
      (message: WaitingMessage) =>
        given.push(Buffer.from(message.buffer.subarray(message.payloadStart)).toString()),
    )
    await committing
    assert.deepEqual(given, ['b', 'c', 'd'])
    assert.equal(waiting.unstored, 0)
  })

  it('are dropped, and counted, for sessions whose store stands still, within a bound', () => {
    const { waiting, tally } = house()
    const publication = publicationOf('t', 'x'.repeat(1_000_000), 1)
    let taken = 0
    for (; !waiting.behind; taken++) waiting.publish(0, publication, [target(1)])
    assert.ok(taken >= 67 && taken <= 68, `${taken} MB`)
    waiting.publish(0, publication, [target(1)])
    assert.equal(waiting.unstored, taken)
    assert.equal(tally.snapshot()['delivery.dropped.store-behind'], 1)
  })
})
