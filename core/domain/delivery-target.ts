/**
 * Whom a message waits for, and how that session wants it: a session's number, and bytes in the log, in the store and
 * between shards. Layout: `docs/formats.md`, "Message that waits".
 */
import type { Qos } from './qos.ts'

/** How a session wants a message, as its subscriptions said when it was published. */
export interface TargetTerms {
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
const MAX_IDENTIFIERS = 255 // of overlapping subscriptions; further ones are left out

/** One that is borne by nearly all messages has two bytes. */
export function encodeTerms({ qos, retain, identifiers, group }: TargetTerms): Buffer {
  const count = Math.min(identifiers.length, MAX_IDENTIFIERS)
  const name = group === undefined ? undefined : Buffer.from(group)
  const bytes = Buffer.alloc(2 + count * 4 + (name === undefined ? 0 : 2 + name.length))
  bytes[0] = qos | (retain ? RETAIN : 0) | (name === undefined ? 0 : SHARED)
  bytes[1] = count
  for (let i = 0; i < count; i++) bytes.writeUInt32LE(identifiers[i] as number, 2 + i * 4)
  if (name !== undefined) {
    bytes.writeUInt16LE(name.length, 2 + count * 4)
    bytes.set(name, 4 + count * 4)
  }
  return bytes
}

/** Offset behind the terms that begin at `at`. */
export function endOfTerms(bytes: Buffer, at: number): number {
  const end = at + 2 + (bytes[at + 1] as number) * 4
  return ((bytes[at] as number) & SHARED) === 0 ? end : end + 2 + bytes.readUInt16LE(end)
}

export function decodeTerms(bytes: Buffer, at: number): TargetTerms {
  const flags = bytes[at] as number
  const count = bytes[at + 1] as number
  const identifiers: number[] = []
  for (let i = 0; i < count; i++) identifiers.push(bytes.readUInt32LE(at + 2 + i * 4))
  const nameAt = at + 4 + count * 4
  return {
    qos: (flags & QOS) as Qos,
    retain: (flags & RETAIN) !== 0,
    identifiers,
    group:
      (flags & SHARED) === 0
        ? undefined
        : bytes.toString('utf8', nameAt, nameAt + bytes.readUInt16LE(nameAt - 2)),
  }
}
