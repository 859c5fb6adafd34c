/**
 * Sessions as bytes: rows in MessagePack, in the store and between shards; changes in the message log, of which those
 * that come with every message have a fixed layout. `docs/formats.md`, "Session".
 */
import { Packr } from 'msgpackr'
import type { DeviceNumber } from './identifiers.ts'
import { ENTRY_CLASS, type LogEntry } from './log-entry.ts'
import type { Qos } from './qos.ts'
import type {
  Inflight,
  SessionChange,
  SessionCursor,
  SessionHead,
  SessionRow,
} from './session-row.ts'
import type { Stamp } from './token.ts'

const packr = new Packr({ useRecords: false, copyBuffers: true })

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

export function encodeHead({ subscriptions, ...head }: SessionHead): Buffer {
  return Buffer.from(packr.pack({ ...head, subscriptions: [...subscriptions] }))
}

export function decodeHead(bytes: Uint8Array): SessionHead {
  const { subscriptions, ...head } = packr.unpack(Buffer.from(bytes)) as Omit<
    SessionHead,
    'subscriptions'
  > & { readonly subscriptions: [] }
  return { ...head, subscriptions: new Map(subscriptions) }
}

export function encodeCursor(cursor: SessionCursor): Buffer {
  const { reached, inflight, arrivals, ...rest } = cursor
  return Buffer.from(
    packr.pack({
      ...rest,
      reached: [...reached],
      inflight: [...inflight.values()],
      arrivals: [...arrivals],
    }),
  )
}

export function decodeCursor(bytes: Uint8Array): SessionCursor {
  const { reached, inflight, arrivals, ...rest } = packr.unpack(Buffer.from(bytes)) as Omit<
    SessionCursor,
    'reached' | 'inflight' | 'arrivals'
  > & {
    readonly reached: []
    readonly inflight: readonly Inflight[]
    readonly arrivals: readonly number[]
  }
  return {
    ...rest,
    reached: new Map(reached),
    inflight: new Map(inflight.map((sent) => [sent.packetId, sent])),
    arrivals: new Set(arrivals),
  }
}

export function encodeRow({ head, cursor }: SessionRow): Buffer {
  return Buffer.from(packr.pack([encodeHead(head), encodeCursor(cursor)]))
}

export function decodeRow(bytes: Uint8Array): SessionRow {
  const [head, cursor] = packr.unpack(Buffer.from(bytes)) as [Uint8Array, Uint8Array]
  return { head: decodeHead(head), cursor: decodeCursor(cursor) }
}

/** Valid until the next call: whoever appends copies. */
export function encodeChange(change: SessionChange): Uint8Array {
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
    default:
      return Buffer.concat([Buffer.from([code]), packr.pack(change)])
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
    default:
      return packr.unpack(bytes.subarray(1)) as SessionChange
  }
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
