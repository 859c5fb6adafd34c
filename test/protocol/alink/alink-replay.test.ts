import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  applyChange,
  BLANK_STATE,
  type ReplayedChange,
  type StateChange,
} from '../../../core/domain/device-state.ts'
import { PlatformError } from '../../../core/domain/errors.ts'
import type { DeviceName, DeviceNumber, ProductKey } from '../../../core/domain/identifiers.ts'
import type { JsonValue } from '../../../core/domain/json.ts'
import { ENTRY_CLASS, type LogEntry } from '../../../core/domain/log-entry.ts'
import { emptyItems, type PropertyValue } from '../../../core/domain/property-items.ts'
import type { Device } from '../../../core/domain/registry.ts'
import { AlinkJournal } from '../../../protocol/alink/alink-journal.ts'
import { replayedChange, tellingPart } from '../../../protocol/alink/alink-replay.ts'

const DEVICE: Device = {
  number: 7 as DeviceNumber,
  productKey: 'k1demoPK001' as ProductKey,
  deviceName: 'meter-0042' as DeviceName,
  iotId: 'x1y2z3',
  enabled: true,
  createdAt: 1,
}
const STAMP = { token: { incarnation: 3, epoch: 5 }, version: 11 }

/** What replay makes of what the journal wrote: of the whole payload, and of that part which tells. */
function replayed(write: (journal: AlinkJournal) => void): StateChange {
  const entries: LogEntry[] = []
  write(new AlinkJournal({ append: (entry) => entries.push(entry) }))
  assert.equal(entries.length, 1)
  const [{ class: kind, payload }] = entries as [LogEntry]
  const bytes = Buffer.concat([Buffer.from('{,"items":'), payload, Buffer.from('{,"items":')])
  const end = bytes.length - 10
  const from = tellingPart(kind, bytes, 10, end)
  const change = parsed(replayedChange(kind, bytes.toString('utf8', from, end)))
  assert.deepEqual(change, parsed(replayedChange(kind, bytes.toString('utf8', 10, end))))
  return change
}

function parsed(change: ReplayedChange): StateChange {
  if (change.kind !== 'items') return change
  return { kind: 'properties', items: itemsOf(Object.entries(JSON.parse(change.text) as object)) }
}

const identifiers = fc.oneof(
  fc.string(),
  fc.constantFrom('Temp', '__proto__', 'constructor', 'toJSON'),
)
const times = fc.integer({ min: 0, max: 8.64e15 })
/** As JSON knows it: without -0. */
const values = fc.json({ maxDepth: 4 }).map((text) => JSON.parse(text) as JsonValue)
const settled = values.map((value) => JSON.parse(JSON.stringify(value)) as JsonValue)
const itemLists = fc.array(fc.tuple(identifiers, fc.record({ value: settled, time: times })))

function itemsOf(
  list: readonly (readonly [string, PropertyValue])[],
): Record<string, PropertyValue> {
  const items = emptyItems()
  for (const [identifier, item] of list) items[identifier] = { ...item }
  return items
}

describe('replayedChange', () => {
  it('gives back the properties that the journal wrote', () => {
    const inverse = fc.property(itemLists, times, (list, at) => {
      const items = itemsOf(list)
      const change = replayed((journal) =>
        journal.properties(DEVICE, STAMP, { id: '1', at, items, rejected: [], whole: false }),
      )
      assert.deepEqual(change, { kind: 'properties', items })
      const live = applyChange(BLANK_STATE, STAMP, { kind: 'properties', items })
      assert.deepEqual(applyChange(BLANK_STATE, STAMP, change), live)
    })
    fc.assert(inverse)
  })

  const like = {
    checkFailedData: {},
    productKey: 'k1demoPK001',
    items: { Count: { value: 9, time: 9 } },
  }
  for (const value of ['x', like, { value: like }, [like, like], JSON.stringify(like)]) {
    it(`leaves rejected values out, such as ${JSON.stringify(value)}`, () => {
      const rejected = [{ identifier: 'Temp', value, timeMs: 1, code: 6307, message: 'no' }]
      const items = itemsOf([['Count', { value: 1, time: 2 }]])
      const id = JSON.stringify(like)
      const change = replayed((journal) =>
        journal.properties(DEVICE, STAMP, { id, at: 3, items, rejected, whole: false }),
      )
      assert.deepEqual(change, { kind: 'properties', items })
    })
  }

  it('gives back the status that the journal wrote', () => {
    const addresses = fc.option(fc.oneof(fc.ipV4(), fc.ipV6()), { nil: undefined })
    const moments = fc.integer({ min: 0, max: Date.UTC(9999, 0) }) // of a clock, in any time zone
    const inverse = fc.property(fc.boolean(), moments, addresses, (online, at, address) => {
      const change = replayed((journal) => journal.status(DEVICE, STAMP, { online, at, address }))
      assert.deepEqual(change, { kind: 'status', online, at, address })
    })
    fc.assert(inverse)
  })

  it('sees no change in events, replies and custom topics, whatever their bytes', () => {
    for (const kind of [ENTRY_CLASS.event, ENTRY_CLASS.commandReply, ENTRY_CLASS.custom]) {
      assert.deepEqual(replayedChange(kind, '\xff'), {
        kind: 'none',
      })
    }
  })

  for (const text of ['', '{}', '{"items":1}', '{"status":"away","utcTime":"x"}']) {
    it(`does not guess at ${JSON.stringify(text)}`, () => {
      for (const kind of [ENTRY_CLASS.status, ENTRY_CLASS.properties]) {
        assert.throws(
          () => replayedChange(kind, text),
          (error) => error instanceof PlatformError && error.code === 'data.unreadable',
        )
      }
    })
  }
})
