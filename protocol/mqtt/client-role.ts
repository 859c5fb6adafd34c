/**
 * An application client or a client of a plain listener: publishes and subscribes within its policy, in
 * one topic space. In the device space a message to `/{pk}/{dn}/user/…` also reaches that device; other
 * device topics are the platform's own and cannot be published here (topics.md §7).
 */
import { type AccessPolicy, mayPublish, maySubscribe } from '../../core/domain/access-policy.ts'
import type { Qos } from '../../core/domain/qos.ts'
import { filterOfShared, isShared } from '../../core/domain/topic.ts'
import type { ClientDirectory, ClientHolder } from '../../core/ports/client-directory.ts'
import type { ClientSession, LastingHold } from '../../core/ports/client-session.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { DeviceInbox } from '../../core/ports/device-inbox.ts'
import type {
  DeliveryTerms,
  Relay,
  SubscriptionOptions,
  TopicRoute,
} from '../../core/ports/relay.ts'
import { customTopicOf, isPlatformTopic } from '../alink/device-topics.ts'
import { FAULT } from './faults.ts'
import type { IncomingPublish } from './incoming-publish.ts'
import { type DeviceTopic, routeMessage } from './message-route.ts'
import { type Fault, REASON, type ReasonCode } from './reason-code.ts'
import { asksForRetained, type Grants, type Role, type SubscribeRequest } from './role.ts'
import { TopicMemo } from './topic-memo.ts'
import type { Will } from './will.ts'

export interface ClientRoleParts {
  readonly name: string
  readonly policy: AccessPolicy
  readonly session: ClientSession
  /** Where the session outlives its connection. */
  readonly lasting: LastingHold | undefined
  readonly expirySec: number
  readonly holder: ClientHolder
  readonly relay: Relay
  readonly directory: ClientDirectory
  readonly counters: Counters
  /** Absent on a plain listener: no device lives in its space. */
  readonly inbox: DeviceInbox | undefined
  readonly subscriptions: number
  readonly topicBytes: number
  readonly topicLevels: number
}

/** What decides where a client may publish. */
export interface PublishBounds {
  readonly policy: AccessPolicy
  readonly topicBytes: number
  readonly topicLevels: number
  /** Devices live in its space. */
  readonly withDevices: boolean
}

/** Whether a message to the topic goes on, or why it does not. */
export function judgeTopic(
  topic: string,
  bounds: PublishBounds,
): 'allowed' | 'forbidden' | 'too-long' {
  if (isTooLong(topic, bounds)) return 'too-long'
  if (!mayPublish(bounds.policy, topic)) return 'forbidden'
  return bounds.withDevices && isPlatformTopic(topic) ? 'forbidden' : 'allowed'
}

type Target =
  | { readonly kind: 'route'; readonly route: TopicRoute; readonly device: DeviceTopic | undefined }
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'too-long' }

export const CLIENT_GRANTS: Grants = {
  maximumQos: 2,
  subscriptionIdentifiers: true,
  sharedSubscriptions: true,
}
const FORBIDDEN: Target = { kind: 'forbidden' }
const TOO_LONG: Target = { kind: 'too-long' }

export class ClientRole implements Role {
  readonly label: string
  readonly session: ClientSession
  readonly grants: Grants = CLIENT_GRANTS
  readonly retains = true
  readonly filtersPerSubscribe: number
  readonly #parts: ClientRoleParts
  readonly #filters: Set<string>
  /** Subscriptions whose retained messages are due once the SUBACK has left. */
  #replays: SubscribeRequest[] = []
  readonly #memo = new TopicMemo()
  #target: Target = FORBIDDEN
  #policy: AccessPolicy

  constructor(parts: ClientRoleParts) {
    this.#parts = parts
    this.#policy = parts.policy
    this.#filters = new Set(parts.lasting?.filters())
    this.label = `client ${parts.name}`
    this.session = parts.session
    this.filtersPerSubscribe = parts.subscriptions // one packet may ask for all of them
  }

  publish(frame: IncomingPublish): ReasonCode | Fault {
    if (!this.#memo.matches(frame)) {
      const topic = this.#memo.read(frame)
      if (topic === undefined) return FAULT.invalidTopic
      this.#target = this.#targetOf(topic)
    }
    const target = this.#target
    if (target.kind === 'forbidden') {
      this.#parts.counters.add('publish.refused', 'not-authorized')
      return REASON.notAuthorized
    }
    if (target.kind === 'too-long') {
      this.#parts.counters.add('publish.refused', 'topic-too-long')
      return REASON.topicNameInvalid
    }
    return routeMessage(this.#parts, target.route, target.device, frame, this.session)
  }

  answer(): void {}

  subscribe(request: SubscribeRequest): ReasonCode | Qos {
    const { filter, options } = request
    const { relay, counters, subscriptions } = this.#parts
    if (isTooLong(filter, this.#parts)) {
      counters.add('subscribe.refused', 'topic-too-long')
      return REASON.topicFilterInvalid
    }
    const heard = isShared(filter) ? (filterOfShared(filter) ?? filter) : filter
    if (!maySubscribe(this.#policy, heard)) {
      counters.add('subscribe.refused', 'not-authorized')
      return REASON.notAuthorized
    }
    if (!this.#filters.has(filter) && this.#filters.size >= subscriptions) {
      counters.add('subscribe.refused', 'too-many-subscriptions')
      return REASON.quotaExceeded
    }
    this.#filters.add(filter)
    const renewed = relay.subscribe(this.session, filter, options)
    // Nothing that is retained goes to a shared subscription (§4.8.2).
    if (!isShared(filter) && asksForRetained(request, renewed)) this.#replays.push(request)
    return options.qos
  }

  subscribed(): void {
    const replays = this.#replays
    if (replays.length === 0) return
    this.#replays = []
    for (const { filter, options } of replays) {
      const source = this.#parts.relay.retained(filter)
      if (source !== undefined) this.session.replay(source, replayTerms(options))
    }
  }

  /** The very filter [MQTT-3.10.4-1]. What the session has of it already is still delivered [MQTT-3.10.4-3]. */
  unsubscribe(filter: string): ReasonCode {
    if (!this.#filters.delete(filter)) return REASON.noSubscriptionExisted
    this.#parts.relay.unsubscribe(this.session, filter)
    return REASON.success
  }

  #publishWill(will: Will): void {
    const target = this.#targetOf(will.topic)
    if (target.kind !== 'route') {
      this.#parts.counters.add('publish.refused', 'will-not-authorized')
      return
    }
    routeMessage(this.#parts, target.route, target.device, will.message, this.session)
  }

  renew(policy: AccessPolicy): void {
    this.#policy = policy
    this.#memo.forget()
  }

  closed(will?: Will, expirySec: number = this.#parts.expirySec): void {
    const { lasting, relay, directory, name, holder } = this.#parts
    if (lasting === undefined) {
      for (const filter of this.#filters) relay.unsubscribe(this.session, filter)
      if (will !== undefined) this.#publishWill(will) // to the others: a shared subscription may not choose us
      this.session.closed()
    } else {
      lasting.close({ expirySec, will: will !== undefined })
    }
    this.#filters.clear()
    directory.release(name, holder)
  }

  #targetOf(topic: string): Target {
    const { relay, inbox, topicBytes, topicLevels } = this.#parts
    const withDevices = inbox !== undefined
    const bounds = { policy: this.#policy, topicBytes, topicLevels, withDevices }
    switch (judgeTopic(topic, bounds)) {
      case 'too-long':
        return TOO_LONG
      case 'forbidden':
        return FORBIDDEN
      case 'allowed': {
        const device = withDevices ? customTopicOf(topic) : undefined
        return { kind: 'route', route: relay.route(topic), device }
      }
    }
  }
}

function isTooLong(
  topic: string,
  { topicBytes, topicLevels }: Pick<PublishBounds, 'topicBytes' | 'topicLevels'>,
): boolean {
  let levels = 1
  for (let at = topic.indexOf('/'); at >= 0; at = topic.indexOf('/', at + 1)) levels += 1
  return levels > topicLevels || Buffer.byteLength(topic) > topicBytes
}

function replayTerms({ qos, identifier }: SubscriptionOptions): DeliveryTerms {
  const identifiers = identifier === 0 ? [] : [identifier]
  return { qos, retainAsPublished: true, identifiers, redelivery: undefined }
}
