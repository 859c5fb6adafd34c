/**
 * The subscriptions of all lasting sessions, as every shard knows them: loaded from the store at its start, then told by
 * the shard that has the session. They stay as they are when a session moves or its client goes, so that there is no
 * moment in which a publication finds it twice or not at all. Bounds: those of sessions and of their subscriptions.
 */
import type { SubscriptionOptions } from '../../core/ports/relay.ts'

/** A session as a subscriber: one object each. */
export interface RoutedSession {
  readonly session: number
  readonly space: number
  /** Tells it from one that had the number before (session-row.ts). */
  readonly born: number
}

/** The router of a topic space. */
export interface SessionRouter {
  addSession(session: RoutedSession, filter: string, options: SubscriptionOptions): void
  removeSession(session: RoutedSession, filter: string): void
}

interface Known {
  readonly routed: RoutedSession
  readonly filters: Map<string, SubscriptionOptions>
}

export class SessionRoutes {
  readonly #routers: readonly SessionRouter[]
  readonly #sessions = new Map<number, Known>()

  /** @param routers  by the numbers of their spaces */
  constructor(routers: readonly SessionRouter[]) {
    this.#routers = routers
  }

  /** Sessions with a subscription. */
  get size(): number {
    return this.#sessions.size
  }

  add(session: RoutedSession, filter: string, options: SubscriptionOptions): void {
    let known = this.#sessions.get(session.session)
    if (known !== undefined && known.routed.born > session.born) return
    if (known !== undefined && known.routed.born < session.born) {
      this.end(session.session, known.routed.born)
      known = undefined
    }
    if (known === undefined) {
      known = { routed: session, filters: new Map() }
      this.#sessions.set(session.session, known)
    }
    known.filters.set(filter, options)
    this.#routers[session.space]?.addSession(known.routed, filter, options)
  }

  remove(session: number, born: number, filter: string): void {
    const known = this.#sessions.get(session)
    if (known === undefined || known.routed.born !== born || !known.filters.delete(filter)) return
    this.#routers[known.routed.space]?.removeSession(known.routed, filter)
  }

  /** All of it goes, unless another session has the number now. */
  end(session: number, born: number): void {
    const known = this.#sessions.get(session)
    if (known === undefined || known.routed.born > born) return
    this.#sessions.delete(session)
    for (const filter of known.filters.keys()) {
      this.#routers[known.routed.space]?.removeSession(known.routed, filter)
    }
  }

  /** What it has from now on; nothing at all where it has ended. */
  replace(
    session: RoutedSession,
    filters: readonly (readonly [filter: string, options: SubscriptionOptions])[],
  ): void {
    this.end(session.session, session.born)
    for (const [filter, options] of filters) this.add(session, filter, options)
  }

  of(session: number): RoutedSession & { readonly filters: [string, SubscriptionOptions][] } {
    const known = this.#sessions.get(session)
    if (known === undefined)
      return { session, space: 0, born: Number.MAX_SAFE_INTEGER, filters: [] }
    return { ...known.routed, filters: [...known.filters] }
  }
}
