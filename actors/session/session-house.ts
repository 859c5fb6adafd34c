/** Everything of lasting sessions that one shard has, put together: see the parts, and docs/ownership.md, "Sessions". */
import type { LogEntry } from '../../core/domain/log-entry.ts'
import { sessionEntry } from '../../core/domain/session-codec.ts'
import type { Limits } from '../../core/domain/settings.ts'
import { type WaitingMessage, waitingEntry } from '../../core/domain/waiting-message.ts'
import type { SessionHost, SessionMaker } from '../../core/ports/client-session.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { SessionReader, SessionSink } from '../../core/ports/session-store.ts'
import type { Timers } from '../../core/ports/timers.ts'
import type { Router } from '../router/router.ts'
import { SessionRoutes } from '../router/session-routes.ts'
import type { Mesh } from '../runtime/mesh.ts'
import type { LastingSession } from './lasting-session.ts'
import { LastingSessions, type SessionCustody } from './lasting-sessions.ts'
import type { SessionFigures } from './session-figures.ts'
import type { SharedDirectory } from './shared-directory.ts'
import { SharedSessions } from './shared-sessions.ts'
import { WaitingMessages } from './waiting-messages.ts'

const LOADED_AT_ONCE = 500
const SETTLED_PER_STEP = 20 // rows of sessions whose connection died; some tens of microseconds each

export interface SessionHouseParts {
  readonly shard: number
  readonly incarnation: number
  readonly figures: SessionFigures
  readonly mesh: Mesh
  readonly directory: SharedDirectory
  /** In the presence table the number of a session stands so far behind its own. */
  readonly base: number
  readonly reader: SessionReader
  readonly sink: SessionSink
  readonly limits: Limits
  readonly counters: Counters
  readonly timers: Timers
  readonly background: (step: () => boolean) => void
  readonly now: () => number
  readonly append: (entry: LogEntry) => void
  /** Of a session that ends with its connection. */
  readonly makeSession: SessionMaker
  /** `session`: whose it is; it may have ended. */
  readonly publishWill: (session: LastingSession, will: WaitingMessage) => void
  readonly onOverdrawn: (peer: number) => void
  readonly onTold: () => void
}

export class SessionHouse {
  readonly waiting: WaitingMessages
  readonly sessions: LastingSessions
  readonly shared: SharedSessions
  readonly routes: SessionRoutes
  readonly #parts: SessionHouseParts
  readonly #routers: Router[] = []

  constructor(parts: SessionHouseParts) {
    this.#parts = parts
    const { shard, figures, mesh, directory, reader, sink, limits, counters, now, append } = parts
    const { timers, background, incarnation, publishWill } = parts
    const redeliver = (space: number, group: string, message: WaitingMessage): void =>
      this.#routers[space]?.redeliver(group, message)
    this.routes = new SessionRoutes(this.#routers)
    this.waiting = new WaitingMessages({
      shard,
      figures,
      bounds: {
        messages: limits.sessionMessages,
        bytes: limits.sessionBytes,
        policy: limits.sessionQueuePolicy,
      },
      reader,
      sink,
      journal: (message, targets, payload) => append(waitingEntry(message, targets, payload)),
      hear: (session, message, terms) => this.shared.hear(session, message, terms),
      tell: (peer, message, targets) => this.shared.tell(peer, message, targets),
      counters,
      now,
    })
    this.shared = new SharedSessions({
      shard,
      mesh,
      routes: this.routes,
      messages: this.waiting,
      sessions: () => this.sessions,
      background,
      onOverdrawn: parts.onOverdrawn,
      onTold: parts.onTold,
      redeliver,
    })
    this.sessions = new LastingSessions({
      incarnation,
      figures,
      custody: custodyOf(directory, parts.base),
      lines: this.shared,
      reader,
      sink,
      bounds: {
        sessions: limits.sessions,
        inflight: limits.inflight,
        queue: { messages: limits.queueMessages, bytes: limits.queueBytes },
      },
      counters,
      timers,
      background,
      now,
      journal: (session, stamp, change) => append(sessionEntry(session, stamp, change)),
      queueOne: (space, session, message, terms) =>
        this.waiting.publish(space, message, [{ session, terms }]),
      publishWill,
      redeliver,
    })
    directory.serve({
      surrender: (number) => this.sessions.surrender(number - parts.base),
      adopt: (number, row) => this.sessions.adopt(number - parts.base, row as Uint8Array),
      keeps: (number) => this.sessions.keeps(number - parts.base),
      names: () => this.sessions.names().map(([name, number]) => [name, number + parts.base]),
    })
  }

  /** The router of a topic space, once. */
  attach(space: number, router: Router): void {
    this.#routers[space] = router
  }

  /** The sessions of a topic space; `prefix` tells its client identifiers from those of others. */
  host(space: number, prefix: string): SessionHost {
    const { makeSession } = this.#parts
    return {
      open: (name, outlet, terms) =>
        this.sessions.open(`${prefix}${name}`, space, outlet, terms, () => {
          const session = makeSession(outlet, terms)
          return { kind: 'opened', session, lasting: undefined, present: false }
        }),
    }
  }

  /**
   * At the start of the shard, before anyone connects: reads all sessions, not what waits for them. Those of
   * `isOurs` whose connection died are settled in the background.
   */
  load(isOurs: (session: number) => boolean): void {
    const { reader, directory, base, background } = this.#parts
    const online: number[] = []
    let after = 0
    for (;;) {
      const page = reader.sessions(after, LOADED_AT_ONCE)
      for (const [session, { head, cursor }] of page) {
        after = session
        directory.restore(head.name, session + base)
        const { space } = head
        const { born } = cursor
        for (const [filter, options] of head.subscriptions) {
          this.routes.add({ session, space, born }, filter, options)
        }
        if (cursor.online && isOurs(session)) online.push(session)
      }
      if (page.length < LOADED_AT_ONCE) break
    }
    if (online.length === 0) return
    background(() => {
      for (const session of online.splice(-SETTLED_PER_STEP)) this.sessions.settle(session)
      return online.length > 0
    })
  }
}

function custodyOf(directory: SharedDirectory, base: number): SessionCustody {
  return {
    numberOf: (name) => directory.numberOf(name) - base,
    raiseEpoch: (session) => directory.raiseEpoch(session + base),
    take: (session) => directory.take(session + base),
    keep: (name, session) => directory.keep(name, session + base),
    forget: (name) => directory.forget(name),
    letGo: (session) => directory.letGo(session + base),
  }
}
