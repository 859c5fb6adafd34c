/**
 * A session that outlives its connection, as it is stored (MQTT 5.0 §4.1), and what may happen to it. Each change is
 * an entry of the message log before its effect leaves the server; the store has the row behind them. `applyChange` is the
 * one place that knows what a change does: the shard that has custody and recovery both go by it.
 *
 * A session's queue is not here: it is all messages that have it as a target, but for those that `isDone` says are.
 */
import type { SubscriptionOptions } from '../ports/relay.ts'
import type { Qos } from './qos.ts'
import { NO_TOKEN, type Stamp } from './token.ts'

/** A session that never ends by itself (MQTT 5.0 §3.1.2.11.2). */
export const NEVER = 0xffffffff

/** What is read at a start for every session, and changes seldom. */
export interface SessionHead {
  /** Client identifier, behind whose it is. */
  name: string
  /** Its topic space. */
  space: number
  /** Seconds that it outlives its connection; `NEVER`. */
  expirySec: number
  /** Where it has one, until it is published or forgone. */
  will: SessionWill | undefined
  subscriptions: Map<string, SubscriptionOptions>
}

export interface SessionWill {
  /** A `WaitingMessage` of no order. */
  readonly bytes: Uint8Array
  readonly delaySec: number
}

/** A PUBLISH that was sent, and whose exchange is not over. */
export interface Inflight {
  readonly packetId: number
  readonly log: number
  readonly order: number
  readonly qos: Qos
  /** PUBREC has come: from here on PUBREL is sent again, and not the message. */
  received: boolean
}

/** What changes with every message. */
export interface SessionCursor {
  /** An order of its own (waiting-message.ts), given when it began: tells it from others that had its number. */
  readonly born: number
  stamp: Stamp
  /** It has a connection. */
  online: boolean
  /** ms since the epoch: since when it has none; since when it is over. */
  offlineAt: number
  /** By log: the order up to which messages were sent, or left out. */
  readonly reached: Map<number, number>
  /** By packet id, in the order in which they were sent first. */
  readonly inflight: Map<number, Inflight>
  /** Packet ids of PUBLISH packets at QoS 2 that came and were not released. */
  readonly arrivals: Set<number>
  /** Given last. */
  lastPacketId: number
  /** It is over; the number may be another session's behind it. */
  ended: boolean
}

export interface SessionRow {
  readonly head: SessionHead
  readonly cursor: SessionCursor
}

export type SessionChange =
  | { readonly kind: 'whole'; readonly row: SessionRow }
  /** A connection came. */
  | {
      readonly kind: 'opened'
      readonly expirySec: number
      readonly will: SessionWill | undefined
    }
  | {
      readonly kind: 'closed'
      readonly at: number
      readonly expirySec: number
      readonly will: boolean
    }
  /** The Will was published, or is forgone. */
  | { readonly kind: 'willDone' }
  /** `at`: ms since the epoch. */
  | { readonly kind: 'ended'; readonly at: number }
  | { readonly kind: 'subscribed'; readonly filter: string; readonly options: SubscriptionOptions }
  | { readonly kind: 'unsubscribed'; readonly filter: string }
  | {
      readonly kind: 'sent'
      readonly packetId: number
      readonly log: number
      readonly order: number
      readonly qos: Qos
    }
  /** Not sent and not to be sent: expired, or larger than the client takes. */
  | { readonly kind: 'skipped'; readonly log: number; readonly order: number }
  | { readonly kind: 'acknowledged'; readonly packetId: number }
  | { readonly kind: 'received'; readonly packetId: number }
  | { readonly kind: 'arrived'; readonly packetId: number }
  | { readonly kind: 'released'; readonly packetId: number }

export function newSession({
  name,
  space,
  born,
}: {
  readonly name: string
  readonly space: number
  readonly born: number
}): SessionRow {
  return {
    head: { name, space, expirySec: 0, will: undefined, subscriptions: new Map() },
    cursor: {
      born,
      stamp: { token: NO_TOKEN, version: 0 },
      online: false,
      offlineAt: 0,
      reached: new Map(),
      inflight: new Map(),
      arrivals: new Set(),
      lastPacketId: 0,
      ended: false,
    },
  }
}

/** Does everything but the stamp. `whole` is not for here: it replaces the row. */
export function applyChange(
  { head, cursor }: SessionRow,
  change: Exclude<SessionChange, { readonly kind: 'whole' }>,
): void {
  switch (change.kind) {
    case 'opened':
      head.expirySec = change.expirySec
      head.will = change.will
      cursor.online = true
      break
    case 'closed':
      head.expirySec = change.expirySec
      if (!change.will) head.will = undefined
      cursor.online = false
      cursor.offlineAt = change.at
      break
    case 'willDone':
      head.will = undefined
      break
    case 'ended':
      cursor.ended = true
      cursor.offlineAt = change.at
      break
    case 'subscribed':
      head.subscriptions.set(change.filter, change.options)
      break
    case 'unsubscribed':
      head.subscriptions.delete(change.filter)
      break
    case 'sent': {
      const { packetId, log, order, qos } = change
      cursor.inflight.set(packetId, { packetId, log, order, qos, received: false })
      cursor.lastPacketId = packetId
      reach(cursor, log, order)
      break
    }
    case 'skipped':
      reach(cursor, change.log, change.order)
      break
    case 'acknowledged':
      cursor.inflight.delete(change.packetId)
      break
    case 'received': {
      const sent = cursor.inflight.get(change.packetId)
      if (sent !== undefined) sent.received = true
      break
    }
    case 'arrived':
      cursor.arrivals.add(change.packetId)
      break
    case 'released':
      cursor.arrivals.delete(change.packetId)
      break
  }
}

/** Changes that the head has a part in. */
export function changesHead({ kind }: SessionChange): boolean {
  return HEAD_CHANGES.has(kind)
}

const HEAD_CHANGES: ReadonlySet<SessionChange['kind']> = new Set([
  'whole',
  'opened',
  'closed',
  'willDone',
  'subscribed',
  'unsubscribed',
])

/** A message as a reference in a queue. */
interface QueuedReference {
  readonly log: number
  readonly order: number
  /** Of the session that it was put there for. */
  readonly born: number
}

/** The message is none of the session's any more: nobody will ask for it. */
export function isDone(cursor: SessionCursor, { log, order, born }: QueuedReference): boolean {
  if (born !== cursor.born) return cursor.born > born // of one before it; one behind it has a row of its own
  if (cursor.ended) return true
  if (order > (cursor.reached.get(log) ?? 0)) return false
  for (const sent of cursor.inflight.values()) if (sent.order === order) return sent.received
  return true
}

/** All messages of a log up to this order are done: those behind the oldest that is not. */
export function doneUpTo({ reached, inflight }: SessionCursor, log: number): number {
  let upTo = reached.get(log) ?? 0
  for (const sent of inflight.values()) {
    if (sent.log === log && !sent.received && sent.order <= upTo) upTo = sent.order - 1
  }
  return upTo
}

/** ms since the epoch when something is due of a session without a connection; infinite: nothing ever is. */
export function dueAt({ head, cursor }: SessionRow): number {
  if (cursor.online) return Number.POSITIVE_INFINITY
  const { expirySec, will } = head
  const ends = expirySec === NEVER ? Number.POSITIVE_INFINITY : cursor.offlineAt + expirySec * 1000
  return will === undefined ? ends : Math.min(ends, cursor.offlineAt + will.delaySec * 1000)
}

function reach({ reached }: SessionCursor, log: number, order: number): void {
  if (order > (reached.get(log) ?? 0)) reached.set(log, order)
}
