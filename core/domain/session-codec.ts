/**
 * Sessions as bytes: rows in JSON, in the store and between shards; changes in the message log, of which those that come
 * with every message have a fixed layout. `docs/formats.md`, "Session".
 */
import type { SubscriptionOptions } from '../ports/relay.ts'
import { PlatformError } from './errors.ts'
import type { DeviceNumber } from './identifiers.ts'
import { ENTRY_CLASS, type LogEntry } from './log-entry.ts'
import type { Qos } from './qos.ts'
import type {
  Inflight,
  SessionChange,
  SessionCursor,
  SessionHead,
  SessionRow,
  SessionWill,
} from './session-row.ts'
import type { Stamp } from './token.ts'

/** Stored: never change one, add behind. */
const KINDS: readonly SessionChange['kind'][] = [
  'whole',
  'opened',
  'closed',
  'willDone',
  'ended',
  'subscribed',
  'unsubscribed',
  'sent',
  'skipped',
  'acknowledged',
  'received',
  'arrived',
  'released',
]
const CODE = Object.fromEntries(KINDS.map((kind, code) => [kind, code])) as Readonly<
  Record<SessionChange['kind'], number>
>
const NO_TARGETS: readonly number[] = []
const SHORT = Buffer.alloc(3)
const LONG = Buffer.alloc(14)

interface HeadText extends Omit<SessionHead, 'subscriptions' | 'will'> {
  readonly will?: WillText
  readonly subscriptions: readonly (readonly [filter: string, options: SubscriptionOptions])[]
}

interface WillText extends Omit<SessionWill, 'bytes'> {
  /** Base64. */
  readonly bytes: string
}

interface CursorText extends Omit<SessionCursor, 'reached' | 'inflight' | 'arrivals'> {
  readonly reached: readonly (readonly [log: number, order: number])[]
  readonly inflight: readonly Inflight[]
  readonly arrivals: readonly number[]
}

export function encodeHead(head: SessionHead): Buffer {
  return toBytes(headText(head))
}

export function decodeHead(bytes: Uint8Array): SessionHead {
  return headOf(fromBytes(bytes) as HeadText)
}

export function encodeCursor(cursor: SessionCursor): Buffer {
  return toBytes(cursorText(cursor))
}

export function decodeCursor(bytes: Uint8Array): SessionCursor {
  return cursorOf(fromBytes(bytes) as CursorText)
}

export function encodeRow({ head, cursor }: SessionRow): Buffer {
  return toBytes([headText(head), cursorText(cursor)])
}

export function decodeRow(bytes: Uint8Array): SessionRow {
  const [head, cursor] = fromBytes(bytes) as [HeadText, CursorText]
  return { head: headOf(head), cursor: cursorOf(cursor) }
}

function headText({ subscriptions, will, ...head }: SessionHead): HeadText {
  const text = { ...head, subscriptions: [...subscriptions] }
  return will === undefined ? text : { ...text, will: willText(will) }
}

function headOf({ subscriptions, will, ...head }: HeadText): SessionHead {
  return { ...head, will: will && willOf(will), subscriptions: new Map(subscriptions) }
}

function cursorText({ reached, inflight, arrivals, ...rest }: SessionCursor): CursorText {
  return {
    ...rest,
    reached: [...reached],
    inflight: [...inflight.values()],
    arrivals: [...arrivals],
  }
}

function cursorOf({ reached, inflight, arrivals, ...rest }: CursorText): SessionCursor {
  return {
    ...rest,
    reached: new Map(reached),
    inflight: new Map(inflight.map((sent) => [sent.packetId, sent])),
    arrivals: new Set(arrivals),
  }
}

function willText({ bytes, delaySec }: SessionWill): WillText {
  return { bytes: Buffer.from(bytes).toString('base64'), delaySec }
}

function willOf({ bytes, delaySec }: WillText): SessionWill {
  return { bytes: Buffer.from(bytes, 'base64'), delaySec }
}

function toBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function fromBytes(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
}

/** Valid until the next call: whoever appends copies. */
function encodeChange(change: SessionChange): Uint8Array {
  const code = CODE[change.kind]
  switch (change.kind) {
    case 'acknowledged':
    case 'received':
    case 'arrived':
    case 'released':
      SHORT[0] = code
      SHORT.writeUInt16LE(change.packetId, 1)
      return SHORT
    case 'sent':
    case 'skipped':
      LONG[0] = code
      LONG.writeUInt16LE(change.kind === 'sent' ? change.packetId : 0, 1)
      LONG.writeUInt16LE(change.log, 3)
      LONG[5] = change.kind === 'sent' ? change.qos : 0
      LONG.writeDoubleLE(change.order, 6)
      return LONG
    case 'whole':
      return Buffer.concat([Buffer.from([code]), encodeRow(change.row)])
    case 'opened': {
      const will = change.will && willText(change.will)
      return Buffer.concat([Buffer.from([code]), toBytes({ ...change, will })])
    }
    case 'closed':
    case 'willDone':
    case 'ended':
    case 'subscribed':
    case 'unsubscribed':
      return Buffer.concat([Buffer.from([code]), toBytes(change)])
  }
}

export function decodeChange(payload: Uint8Array): SessionChange {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  const kind = KINDS[bytes[0] as number]
  switch (kind) {
    case 'acknowledged':
    case 'received':
    case 'arrived':
    case 'released':
      return { kind, packetId: bytes.readUInt16LE(1) }
    case 'sent': {
      const qos = bytes[5] as Qos
      const log = bytes.readUInt16LE(3)
      return { kind, packetId: bytes.readUInt16LE(1), log, order: bytes.readDoubleLE(6), qos }
    }
    case 'skipped':
      return { kind, log: bytes.readUInt16LE(3), order: bytes.readDoubleLE(6) }
    case 'whole':
      return { kind, row: decodeRow(bytes.subarray(1)) }
    case 'opened': {
      const { will, ...change } = fromBytes(bytes.subarray(1)) as Omit<
        SessionChange & { readonly kind: 'opened' },
        'will'
      > & { readonly will?: WillText }
      return { ...change, will: will && willOf(will) }
    }
    case 'closed':
    case 'willDone':
    case 'ended':
    case 'subscribed':
    case 'unsubscribed':
      return fromBytes(bytes.subarray(1)) as SessionChange
    case undefined:
      break
  }
  throw new PlatformError('data.unreadable', `a session has a change of kind ${bytes[0]}`)
}

/** @param session  its number */
export function sessionEntry(session: number, stamp: Stamp, change: SessionChange): LogEntry {
  return {
    class: ENTRY_CLASS.session,
    number: session as DeviceNumber, // numbers of their own, beside those of devices
    token: stamp.token,
    version: stamp.version,
    qos: 1,
    whole: change.kind === 'whole',
    targets: NO_TARGETS,
    topic: '',
    payload: encodeChange(change),
  }
}
