/**
 * The inverse of `alink-journal.ts`: what an entry of the message log does to the row of its device.
 * Crash recovery reads entries through it, from the last checkpoint on.
 */
import { type DeviceState, decodeRow, type ReplayedChange } from '../../core/domain/device-state.ts'
import { PlatformError } from '../../core/domain/errors.ts'
import { isJsonObject, type JsonObject, parseJson } from '../../core/domain/json.ts'
import { ENTRY_CLASS, type EntryClass } from '../../core/domain/log-entry.ts'

const UNCHANGED: ReplayedChange = { kind: 'none' }
const REJECTED = '"checkFailedData":'
const NOTHING_REJECTED = '{},"productKey":'
const ITEMS = ',"items":'

/**
 * Where that begins in a payload, `bytes[start..end)`, which `replayedChange` needs of it; `end`: nothing is
 * needed. Replay keeps no more of an entry.
 *
 * Of a post that is its items, the last field. They are cut out only where no value was rejected, for within such a
 * value anything may stand; all else before them is texts, in which a quote is escaped.
 */
export function tellingPart(kind: EntryClass, bytes: Buffer, start: number, end: number): number {
  if (kind === ENTRY_CLASS.status || kind === ENTRY_CLASS.adopt) return start
  if (kind !== ENTRY_CLASS.properties) return end
  const text = bytes.toString('latin1', start, end) // a character a byte
  const rejected = text.indexOf(REJECTED) + REJECTED.length
  if (!text.startsWith(NOTHING_REJECTED, rejected)) return start
  const items = text.indexOf(ITEMS, rejected)
  return items === -1 ? start : start + items
}

/**
 * What an entry does to the row of its device.
 *
 * @param text  its payload, or of that what `tellingPart` has left
 * @throws data.unreadable: the log's checksum held, and yet this is not what the journal writes
 */
export function replayedChange(kind: EntryClass, text: string): ReplayedChange {
  switch (kind) {
    case ENTRY_CLASS.status:
      return statusChange(read(text))
    case ENTRY_CLASS.properties:
      return { kind: 'items', text: itemsOf(text) }
    case ENTRY_CLASS.adopt:
      return { kind: 'adopt', state: rowOf(text) }
    case ENTRY_CLASS.event:
    case ENTRY_CLASS.commandReply:
    case ENTRY_CLASS.custom:
    case ENTRY_CLASS.retained:
    case ENTRY_CLASS.waiting:
    case ENTRY_CLASS.session:
      return UNCHANGED
  }
}

function rowOf(text: string): DeviceState {
  const row = decodeRow(text)
  if (row === undefined) throw unreadable('adopt')
  return row
}

function statusChange(message: JsonObject): ReplayedChange {
  const { status, utcTime, clientIp } = message
  const at = typeof utcTime === 'string' ? Date.parse(utcTime) : Number.NaN
  if ((status !== 'online' && status !== 'offline') || Number.isNaN(at)) throw unreadable('status')
  const address = typeof clientIp === 'string' && clientIp !== '' ? clientIp : undefined
  return { kind: 'status', online: status === 'online', at, address }
}

function itemsOf(text: string): string {
  if (text.startsWith(ITEMS)) return text.slice(ITEMS.length, -1)
  const { items } = read(text)
  if (!isJsonObject(items)) throw unreadable('properties')
  return JSON.stringify(items)
}

function read(text: string): JsonObject {
  const message = parseJson(text)
  if (!isJsonObject(message)) throw unreadable('device')
  return message
}

function unreadable(what: string): PlatformError {
  return new PlatformError(
    'data.unreadable',
    `A ${what} entry of the message log is not as the journal writes it.`,
  )
}
