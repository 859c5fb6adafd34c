/** The short way of plain topics: publisher's connection → matching subscribers, within the turn. */
import type { Qos } from '../domain/qos.ts'
import type { MessageSource } from './message-source.ts'
import type { Publication } from './publication.ts'

/** How a subscriber wants what it matched: by one subscription, or by all of its that overlap. */
export interface DeliveryTerms {
  /** The highest; what is delivered has the lower of this and the message's [MQTT-3.8.4-8]. */
  readonly qos: Qos
  readonly retainAsPublished: boolean
  /** Subscription Identifiers of what matched; mostly none. */
  readonly identifiers: readonly number[]
  /** Of a shared subscription: who takes the message back. */
  readonly redelivery: Redelivery | undefined
}

/** Gives a message that its subscriber leaves unacknowledged to another member of its group. */
export interface Redelivery {
  redeliver(publication: Publication): void
}

/** Takes what it can deliver at once, else says what became of it; nothing is silently lost. */
export interface Subscriber {
  /** It would send a message of QoS 1 or 2 at once. */
  readonly ready: boolean
  deliver(publication: Publication, terms: DeliveryTerms): void
  /** Where its session outlives its connection: that has the subscriptions, on all shards. */
  readonly lasting?: LastingSubscriber | undefined
}

export interface LastingSubscriber {
  /** Of the session, from 1. */
  readonly number: number
  /** False: the filter is new. */
  subscribe(filter: string, options: SubscriptionOptions): boolean
  /** False where there was none. */
  unsubscribe(filter: string): boolean
}

/** What a SUBSCRIBE asks for one filter (MQTT 5.0 §3.8.3.1, §3.8.2.1.2). */
export interface SubscriptionOptions {
  readonly qos: Qos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** Subscription Identifier; 0: none. */
  readonly identifier: number
}

/** What became of a message that was to be retained; all but `kept` are refusals. */
export type Retaining = 'kept' | 'too-many-messages' | 'too-many-bytes' | 'store-behind'

/** A topic name with its matching subscribers, kept by a publisher for its next message. */
export interface TopicRoute {
  readonly topic: string
}

export interface Relay {
  /** Looks a topic up, or makes its route. Bounded cache: keep the returned object, not the name. */
  route(topic: string): TopicRoute
  /**
   * False where a session that outlives its connection cannot take it: its queue is full and refuses, or the store is
   * behind. Whoever can refuse the publication asks before anyone has it.
   */
  accepts(route: TopicRoute, publication: Publication, publisher: Subscriber | undefined): boolean
  /**
   * Delivers to every match; what `publisher` subscribed with No Local is left out. Sessions that cannot take it do without,
   * and that is counted. Returns to how many, another shard counting as one.
   */
  publish(route: TopicRoute, publication: Publication, publisher: Subscriber | undefined): number
  /** Keeps the message for later subscribers of its topic; an empty payload removes the one there is. */
  retain(route: TopicRoute, publication: Publication): Retaining
  /** What is retained for the topics that a filter matches; `undefined`: nothing at all is. */
  retained(filter: string): MessageSource | undefined
  /** Adds one subscription, or replaces the one of this filter; false: it is new. */
  subscribe(subscriber: Subscriber, filter: string, options: SubscriptionOptions): boolean
  /** False where there was none. */
  unsubscribe(subscriber: Subscriber, filter: string): boolean
  /** True where every shard knows what was subscribed here; else `done` is called, once, when they do. */
  settled(done: () => void): boolean
  /** The message published last went to a shard that is behind: its source shall wait for `whenRoom`. */
  readonly overdrawn: boolean
  /** Calls once, now or later, when the shards that are behind have caught up. */
  whenRoom(resume: () => void): void
}
