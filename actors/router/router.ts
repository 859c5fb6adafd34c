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

class Route implements TopicRoute {
  readonly topic: string
  /** Of the subscriptions that `matched` was made from; -1 before the first match. */
  generation = -1
  matched: Subscription<Subscriber>[] = []

  constructor(topic: string) {
    this.topic = topic
  }
}

export class Router implements Relay {
  readonly #trie = new TopicTrie<Subscriber>()
  #routes = new Map<string, Route>()
  #generation = 0

  get subscriptions(): number {
    return this.#trie.size
  }

  route(topic: string): Route {
    let route = this.#routes.get(topic)
    if (route === undefined) {
      if (this.#routes.size >= MAX_ROUTES) this.#routes = new Map()
      route = new Route(topic)
      this.#routes.set(topic, route)
    }
    return route
  }

  publish(route: Route, publication: Publication, except: Subscriber | undefined): number {
    if (route.generation !== this.#generation) this.#match(route)
    const { matched } = route
    let delivered = 0
    for (let i = 0; i < matched.length; i++) {
      const { subscriber, qos, noLocal } = matched[i] as Subscription<Subscriber>
      if (noLocal && subscriber === except) continue // [MQTT-3.8.3-3]
      subscriber.deliver(publication, qos < publication.qos ? qos : publication.qos) // [MQTT-3.8.4-8]
      delivered += 1
    }
    return delivered
  }

  subscribe(subscriber: Subscriber, filter: string, qos: 0 | 1, noLocal: boolean): void {
    this.#trie.add(filter, { subscriber, qos, noLocal })
    this.#generation += 1
  }

  unsubscribe(subscriber: Subscriber, filter: string): boolean {
    const removed = this.#trie.remove(filter, subscriber)
    if (removed) this.#generation += 1
    return removed
  }

  /** Overlapping filters of one subscriber count once, with the highest QoS [MQTT-3.3.5-1]. */
  #match(route: Route): void {
    const bySubscriber = new Map<Subscriber, Subscription<Subscriber>>()
    this.#trie.match(route.topic, (found) => {
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
    route.matched = [...bySubscriber.values()]
    route.generation = this.#generation
  }
}
