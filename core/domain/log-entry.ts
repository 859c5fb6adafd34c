/** One entry of the message log, as it is appended and as it is read back. Bytes: `docs/formats.md`. */
import type { DeviceNumber } from './identifiers.ts'
import type { RetainedRow } from './retained-row.ts'
import type { Token } from './token.ts'

/**
 * What an entry tells. The numbers are stored: never change one, add behind.
 * `custom` carries the device's raw bytes, the others the normalised JSON of tsl.md §6.
 */
export const ENTRY_CLASS = {
  status: 1,
  properties: 2,
  event: 3,
  commandReply: 4,
  custom: 5,
  /** The row as its new owner got it: replay goes on from here. No consumer sees it. */
  adopt: 6,
  /** A retained message (retained-row.ts), of no device. No consumer sees it. */
  retained: 7,
  /** A message that waits for sessions (waiting-message.ts). No consumer sees it. */
  waiting: 8,
  /** What happened to a session (session-row.ts); `number` is the session's. No consumer sees it. */
  session: 9,
} as const

export type EntryClassName = keyof typeof ENTRY_CLASS
export type EntryClass = (typeof ENTRY_CLASS)[EntryClassName]

export interface LogEntry {
  readonly class: EntryClass
  /** 0 where the entry belongs to no device. */
  readonly number: DeviceNumber
  readonly token: Token
  readonly version: number
  readonly qos: 0 | 1
  /** Of a post: the row's properties are its items and nothing else. Replay needs none before it. */
  readonly whole: boolean
  /** Numbers of the sessions for which this entry is the queue entry. */
  readonly targets: readonly number[]
  /** As a back end sees it (topics.md §6). */
  readonly topic: string
  readonly payload: Uint8Array
}

/** The entry of a retained message; its order stands where the others have their version. */
export function retainedEntry(row: RetainedRow): LogEntry {
  return {
    class: ENTRY_CLASS.retained,
    number: NO_DEVICE,
    token: { incarnation: row.incarnation, epoch: 0 },
    version: row.order,
    qos: row.qos === 0 ? 0 : 1,
    whole: false,
    targets: NO_TARGETS,
    topic: '',
    payload: row.buffer,
  }
}

const NO_DEVICE = 0 as DeviceNumber
const NO_TARGETS: readonly number[] = []

/** An entry with its place: (log, sequence) names it for ever. */
export interface StoredEntry extends LogEntry {
  readonly log: number
  readonly sequence: number
  /** When the turn was stored, ms since the epoch; says when, never what comes first. */
  readonly storedAt: number
  readonly messageId: string
}

export function entryClassName(value: number): EntryClassName | undefined {
  for (const [name, known] of Object.entries(ENTRY_CLASS)) {
    if (known === value) return name as EntryClassName
  }
  return undefined
}
