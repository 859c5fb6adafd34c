/**
 * Lasting sessions between shards. Control: who listens where, what is done with, and all subscriptions, which every
 * shard knows. Data: messages for sessions of one shard; they go without credit, too, and hold the sockets that feed them.
 * What one shard says to another is heard in its order, so that an answer stands before what follows it.
 *
 * Data: u32 count · u32 session, each · payload as in the log entry (waiting-message.ts).
 */
import {
  type DeliveryTarget,
  decodeTerms,
  type TargetTerms,
} from '../../core/domain/delivery-target.ts'
import type { SessionRow } from '../../core/domain/session-row.ts'
import {
  decodeWaiting,
  encodeWaiting,
  type WaitingMessage,
} from '../../core/domain/waiting-message.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type { SubscriptionOptions } from '../../core/ports/relay.ts'
import type { SessionRoutes } from '../router/session-routes.ts'
import type { Mesh } from '../runtime/mesh.ts'
import { CHANNEL } from '../runtime/mesh-channels.ts'
import type { LastingSession } from './lasting-session.ts'
import type { LastingSessions, SessionLines } from './lasting-sessions.ts'
import type { SessionEnd, WaitingMessages } from './waiting-messages.ts'

const SESSIONS_PER_MESSAGE = 100

const LISTEN = 1
const STOP = 2
const BEGIN = 3
const END = 4
const DONE = 5
const ADD = 6
const REMOVE = 7
const ENDED = 8
const SESSIONS = 9

type Told = readonly [
  session: number,
  space: number,
  born: number,
  subscriptions: readonly (readonly [filter: string, options: SubscriptionOptions])[],
]
type Message =
  | readonly [kind: typeof LISTEN, session: number, gathering: number, reached: number]
  | readonly [kind: typeof STOP, session: number]
  | readonly [kind: typeof BEGIN, session: number, gathering: number]
  | readonly [kind: typeof END, session: number, gathering: number, all: boolean]
  | readonly [kind: typeof DONE, pairs: readonly number[]]
  | readonly [
      kind: typeof ADD,
      session: number,
      space: number,
      born: number,
      filter: string,
      options: SubscriptionOptions,
    ]
  | readonly [kind: typeof REMOVE, session: number, born: number, filter: string]
  | readonly [kind: typeof ENDED, end: SessionEnd]
  | readonly [kind: typeof SESSIONS, sessions: readonly Told[]]

export interface SharedSessionsParts {
  readonly shard: number
  readonly mesh: Mesh
  readonly routes: SessionRoutes
  readonly messages: WaitingMessages
  readonly sessions: () => LastingSessions
  readonly background: (step: () => boolean) => void
  /** A peer has no credit left, and was told all the same. */
  readonly onOverdrawn: (peer: number) => void
  /** Rows were told that a SUBACK must wait for. */
  readonly onTold: () => void
  /** A message goes on to the rest of a shared subscription. */
  readonly redeliver: (space: number, group: string, message: WaitingMessage) => void
}

export class SharedSessions implements SessionLines {
  readonly #parts: SharedSessionsParts
  /** By peer: up to which order a session is done with its messages. */
  readonly #done = new Map<number, Map<number, number>>()
  #telling = false
  /** Sessions whose subscriptions have changed since a shard died: its successor is told. */
  readonly #missed = new Map<number, Set<number>>()

  constructor(parts: SharedSessionsParts) {
    this.#parts = parts
    parts.mesh.onControl(CHANNEL.sessions, this.#receive)
    parts.mesh.onData(CHANNEL.sessions, this.#arrive)
  }

  // ---- SessionLines

  gather(session: LastingSession, gathering: number): void {
    const { shard, mesh, messages } = this.#parts
    const { number, row } = session
    const asked = [shard, ...mesh.peers]
    for (const log of asked) session.asks(log)
    for (const peer of mesh.peers) {
      this.#tell(peer, [LISTEN, number, gathering, row.cursor.reached.get(peer) ?? 0])
    }
    session.begins(shard, gathering)
    const all = messages.listen(number, shard, row.cursor.reached.get(shard) ?? 0) === 'live'
    session.told(shard, gathering, all)
  }

  silence(session: number): void {
    const { shard, mesh, messages } = this.#parts
    messages.stop(session, shard)
    for (const peer of mesh.peers) this.#tell(peer, [STOP, session])
  }

  done(session: number, log: number, upTo: number): void {
    if (log === this.#parts.shard) {
      this.#parts.messages.done(session, upTo)
      return
    }
    if (!this.#parts.mesh.peers.includes(log)) return // of a shard that there is no more: all is in the store
    let pending = this.#done.get(log)
    if (pending === undefined) {
      pending = new Map()
      this.#done.set(log, pending)
    }
    pending.set(session, upTo)
    if (this.#telling) return
    this.#telling = true
    this.#parts.background(this.#tellDone)
  }

  subscribed(row: SessionRow, session: number, filter: string, options: SubscriptionOptions): void {
    const { space } = row.head
    const { born } = row.cursor
    this.#parts.routes.add({ session, space, born }, filter, options)
    this.#tellAll([ADD, session, space, born, filter, options])
    this.#changed(session)
  }

  unsubscribed(row: SessionRow, session: number, filter: string): void {
    this.#parts.routes.remove(session, row.cursor.born, filter)
    this.#tellAll([REMOVE, session, row.cursor.born, filter])
    this.#changed(session)
  }

  ended(end: SessionEnd): void {
    this.#onEnded(end)
    this.#tellAll([ENDED, end])
    this.#changed(end.session)
  }

  // ---- messages

  readonly tell = (
    peer: number,
    message: WaitingMessage,
    targets: readonly DeliveryTarget[],
  ): void => {
    const { mesh, onOverdrawn } = this.#parts
    const payload = encodeWaiting(message, targets)
    const lead = 4 + targets.length * 4
    const room = mesh.reserve(peer, CHANNEL.sessions, lead + payload.length, true)
    if (room === undefined) return // it has left: the sessions begin anew elsewhere
    const { buffer, at } = room
    buffer.writeUInt32LE(targets.length, at)
    for (const [i, { session }] of targets.entries()) buffer.writeUInt32LE(session, at + 4 + i * 4)
    buffer.set(payload, at + lead)
    if (!mesh.hasCredit(peer)) onOverdrawn(peer)
  }

  readonly hear = (session: number, message: Publication, terms: TargetTerms): void => {
    this.#parts.sessions().get(session)?.hear(message, terms)
  }

  // ---- other shards come and go

  peerGone(peer: number): void {
    this.#parts.messages.peerGone(peer)
    this.#done.delete(peer)
    this.#missed.set(peer, new Set())
    for (const session of this.#parts.sessions().online()) session.peerGone(peer)
  }

  /** What the shard that died had, and had not told, is in the store. */
  peerRecovered(): void {
    for (const session of Array.from(this.#parts.sessions().online())) session.restart()
  }

  /** It has read the store, which has what changed before its predecessor died. */
  peerJoined(peer: number): void {
    const missed = this.#missed.get(peer) ?? new Set<number>()
    this.#missed.delete(peer)
    const { routes } = this.#parts
    let some: Told[] = []
    for (const session of missed) {
      const { space, born, filters } = routes.of(session)
      some.push([session, space, born, filters])
      if (some.length < SESSIONS_PER_MESSAGE) continue
      this.#tell(peer, [SESSIONS, some])
      some = []
    }
    if (some.length > 0) this.#tell(peer, [SESSIONS, some])
    for (const session of Array.from(this.#parts.sessions().online())) session.restart()
  }

  // ---- inside

  #changed(session: number): void {
    if (this.#parts.mesh.peers.length > 0) this.#parts.onTold()
    for (const missed of this.#missed.values()) missed.add(session)
  }

  readonly #tellDone = (): boolean => {
    this.#telling = false
    for (const [peer, pending] of this.#done) {
      this.#tell(peer, [DONE, [...pending].flat()])
    }
    this.#done.clear()
    return false
  }

  readonly #arrive = (_from: number, buffer: Buffer, start: number, end: number): void => {
    const count = buffer.readUInt32LE(start)
    const numbers: number[] = []
    for (let i = 0; i < count; i++) numbers.push(buffer.readUInt32LE(start + 4 + i * 4))
    // A copy: sessions keep it.
    const payload = Uint8Array.from(buffer.subarray(start + 4 + count * 4, end))
    const { message, terms } = decodeWaiting(payload, count)
    for (const [i, session] of numbers.entries()) {
      this.hear(session, message, decodeTerms(terms[i] as Buffer, 0))
    }
  }

  readonly #receive = (from: number, body: unknown): void => {
    const message = body as Message
    const { messages, routes } = this.#parts
    switch (message[0]) {
      case LISTEN: {
        const [, session, gathering, reached] = message
        this.#tell(from, [BEGIN, session, gathering])
        const all = messages.listen(session, from, reached) === 'live'
        this.#tell(from, [END, session, gathering, all])
        break
      }
      case STOP:
        messages.stop(message[1], from)
        break
      case BEGIN:
        this.#parts.sessions().get(message[1])?.begins(from, message[2])
        break
      case END:
        this.#parts.sessions().get(message[1])?.told(from, message[2], message[3])
        break
      case DONE:
        for (let i = 0; i < message[1].length; i += 2) {
          messages.done(message[1][i] as number, message[1][i + 1] as number)
        }
        break
      case ADD: {
        const [, session, space, born, filter, options] = message
        routes.add({ session, space, born }, filter, options)
        break
      }
      case REMOVE:
        routes.remove(message[1], message[2], message[3])
        break
      case ENDED:
        this.#onEnded(message[1])
        break
      case SESSIONS:
        for (const [session, space, born, subscriptions] of message[1]) {
          routes.replace({ session, space, born }, subscriptions)
        }
        break
    }
  }

  #onEnded(end: SessionEnd): void {
    const { routes, messages, redeliver } = this.#parts
    routes.end(end.session, end.born)
    messages.ended(end, (message, group) => redeliver(message.space, group, message))
  }

  #tellAll(message: Message): void {
    for (const peer of this.#parts.mesh.peers) this.#tell(peer, message)
  }

  #tell(peer: number, message: Message): void {
    this.#parts.mesh.tell(peer, CHANNEL.sessions, message)
  }
}
