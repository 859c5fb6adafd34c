/**
 * Whom a message waits for, and how that session wants it: a session's number, and bytes in the log, in the store and
 * between shards. Layout: `docs/formats.md`, "Message that waits".
 */
import type { Qos } from './qos.ts'

/** How a session wants a message, as its subscriptions said when it was published. */
export interface TargetTerms {
  /** Of the session (session-row.ts): it is for none that has the same number before or behind it. */
  readonly born: number
  /** The highest it subscribed with. */
  readonly qos: Qos
  /** Retain As Published, and the message was to be retained. */
  readonly retain: boolean
  /** Subscription Identifiers. */
  readonly identifiers: readonly number[]
  /** The shared subscription that has chosen it: `$share/{group}/{filter}`. */
  readonly group: string | undefined
}

export interface DeliveryTarget {
  /** Of a session, from 1. */
  readonly session: number
  readonly terms: TargetTerms
}

const QOS = 3
const RETAIN = 4
const SHARED = 8
const HEADER_BYTES = 10
const MAX_IDENTIFIERS = 255 // of overlapping subscriptions; further ones are left out

export function encodeTerms({ born, qos, retain, identifiers, group }: TargetTerms): Buffer {
  const count = Math.min(identifiers.length, MAX_IDENTIFIERS)
  const name = group === undefined ? undefined : Buffer.from(group)
  const end = HEADER_BYTES + count * 4
  const bytes = Buffer.alloc(end + (name === undefined ? 0 : 2 + name.length))
  bytes[0] = qos | (retain ? RETAIN : 0) | (name === undefined ? 0 : SHARED)
  bytes[1] = count
  bytes.writeDoubleLE(born, 2)
  for (let i = 0; i < count; i++) {
    bytes.writeUInt32LE(identifiers[i] as number, HEADER_BYTES + i * 4)
  }
  if (name !== undefined) {
    bytes.writeUInt16LE(name.length, end)
    bytes.set(name, end + 2)
  }
  return bytes
}

/** Bytes that they take encoded, or less. */
export function mostTermsBytes({ identifiers, group }: TargetTerms): number {
  return HEADER_BYTES + identifiers.length * 4 + (group === undefined ? 0 : 2 + group.length * 3)
}

/** Offset behind the terms that begin at `at`. */
export function endOfTerms(bytes: Buffer, at: number): number {
  const end = at + HEADER_BYTES + (bytes[at + 1] as number) * 4
  return ((bytes[at] as number) & SHARED) === 0 ? end : end + 2 + bytes.readUInt16LE(end)
}

export function decodeTerms(bytes: Buffer, at: number): TargetTerms {
  const flags = bytes[at] as number
  const count = bytes[at + 1] as number
  const identifiers: number[] = []
  for (let i = 0; i < count; i++) identifiers.push(bytes.readUInt32LE(at + HEADER_BYTES + i * 4))
  const nameAt = at + HEADER_BYTES + count * 4 + 2
  return {
    born: bytes.readDoubleLE(at + 2),
    qos: (flags & QOS) as Qos,
    retain: (flags & RETAIN) !== 0,
    identifiers,
    group:
      (flags & SHARED) === 0
        ? undefined
        : bytes.toString('utf8', nameAt, nameAt + bytes.readUInt16LE(nameAt - 2)),
  }
}
