/** What a consumer of the message log reads: one entry, with the names that a back end knows. */
import { isJsonObject, type JsonObject, parseJson } from './json.ts'
import { type EntryClassName, entryClassName, type StoredEntry } from './log-entry.ts'

/** What back ends see: the others are the platform's own, or of no device. */
type UplinkKind = Exclude<EntryClassName, 'adopt' | 'retained' | 'waiting' | 'session'>

export interface UplinkMessage {
  readonly kind: UplinkKind
  readonly productKey: string
  readonly deviceName: string
  /** As back ends see it (topics.md §6). */
  readonly topic: string
  readonly messageId: string
  /** When it was stored, ms since the epoch. */
  readonly storedAt: number
  /** Where a later iterator goes on behind this message (uplink-cursor.ts). */
  readonly cursor: string
  /** Raw bytes of a custom message, else the normalised JSON. */
  readonly payload: Uint8Array
  /** The normalised JSON (tsl.md §6); for a custom message its payload where that is a JSON object. */
  readonly body: JsonObject | undefined
}

export interface UplinkFilter {
  readonly productKey?: string
  readonly deviceName?: string
  /** Absent: every kind. */
  readonly kinds?: readonly UplinkKind[]
}

const STATUS_PREFIX = '/as/mqtt/status/'

/** @param cursor  where a reader goes on behind this entry */
export function uplinkMessageOf(entry: StoredEntry, cursor: string): UplinkMessage | undefined {
  const kind = kindOf(entry)
  if (kind === undefined) return undefined
  const { topic, payload, messageId, storedAt } = entry
  const path = topic.startsWith(STATUS_PREFIX) ? topic.slice(STATUS_PREFIX.length - 1) : topic
  const [, productKey = '', deviceName = ''] = path.split('/')
  const json = parseJson(Buffer.from(payload).toString('utf8'))
  const body = isJsonObject(json) ? json : undefined
  return { kind, productKey, deviceName, topic, messageId, storedAt, cursor, payload, body }
}

/** `undefined`: for no consumer, or of a later version. */
function kindOf(entry: StoredEntry): UplinkKind | undefined {
  const kind = entryClassName(entry.class)
  switch (kind) {
    case 'adopt':
    case 'retained':
    case 'waiting':
    case 'session':
    case undefined:
      return undefined
    case 'status':
    case 'properties':
    case 'event':
    case 'commandReply':
    case 'custom':
      return kind
  }
}

/** Cheaper than making the message: asked first. */
export function passes(entry: StoredEntry, filter: UplinkFilter): boolean {
  const { productKey, deviceName, kinds } = filter
  const kind = kindOf(entry)
  if (kind === undefined || kinds?.includes(kind) === false) return false
  if (productKey === undefined && deviceName === undefined) return true
  const levels = entry.topic.split('/')
  const at = entry.topic.startsWith(STATUS_PREFIX) ? 4 : 1
  if (productKey !== undefined && levels[at] !== productKey) return false
  return deviceName === undefined || levels[at + 1] === deviceName
}
