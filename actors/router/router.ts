/**
 * One topic space of a shard: who hears a publication. Devices and application clients share one space,
 * each plain listener profile has another, so that an anonymous client never meets a device's topic.
 *
 * Hot path: a publisher keeps its route; as long as no subscription changed, publishing is a loop over
 * the matched subscribers. Bounds: `MAX_ROUTES` cached routes, all dropped at the bound (they are found
 * again by matching once).
 */
import type { Publication } from '../../core/ports/publication.ts'
import type { Relay, Subscriber, TopicRoute } from '../../core/ports/relay.ts'
import { type Subscription, TopicTrie } from './topic-trie.ts'

const MAX_ROUTES = 65_536 // some 200 bytes each

/** All subscribers of another shard, as one. */
export interface RemoteSubscriber {
  send(publication: Publication, qos: 0 | 1, routeId: number): void
}

/** Where the router says what the other shards shall know, and hears how far they are. */
export interface RouteSharing {
  readonly overdrawn: number
  /** Gives the topic space its number. */
  attach(router: Router): number
  announce(space: number, filter: string, qos: 0 | 1): void
  withdraw(space: number, filter: string): void
  settled(done: () => void): boolean
  whenRoom(resume: () => void): void
}

export class Route implements TopicRoute {
  readonly topic: string
  /** Names the route to other shards, so that they need not look its topic up; never given twice. */
  readonly id: number
  /** Of the subscriptions that the matches were made from; -1 before the first match. */
  generation = -1
  matched: Subscription<Subscriber>[] = []
  /** Other shards with a match. */
  remote: Subscription<RemoteSubscriber>[] = []

  constructor(topic: string, id: number) {
    this.topic = topic
    this.id = id
  }
}

/** How many local subscriptions a filter has, by QoS. */
type Subscribers = [qos0: number, qos1: number]

export class Router implements Relay {
  readonly #trie = new TopicTrie<Subscriber>()
  readonly #remoteTrie = new TopicTrie<RemoteSubscriber>()
  readonly #others: RouteSharing | undefined
  readonly #space: number
  /** Filters that other shards know of; empty where there are none. */
  readonly #filters = new Map<string, Subscribers>()
  #routes = new Map<string, Route>()
  #generation = 0
  #nextRoute = 1

  /** @param others  absent where there is one shard */
  constructor(others?: RouteSharing) {
    this.#others = others
    this.#space = others?.attach(this) ?? 0
  }

  get subscriptions(): number {
    return this.#trie.size
  }

  get overdrawn(): boolean {
    return this.#others !== undefined && this.#others.overdrawn >= 0
  }

  route(topic: string): Route {
    let route = this.#routes.get(topic)
    if (route === undefined) {
      if (this.#routes.size >= MAX_ROUTES) this.#routes = new Map()
      route = new Route(topic, this.#nextRoute++)
      this.#routes.set(topic, route)
    }
    return route
  }

  publish(route: Route, publication: Publication, except: Subscriber | undefined): number {
    if (route.generation !== this.#generation) this.#match(route)
    const { matched, remote } = route
    let delivered = 0
    for (let i = 0; i < matched.length; i++) {
      const { subscriber, qos, noLocal } = matched[i] as Subscription<Subscriber>
      if (noLocal && subscriber === except) continue // [MQTT-3.8.3-3]
      subscriber.deliver(publication, qos < publication.qos ? qos : publication.qos) // [MQTT-3.8.4-8]
      delivered += 1
    }
    for (let i = 0; i < remote.length; i++) {
      const { subscriber, qos } = remote[i] as Subscription<RemoteSubscriber>
      subscriber.send(publication, qos < publication.qos ? qos : publication.qos, route.id)
      delivered += 1
    }
    return delivered
  }

  /** What came from another shard, to the subscribers of this one. */
  publishHere(route: Route, publication: Publication): void {
    if (route.generation !== this.#generation) this.#match(route)
    const { matched } = route
    for (let i = 0; i < matched.length; i++) {
      const { subscriber, qos } = matched[i] as Subscription<Subscriber>
      subscriber.deliver(publication, qos < publication.qos ? qos : publication.qos)
    }
  }

  subscribe(subscriber: Subscriber, filter: string, qos: 0 | 1, noLocal: boolean): void {
    const before = this.#trie.add(filter, { subscriber, qos, noLocal })
    this.#generation += 1
    if (this.#others !== undefined) this.#count(this.#others, filter, before?.qos, qos)
  }

  unsubscribe(subscriber: Subscriber, filter: string): boolean {
    const removed = this.#trie.remove(filter, subscriber)
    if (removed === undefined) return false
    this.#generation += 1
    if (this.#others !== undefined) this.#count(this.#others, filter, removed.qos, undefined)
    return true
  }

  settled(done: () => void): boolean {
    return this.#others?.settled(done) ?? true
  }

  whenRoom(resume: () => void): void {
    if (this.#others === undefined) resume()
    else this.#others.whenRoom(resume)
  }

  // ---- for RemoteRoutes

  /** The filters with a subscriber here, each with its highest QoS. */
  *filters(): Generator<readonly [string, 0 | 1], void, void> {
    for (const [filter, subscribers] of this.#filters) yield [filter, highest(subscribers)]
  }

  addRemote(filter: string, remote: RemoteSubscriber, qos: 0 | 1): void {
    this.#remoteTrie.add(filter, { subscriber: remote, qos, noLocal: false })
    this.#generation += 1
  }

  removeRemote(filter: string, remote: RemoteSubscriber): void {
    this.#remoteTrie.remove(filter, remote)
    this.#generation += 1
  }

  /** Tells the others where the filter is new here, gone, or its highest QoS has changed. */
  #count(
    others: RouteSharing,
    filter: string,
    before: 0 | 1 | undefined,
    now: 0 | 1 | undefined,
  ): void {
    const known = this.#filters.get(filter)
    const subscribers: Subscribers = known ?? [0, 0]
    const told = known === undefined ? undefined : highest(known)
    if (before !== undefined) subscribers[before] -= 1
    if (now !== undefined) subscribers[now] += 1
    if (subscribers[0] + subscribers[1] === 0) {
      this.#filters.delete(filter)
      others.withdraw(this.#space, filter)
      return
    }
    if (known === undefined) this.#filters.set(filter, subscribers)
    const qos = highest(subscribers)
    if (qos !== told) others.announce(this.#space, filter, qos)
  }

  #match(route: Route): void {
    route.matched = matchesOf(this.#trie, route.topic)
    route.remote = this.#remoteTrie.size === 0 ? [] : matchesOf(this.#remoteTrie, route.topic)
    route.generation = this.#generation
  }
}

function highest([, qos1]: Subscribers): 0 | 1 {
  return qos1 > 0 ? 1 : 0
}

/** Overlapping filters of one subscriber count once, with the highest QoS [MQTT-3.3.5-1]. */
function matchesOf<S>(trie: TopicTrie<S>, topic: string): Subscription<S>[] {
  const bySubscriber = new Map<S, Subscription<S>>()
  trie.match(topic, (found) => {
    const known = bySubscriber.get(found.subscriber)
    const merged =
      known === undefined
        ? found
        : {
            subscriber: found.subscriber,
            qos: known.qos > found.qos ? known.qos : found.qos,
            noLocal: known.noLocal && found.noLocal,
          }
    bySubscriber.set(found.subscriber, merged)
  })
  return [...bySubscriber.values()]
}
