/**
 * One topic space of a shard: who hears a publication. Devices and application clients share one space,
 * each plain listener profile has another, so that an anonymous client never meets a device's topic.
 *
 * Hot path: a publisher keeps its route; as long as no subscription changed, publishing is a loop over
 * the matched subscribers. Behind a change a route looks once whether it concerns its topic, and matches again
 * only then (filter-changes.ts). Bounds: `MAX_ROUTES` cached routes, all dropped at the bound (they are found
 * again by matching once). What a route has matched is forgotten where it was not needed since a change (`tidy`).
 */
import type { DeliveryTarget, TargetTerms } from '../../core/domain/delivery-target.ts'
import { lowerQos, type Qos } from '../../core/domain/qos.ts'
import type { SystemFigure } from '../../core/domain/system-figures.ts'
import { filterOfShared, isShared } from '../../core/domain/topic.ts'
import type { MessageSource } from '../../core/ports/message-source.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type {
  DeliveryTerms,
  Relay,
  Retaining,
  Subscriber,
  SubscriptionOptions,
  TopicRoute,
} from '../../core/ports/relay.ts'
import { FilterChanges } from './filter-changes.ts'
import type { RetainedMessages } from './retained-messages.ts'
import type { RoutedSession, SessionRouter } from './session-routes.ts'
import { type RemoteMembers, SharedGroup } from './shared-group.ts'
import { SystemTopics } from './system-topics.ts'
import { type Subscription, TopicTrie } from './topic-trie.ts'

const MAX_ROUTES = 65_536 // some 200 bytes each
const TIDIED_ROUTES = 2048 // each second: all of them in half a minute; a tenth of a millisecond

/** All subscribers of another shard, as one. */
export interface RemoteSubscriber extends RemoteMembers {
  send(publication: Publication, qos: Qos, routeId: number): void
}

/** Where the router says what the other shards shall know, and hears how far they are. */
export interface RouteSharing {
  readonly overdrawn: number
  attach(space: number, router: Router): void
  /** @param count  members of a shared subscription; 1 for another */
  announce(space: number, filter: string, qos: Qos, count: number): void
  withdraw(space: number, filter: string): void
  settled(done: () => void): boolean
  whenRoom(resume: () => void): void
}

/** Where messages go that wait for lasting sessions. */
export interface Waiting {
  isListening(session: number): boolean
  /** The store is so far behind that nothing more can wait. */
  readonly behind: boolean
  /** Its queue is full, and what comes is refused. */
  refuses(session: number): boolean
  publish(space: number, publication: Publication, targets: readonly DeliveryTarget[]): void
}

export class Route implements TopicRoute {
  readonly topic: string
  /** Names the route to other shards, so that they need not look its topic up; never given twice. */
  readonly id: number
  /** Of the subscriptions when the matches were last known to be right; -1 before the first match. */
  generation = -1
  /** Of the topic when the matches were made (filter-changes.ts). */
  stamp = -1
  matched: Match<Subscriber>[] = []
  /** Other shards with a match. */
  remote: Match<RemoteSubscriber>[] = []
  /** Shared subscriptions with a match. */
  shared: SharedGroup[] = []
  /** Lasting sessions with a match, wherever they are. */
  lasting: Match<RoutedSession>[] = []

  constructor(topic: string, id: number) {
    this.topic = topic
    this.id = id
  }

  /** Matches anew when it is needed next: until then it holds no subscriber, who may have left. */
  forget(): void {
    if (this.generation < 0) return
    this.generation = -1
    this.stamp = -1
    this.matched = []
    this.remote = []
    this.shared = []
    this.lasting = []
  }
}

/** A subscriber that hears a topic, once however many of its filters match [MQTT-3.3.4-2]. */
interface Match<S> {
  readonly subscriber: S
  readonly terms: DeliveryTerms
  /** For its own publications; `undefined`: all that matched were subscribed with No Local [MQTT-3.8.3-3]. */
  readonly own: DeliveryTerms | undefined
}

/** How many local subscriptions a filter has, by QoS. */
type Subscribers = [qos0: number, qos1: number, qos2: number]

export interface RouterParts {
  /** Number of the topic space, the same on every shard and at every start. */
  readonly space?: number
  /** Absent where there is one shard. */
  readonly others?: RouteSharing | undefined
  /** Absent where nothing is retained. */
  readonly retained?: RetainedMessages
  /** A message to a shared subscription found no member. */
  readonly onNobody?: () => void
  /** Absent where no session outlives its connection. */
  readonly waiting?: Waiting
}

export class Router implements Relay, SessionRouter {
  readonly #trie = new TopicTrie<Subscriber>()
  readonly #remoteTrie = new TopicTrie<RemoteSubscriber>()
  /** By their names, those with members anywhere. */
  readonly #groups = new Map<string, SharedGroup>()
  readonly #groupTrie = new TopicTrie<SharedGroup>()
  readonly #lastingTrie = new TopicTrie<RoutedSession>()
  readonly #waiting: Waiting | undefined
  readonly #others: RouteSharing | undefined
  readonly #space: number
  readonly #retained: RetainedMessages | undefined
  readonly #onNobody: () => void
  readonly #system = new SystemTopics()
  /** Filters that other shards know of; empty where there are none. */
  readonly #filters = new Map<string, Subscribers>()
  readonly #changes = new FilterChanges()
  #routes = new Map<string, Route>()
  /** Where `tidy` goes on. */
  #untidied: Iterator<Route> | undefined = undefined
  /** Raised at each change of any subscription, here or on another shard. */
  #generation = 0
  #nextRoute = 1

  constructor(parts: RouterParts = {}) {
    const { space = 0, others, retained, waiting, onNobody = () => {} } = parts
    this.#waiting = waiting
    this.#onNobody = onNobody
    this.#space = space
    this.#others = others
    this.#retained = retained
    others?.attach(space, this)
  }

  get subscriptions(): number {
    let members = 0
    for (const group of this.#groups.values()) members += group.members
    return this.#trie.size + members // those of lasting sessions are all shards'
  }

  get overdrawn(): boolean {
    return this.#others !== undefined && this.#others.overdrawn >= 0
  }

  route(topic: string): Route {
    let route = this.#routes.get(topic)
    if (route === undefined) {
      if (this.#routes.size >= MAX_ROUTES) this.#dropRoutes()
      route = new Route(topic, this.#nextRoute++)
      this.#routes.set(topic, route)
    }
    return route
  }

  accepts(route: Route, publication: Publication, publisher: Subscriber | undefined): boolean {
    if (publication.qos === 0) return true
    if (route.generation !== this.#generation) this.#renew(route)
    const { lasting, shared } = route
    if (lasting.length === 0 && shared.length === 0) return true
    const waiting = this.#waiting
    if (waiting === undefined) return true
    const own = publisher?.lasting?.number
    for (const match of lasting) {
      const { session } = match.subscriber
      const terms = session === own ? match.own : match.terms
      if (terms === undefined || terms.qos === 0) continue
      if (waiting.behind || waiting.refuses(session)) return false
    }
    return shared.every((group) => group.accepts())
  }

  publish(route: Route, publication: Publication, publisher: Subscriber | undefined): number {
    if (route.generation !== this.#generation) this.#renew(route)
    const { matched, remote, shared, lasting } = route
    let delivered = shared.length
    if (lasting.length > 0) {
      const targets = targetsOf(lasting, publication, publisher?.lasting?.number)
      this.#waiting?.publish(this.#space, publication, targets)
      delivered += targets.length
    }
    for (let i = 0; i < matched.length; i++) {
      const match = matched[i] as Match<Subscriber>
      const { subscriber } = match
      const terms = subscriber === publisher ? match.own : match.terms
      if (terms === undefined) continue
      subscriber.deliver(publication, terms) // [MQTT-4.5.0-1]
      delivered += 1
    }
    for (let i = 0; i < remote.length; i++) {
      const { subscriber, terms } = remote[i] as Match<RemoteSubscriber>
      subscriber.send(publication, lowerQos(publication.qos, terms.qos), route.id)
      delivered += 1
    }
    for (let i = 0; i < shared.length; i++) (shared[i] as SharedGroup).deliver(publication)
    return delivered
  }

  /** What came from another shard, to the subscribers of this one. */
  publishHere(route: Route, publication: Publication): void {
    if (route.generation !== this.#generation) this.#renew(route)
    const { matched } = route
    for (let i = 0; i < matched.length; i++) {
      const { subscriber, terms } = matched[i] as Match<Subscriber>
      subscriber.deliver(publication, terms)
    }
  }

  retain(route: Route, publication: Publication): Retaining {
    return this.#retained?.keep(this.#space, route.topic, publication) ?? 'store-behind'
  }

  retained(filter: string): MessageSource | undefined {
    if (filter.startsWith('$SYS')) return this.#system.matching(filter)
    if (this.#retained === undefined || this.#retained.empty) return undefined
    return this.#retained.matching(this.#space, filter)
  }

  /** What another shard has for one member of a shared subscription here. */
  publishShared(name: string, publication: Publication, hops: number): void {
    const group = this.#groups.get(name)
    if (group === undefined) this.#onNobody()
    else group.deliverHere(publication, hops)
  }

  subscribe(subscriber: Subscriber, filter: string, options: SubscriptionOptions): boolean {
    if (subscriber.lasting !== undefined) return subscriber.lasting.subscribe(filter, options)
    if (isShared(filter)) return this.#join(subscriber, filter, options)
    const { qos, noLocal, retainAsPublished, identifier } = options
    const subscription = { subscriber, qos, noLocal, retainAsPublished, identifier }
    const before = this.#trie.add(filter, subscription)
    this.#changed(filter)
    if (this.#others !== undefined) this.#count(this.#others, filter, before?.qos, qos)
    return before !== undefined
  }

  unsubscribe(subscriber: Subscriber, filter: string): boolean {
    if (subscriber.lasting !== undefined) return subscriber.lasting.unsubscribe(filter)
    if (isShared(filter)) return this.#leave(subscriber, filter)
    const removed = this.#trie.remove(filter, subscriber)
    if (removed === undefined) return false
    this.#changed(filter) // no route knows it any more [MQTT-3.10.4-2]
    if (this.#others !== undefined) this.#count(this.#others, filter, removed.qos, undefined)
    return true
  }

  /** Call once a second. */
  tidy(): void {
    this.#untidied ??= this.#routes.values()
    for (let i = 0; i < TIDIED_ROUTES; i++) {
      const { value: route, done } = this.#untidied.next()
      if (done === true) {
        this.#untidied = undefined
        return
      }
      if (route.generation !== this.#generation) route.forget()
    }
  }

  settled(done: () => void): boolean {
    return this.#others?.settled(done) ?? true
  }

  whenRoom(resume: () => void): void {
    if (this.#others === undefined) resume()
    else this.#others.whenRoom(resume)
  }

  /** What the server says of itself; every shard tells it to its own subscribers. */
  tellSystem(figures: readonly SystemFigure[]): void {
    for (const [topic, message] of this.#system.replace(figures)) {
      this.publishHere(this.route(topic), message)
    }
  }

  /** A message that a member of a shared subscription leaves, to another one. */
  redeliver(name: string, publication: Publication): void {
    const group = this.#groups.get(name)
    if (group === undefined) this.#onNobody()
    else group.redeliver(publication)
  }

  // ---- SessionRouter

  addSession(session: RoutedSession, filter: string, options: SubscriptionOptions): void {
    if (isShared(filter)) {
      this.#group(filter).joinSession(session, options)
      return
    }
    const { qos, noLocal, retainAsPublished, identifier } = options
    this.#lastingTrie.add(filter, {
      subscriber: session,
      qos,
      noLocal,
      retainAsPublished,
      identifier,
    })
    this.#changed(filter)
  }

  removeSession(session: RoutedSession, filter: string): void {
    if (!isShared(filter)) {
      this.#lastingTrie.remove(filter, session)
      this.#changed(filter)
      return
    }
    const group = this.#groups.get(filter)
    if (group === undefined) return
    group.leaveSession(session.session)
    this.#dropEmpty(group)
  }

  // ---- for RemoteRoutes

  /** The filters with a subscriber here, each with its highest QoS. */
  *filters(): Generator<readonly [filter: string, qos: Qos, count: number], void, void> {
    for (const [filter, subscribers] of this.#filters) yield [filter, highest(subscribers), 1]
    for (const { name, qos, members } of this.#groups.values()) {
      if (members > 0) yield [name, qos, members]
    }
  }

  addRemote(filter: string, remote: RemoteSubscriber, qos: Qos, count: number): void {
    if (isShared(filter)) {
      this.#group(filter).setElsewhere(remote, qos, count)
      return
    }
    this.#remoteTrie.add(filter, { subscriber: remote, qos, ...REMOTE })
    this.#changed(filter)
  }

  removeRemote(filter: string, remote: RemoteSubscriber): void {
    const group = this.#groups.get(filter)
    if (group !== undefined) {
      group.setElsewhere(remote, 0, 0)
      this.#dropEmpty(group)
      return
    }
    this.#remoteTrie.remove(filter, remote)
    this.#changed(filter)
  }

  #join(subscriber: Subscriber, name: string, options: SubscriptionOptions): boolean {
    const group = this.#group(name)
    const renewed = group.join(subscriber, options)
    this.#others?.announce(this.#space, name, group.qos, group.members)
    return renewed
  }

  #leave(subscriber: Subscriber, name: string): boolean {
    const group = this.#groups.get(name)
    if (group?.leave(subscriber) !== true) return false
    if (group.members > 0) this.#others?.announce(this.#space, name, group.qos, group.members)
    else this.#others?.withdraw(this.#space, name)
    this.#dropEmpty(group)
    return true
  }

  #group(name: string): SharedGroup {
    let group = this.#groups.get(name)
    if (group === undefined) {
      group = new SharedGroup(name, this.#onNobody, this.#lastingMembers)
      this.#groups.set(name, group)
      this.#groupTrie.add(filterOfShared(name) ?? name, { subscriber: group, qos: 0, ...REMOTE })
      this.#changed(filterOfShared(name) ?? name)
    }
    return group
  }

  /** How a shared subscription reaches its members that are lasting sessions. */
  readonly #lastingMembers = {
    isListening: (session: number): boolean => this.#waiting?.isListening(session) === true,
    takes: (session: number): boolean =>
      this.#waiting !== undefined && !this.#waiting.behind && !this.#waiting.refuses(session),
    send: (publication: Publication, target: DeliveryTarget): void =>
      this.#waiting?.publish(this.#space, publication, [target]),
  }

  #dropEmpty(group: SharedGroup): void {
    if (!group.empty) return
    this.#groups.delete(group.name)
    this.#groupTrie.remove(filterOfShared(group.name) ?? group.name, group)
    this.#changed(filterOfShared(group.name) ?? group.name)
  }

  /** Tells the others where the filter is new here, gone, or its highest QoS has changed. */
  #count(
    others: RouteSharing,
    filter: string,
    before: Qos | undefined,
    now: Qos | undefined,
  ): void {
    const known = this.#filters.get(filter)
    const subscribers: Subscribers = known ?? [0, 0, 0]
    const told = known === undefined ? undefined : highest(known)
    if (before !== undefined) subscribers[before] -= 1
    if (now !== undefined) subscribers[now] += 1
    if (subscribers[0] + subscribers[1] + subscribers[2] === 0) {
      this.#filters.delete(filter)
      others.withdraw(this.#space, filter)
      return
    }
    if (known === undefined) this.#filters.set(filter, subscribers)
    const qos = highest(subscribers)
    if (qos !== told) others.announce(this.#space, filter, qos, 1)
  }

  #changed(filter: string): void {
    this.#changes.add(filter)
    this.#generation += 1
  }

  /** Whoever keeps one of them publishes by it all the same. */
  #dropRoutes(): void {
    for (const route of this.#routes.values()) route.forget()
    this.#routes = new Map()
    this.#untidied = undefined
  }

  /** Matches again where a subscription changed that the topic may match. */
  #renew(route: Route): void {
    const stamp = this.#changes.stamp(route.topic)
    if (stamp !== route.stamp) this.#match(route)
    route.stamp = stamp
    route.generation = this.#generation
  }

  #match(route: Route): void {
    route.matched = matchesOf(this.#trie, route.topic)
    route.remote = this.#remoteTrie.size === 0 ? [] : matchesOf(this.#remoteTrie, route.topic)
    route.lasting = this.#lastingTrie.size === 0 ? [] : matchesOf(this.#lastingTrie, route.topic)
    route.shared = []
    if (this.#groups.size > 0) {
      this.#groupTrie.match(route.topic, ({ subscriber }) => route.shared.push(subscriber))
    }
  }
}

/** Options of a row of another shard: what they say of one subscription is that shard's business. */
const REMOTE = { noLocal: false, retainAsPublished: false, identifier: 0 }

function highest([, qos1, qos2]: Subscribers): Qos {
  if (qos2 > 0) return 2
  return qos1 > 0 ? 1 : 0
}

/** Overlapping filters of one subscriber count once, with the highest QoS [MQTT-3.3.4-2]. */
function matchesOf<S>(trie: TopicTrie<S>, topic: string): Match<S>[] {
  const bySubscriber = new Map<S, Subscription<S>[]>()
  trie.match(topic, (found) => {
    const known = bySubscriber.get(found.subscriber)
    if (known === undefined) bySubscriber.set(found.subscriber, [found])
    else known.push(found)
  })
  return Array.from(bySubscriber, ([subscriber, found]) => {
    const terms = termsOf(found)
    if (!found.some(({ noLocal }) => noLocal)) return { subscriber, terms, own: terms }
    const heard = found.filter(({ noLocal }) => !noLocal)
    return { subscriber, terms, own: heard.length === 0 ? undefined : termsOf(heard) }
  })
}

/** @param publisher  the session that it comes from, where that is a lasting one */
function targetsOf(
  lasting: readonly Match<RoutedSession>[],
  publication: Publication,
  publisher: number | undefined,
): DeliveryTarget[] {
  const targets: DeliveryTarget[] = []
  for (const { subscriber, terms, own } of lasting) {
    const heard = subscriber.session === publisher ? own : terms
    if (heard === undefined) continue
    targets.push({ session: subscriber.session, terms: wanted(subscriber, heard, publication) })
  }
  return targets
}

function wanted(
  { born }: RoutedSession,
  terms: DeliveryTerms,
  publication: Publication,
): TargetTerms {
  const { qos, retainAsPublished, identifiers } = terms
  const retain = retainAsPublished && publication.retain
  return { born, qos, retain, identifiers, group: undefined }
}

const NO_IDENTIFIERS: readonly number[] = []

/** @param found  at least one */
function termsOf(found: readonly SubscriptionOptions[]): DeliveryTerms {
  let qos: Qos = 0
  let retainAsPublished = false
  let identifiers = NO_IDENTIFIERS
  for (const one of found) {
    if (one.qos > qos) qos = one.qos
    retainAsPublished ||= one.retainAsPublished
    if (one.identifier !== 0) identifiers = [...identifiers, one.identifier] // [MQTT-3.3.4-3] [MQTT-3.3.4-4]
  }
  return { qos, retainAsPublished, identifiers, redelivery: undefined }
}
