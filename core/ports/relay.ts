/** The short way of plain topics: publisher's connection → matching subscribers, within the turn. */
import type { Publication } from './publication.ts'

/** Takes what it can deliver at once, else says what became of it; nothing is silently lost. */
export interface Subscriber {
  /** @param qos  the lower of the message's and the subscription's */
  deliver(publication: Publication, qos: 0 | 1): void
}

/** A topic name with its matching subscribers, kept by a publisher for its next message. */
export interface TopicRoute {
  readonly topic: string
}

export interface Relay {
  /** Looks a topic up, or makes its route. Bounded cache: keep the returned object, not the name. */
  route(topic: string): TopicRoute
  /** Delivers to every match but `except` (no-local); returns to how many, another shard counting as one. */
  publish(route: TopicRoute, publication: Publication, except: Subscriber | undefined): number
  /** Adds or replaces one subscription. */
  subscribe(subscriber: Subscriber, filter: string, qos: 0 | 1, noLocal: boolean): void
  /** False where there was none. */
  unsubscribe(subscriber: Subscriber, filter: string): boolean
  /** True where every shard knows what was subscribed here; else `done` is called, once, when they do. */
  settled(done: () => void): boolean
  /** The message published last went to a shard that is behind: its source shall wait for `whenRoom`. */
  readonly overdrawn: boolean
  /** Calls once, now or later, when the shards that are behind have caught up. */
  whenRoom(resume: () => void): void
}
