import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { RetainedRow } from '../../core/domain/retained-row.ts'
import { isTopicFilter, matches } from '../../core/domain/topic.ts'
import { RetainedStore, type RetainedTotals, RetainedWriter } from '../../storage/retained-store.ts'
import { publicationOf } from '../actors/publications.ts'
import { writableEnvironment } from './support.ts'

const HOUR = 3_600_000

function house(t: TestContext) {
  const environment = writableEnvironment(t)
  let totals: RetainedTotals = { messages: -1, bytes: -1 }
  const writer = new RetainedWriter(environment, (now) => {
    totals = now
  })
  const store = new RetainedStore(environment)
  const row = (topic: string, payload: string, order: number, space = 0): Uint8Array =>
    RetainedRow.of(space, publicationOf(topic, payload), { incarnation: 1, order }, 0).buffer
  const found = (filter: string, space = 0, limit = 7): string[] => {
    const topics: string[] = []
    let pages = 0
    for (let from: Uint8Array | undefined; pages < 10_000; pages++) {
      const page = store.page(space, filter, from, limit)
      topics.push(...page.rows.filter(({ gone }) => !gone).map(({ topic }) => topic))
      if (page.next === undefined) return topics
      from = page.next
    }
    throw new Error('no end of pages')
  }
  return { environment, writer, store, row, found, totals: () => totals }
}

describe('retained store', () => {
  it('finds by filter what asking topic by topic would find, page by page, each once', async (t) => {
    const { writer, row, found } = house(t)
    const level = fc.constantFrom('a', 'b', 'ab', '', '$x', 'a-', 'ü', 'z'.repeat(700))
    const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((all) => all.join('/'))
    const topics = [...new Set(fc.sample(topic, 400))].filter((one) => one !== '')
    await writer.retain(topics.map((one, i) => row(one, 'x', i + 1)))
    await writer.retain([row('a/b', 'x', 1, 1), row('other', 'x', 2, 1)])
    const filter = fc
      .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 5 }), fc.boolean())
      .map(([levels, deep]) => [...levels, ...(deep ? ['#'] : [])].join('/'))
      .filter(isTopicFilter)
    const same = fc.property(filter, fc.integer({ min: 1, max: 50 }), (asked, limit) => {
      const expected = topics.filter((one) => matches(asked, one)).sort()
      assert.deepEqual(found(asked, 0, limit).sort(), expected, asked)
    })
    fc.assert(same, { numRuns: 500 })
    assert.deepEqual(found('#', 1).sort(), ['a/b', 'other'])
  })

  it('skips what a filter cannot match', async (t) => {
    const { writer, row, store } = house(t)
    const rows: Uint8Array[] = []
    for (let i = 0; i < 100; i++) {
      for (let j = 0; j < 50; j++) rows.push(row(`house/${i}/sensor/${j}`, 'x', i * 50 + j + 1))
    }
    await writer.retain(rows)
    let pages = 0
    let matched = 0
    for (let from: Uint8Array | undefined; ; pages++) {
      const page = store.page(0, 'house/+/sensor/7', from, 50)
      matched += page.rows.length
      if (page.next === undefined) break
      from = page.next
    }
    assert.equal(matched, 100)
    assert.ok(pages < 12, `${pages} pages of 50 rows, where there are 5,000`)
  })

  it('keeps the newest of a topic whatever comes last, and does not bring a removed one back', async (t) => {
    const { writer, row, store, totals } = house(t)
    const payload = (): string | undefined => {
      const found = store.find(0, 't')
      if (found === undefined || found.gone) return undefined
      return Buffer.from(found.buffer.subarray(found.payloadStart)).toString()
    }
    await writer.retain([row('t', 'second', 2)])
    await writer.retain([row('t', 'first', 1)])
    assert.equal(payload(), 'second')
    await writer.retain([row('t', '', 4)])
    await writer.retain([row('t', 'third', 3)])
    assert.equal(payload(), undefined)
    assert.deepEqual(totals(), { messages: 0, bytes: 0 })
    const next = RetainedRow.of(
      0,
      publicationOf('t', 'next start'),
      { incarnation: 2, order: 1 },
      0,
    )
    await writer.retain([next.buffer])
    assert.equal(payload(), 'next start')
    assert.deepEqual(totals(), { messages: 1, bytes: next.buffer.length })
  })

  it('forgets what has expired and what marks a removal an hour later, and tells the totals at its next start', async (t) => {
    const { environment, writer, row, found, totals } = house(t)
    const expiry = publicationOf('short', 'x', 1, Uint8Array.of(2, 0, 0, 0, 9))
    const short = { ...expiry, expiryAt: expiry.propertiesStart + 1 }
    const stamp = { incarnation: 1, order: 9 }
    await writer.retain([row('long', 'x', 1), RetainedRow.of(0, short, stamp, 0).buffer])
    await writer.retain([row('gone', 'x', 2), row('gone', '', 3)])
    assert.equal(totals().messages, 2)
    await writer.sweep(HOUR - 1)
    assert.deepEqual(found('#').sort(), ['long', 'short'])
    await writer.sweep(HOUR + 9000)
    assert.deepEqual(found('#'), ['long'])
    assert.equal([...environment.databases.retained.getKeys()].length, 1)
    const told: RetainedTotals[] = []
    new RetainedWriter(environment, (now) => told.push(now))
    assert.deepEqual(told, [{ messages: 1, bytes: row('long', 'x', 1).length }])
  })
})
