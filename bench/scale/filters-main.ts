/**
 * A process of its own, so that its heap holds nothing else: the topic tree and the router with many
 * subscriptions. Needs `--expose-gc`; prints its figures as one JSON line.
 */
import { Router } from '../../actors/router/router.ts'
import { type Subscription, TopicTrie } from '../../actors/router/topic-trie.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type { Subscriber, SubscriptionOptions } from '../../core/ports/relay.ts'
import { filterOf, type Shape, shapeOf, strangeTopicOf, topicOf } from './filter-shapes.ts'

const SUBSCRIBERS = 20_000
const MATCHES = 100_000
const REMOVED = 10 // each so many-th filter is removed and added again
const TOPICS = 50_000
const PUBLISHES_PER_SEC = 50_000
const CHANGES_PER_SEC = 100
const TICKS = 500 // of 10 ms, not waited for
const STEP = 7919 // prime: neighbours in the tree do not follow one another

interface TreeFigures {
  readonly filters: number
  /** Of the tree with its levels; what the subscribers hold is their own. */
  readonly heapBytesPerFilter: number
  readonly addUs: number
  readonly removeUs: number
  /** By the kind of topic; `shared` visits a thousand subscribers. */
  readonly matchUs: Readonly<Record<Shape | 'miss', number>>
}

interface RouterFigures {
  /** Of one publication to one subscriber, by its cached route. */
  readonly publishUs: number
  /** The same, 50,000 a second over 50,000 topics, beside one subscription a 10 ms. */
  readonly publishBesideChangesUs: number
  /** The first one behind a change that concerns every topic: `+/…`. */
  readonly publishBehindWideChangeUs: number
  /** Seen by the subscribers: the work was done. */
  readonly visited: number
}

export type FilterFigures = TreeFigures & RouterFigures

const OPTIONS: SubscriptionOptions = {
  qos: 1,
  noLocal: false,
  retainAsPublished: false,
  identifier: 0,
}

class Hearer implements Subscriber {
  readonly ready = true
  heard = 0

  deliver(): void {
    this.heard += 1
  }
}

const PUBLICATION: Publication = {
  serial: 0,
  buffer: Buffer.from('topicpayload'),
  qos: 1,
  retain: false,
  topicStart: 0,
  topicEnd: 5,
  propertiesStart: 5,
  propertiesEnd: 5,
  expiryAt: 0,
  payloadStart: 5,
  payloadEnd: 12,
}

const count = Number(process.argv[2])
const filters = Array.from({ length: count }, (_, i) => filterOf(i))
const hearers = Array.from({ length: SUBSCRIBERS }, () => new Hearer())
const subscriptionOf = (i: number): Subscription<Subscriber> => {
  return { subscriber: hearerOf(i), ...OPTIONS }
}
process.stdout.write(`${JSON.stringify({ ...measureTree(), ...measureRouter() })}\n`)

function measureTree(): TreeFigures {
  const before = heapBytes()
  const trie = new TopicTrie<Subscriber>()
  const addUs = usEach(count, (i) => trie.add(filters[i] as string, subscriptionOf(i)))
  const heapBytesPerFilter = (heapBytes() - before) / count
  const removeUs = usEach(Math.floor(count / REMOVED), (i) => {
    trie.remove(filters[i * REMOVED] as string, hearerOf(i * REMOVED))
  })
  for (let i = 0; i < count; i += REMOVED) trie.add(filters[i] as string, subscriptionOf(i))
  const visit = ({ subscriber }: Subscription<Subscriber>): void => {
    ;(subscriber as Hearer).heard += 1
  }
  const matchUs = (topics: readonly string[]): number =>
    usEach(topics.length, (i) => trie.match(topics[i] as string, visit))
  return {
    filters: trie.size,
    heapBytesPerFilter,
    addUs,
    removeUs,
    matchUs: {
      exact: matchUs(topicsOf('exact', MATCHES)),
      plus: matchUs(topicsOf('plus', MATCHES)),
      hash: matchUs(topicsOf('hash', MATCHES)),
      room: matchUs(topicsOf('room', MATCHES)),
      fleet: matchUs(topicsOf('fleet', MATCHES)),
      shared: matchUs(topicsOf('shared', 100)),
      miss: matchUs(Array.from({ length: MATCHES }, (_, i) => strangeTopicOf(i))),
    },
  }
}

function measureRouter(): RouterFigures {
  const router = new Router()
  for (let i = 0; i < count; i++) router.subscribe(hearerOf(i), filters[i] as string, OPTIONS)
  const routes = topicsOf('exact', TOPICS).map((topic) => router.route(topic))
  let at = 0
  const publish = (publishes: number): number =>
    usEach(publishes, () => {
      router.publish(routes[at] as (typeof routes)[number], PUBLICATION, undefined)
      at = at + 1 === routes.length ? 0 : at + 1
    })
  publish(4 * routes.length) // compiles, matches
  const publishUs = publish(4 * routes.length)
  const newcomer = new Hearer()
  const perTick = PUBLISHES_PER_SEC / CHANGES_PER_SEC
  let besideUs = 0
  for (let tick = 0; tick < TICKS; tick++) {
    router.subscribe(newcomer, `/k1product00/newcomer${tick}/user/+`, OPTIONS)
    besideUs += publish(perTick)
  }
  router.subscribe(newcomer, '+/nothing', OPTIONS)
  const publishBehindWideChangeUs = publish(routes.length)
  return {
    publishUs,
    publishBesideChangesUs: besideUs / TICKS,
    publishBehindWideChangeUs,
    visited: hearers.reduce((sum, { heard }) => sum + heard, newcomer.heard),
  }
}

/** Spread over the tree; as many as asked for, some of them again where there are fewer. */
function topicsOf(shape: Shape, wanted: number): string[] {
  const numbers = Array.from(filters.keys()).filter((i) => shapeOf(i) === shape)
  return Array.from({ length: wanted }, (_, i) =>
    topicOf(numbers[(i * STEP) % numbers.length] as number),
  )
}

/** One subscriber has some filters of one shape, none of them twice. */
function hearerOf(i: number): Hearer {
  return hearers[(shapeOf(i) === 'shared' ? Math.floor(i / 100) : i) % SUBSCRIBERS] as Hearer
}

function usEach(times: number, act: (i: number) => void): number {
  const from = performance.now()
  for (let i = 0; i < times; i++) act(i)
  return ((performance.now() - from) * 1000) / times
}

function heapBytes(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc')
  globalThis.gc()
  return process.memoryUsage().heapUsed
}
