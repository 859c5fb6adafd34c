/**
 * The inverse of `alink-journal.ts`: what an entry of the message log does to the row of its device.
 * Crash recovery reads entries through it, from the last checkpoint on.
 */
import {
  type DeviceState,
  decodeRow,
  type PropertyValue,
  type StateChange,
} from '../../core/domain/device-state.ts'
import { PlatformError } from '../../core/domain/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../../core/domain/json.ts'
import { ENTRY_CLASS, type LogEntry } from '../../core/domain/log-entry.ts'

const UNCHANGED: StateChange = { kind: 'none' }

/** @throws data.unreadable: the log's checksum held, and yet this is not what the journal writes */
export function stateChangeOf(entry: Pick<LogEntry, 'class' | 'payload'>): StateChange {
  switch (entry.class) {
    case ENTRY_CLASS.status:
      return statusChange(read(entry.payload))
    case ENTRY_CLASS.properties:
      return propertiesChange(read(entry.payload))
    case ENTRY_CLASS.adopt:
      return { kind: 'adopt', state: rowOf(entry.payload) }
    case ENTRY_CLASS.event:
    case ENTRY_CLASS.commandReply:
    case ENTRY_CLASS.custom:
      return UNCHANGED
  }
}

function rowOf(payload: Uint8Array): DeviceState {
  const row = decodeRow(textOf(payload))
  if (row === undefined) throw unreadable('adopt')
  return row
}

function statusChange(message: JsonObject): StateChange {
  const { status, utcTime, clientIp } = message
  const at = typeof utcTime === 'string' ? Date.parse(utcTime) : Number.NaN
  if ((status !== 'online' && status !== 'offline') || Number.isNaN(at)) throw unreadable('status')
  const address = typeof clientIp === 'string' && clientIp !== '' ? clientIp : undefined
  return { kind: 'status', online: status === 'online', at, address }
}

function propertiesChange(message: JsonObject): StateChange {
  const { items } = message
  if (!isJsonObject(items)) throw unreadable('properties')
  const read: Record<string, PropertyValue> = Object.create(null)
  for (const identifier in items) {
    const item = items[identifier] as JsonValue
    if (!isJsonObject(item) || typeof item['time'] !== 'number') throw unreadable('properties')
    read[identifier] = { value: item['value'] ?? null, time: item['time'] }
  }
  return { kind: 'properties', items: read }
}

function read(payload: Uint8Array): JsonObject {
  const message = parseJson(textOf(payload))
  if (!isJsonObject(message)) throw unreadable('device')
  return message
}

function textOf(payload: Uint8Array): string {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8')
}

function unreadable(what: string): PlatformError {
  return new PlatformError(
    'data.unreadable',
    `A ${what} entry of the message log is not as the journal writes it.`,
  )
}
