/**
 * An application client or a client of a plain listener: publishes and subscribes within its policy, in
 * one topic space. In the device space a message to `/{pk}/{dn}/user/…` also reaches that device; other
 * device topics are the platform's own and cannot be published here (topics.md §7).
 */
import { type AccessPolicy, mayPublish, maySubscribe } from '../../core/domain/access-policy.ts'
import type { DeviceIdentity } from '../../core/domain/identifiers.ts'
import { lowerQos, type Qos } from '../../core/domain/qos.ts'
import { filterOfShared, isShared } from '../../core/domain/topic.ts'
import type { ClientDirectory, ClientHolder } from '../../core/ports/client-directory.ts'
import type { ClientSession } from '../../core/ports/client-session.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { DeviceInbox } from '../../core/ports/device-inbox.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type {
  DeliveryTerms,
  Relay,
  SubscriptionOptions,
  TopicRoute,
} from '../../core/ports/relay.ts'
import { customTopicOf, isPlatformTopic } from '../alink/device-topics.ts'
import { FAULT } from './faults.ts'
import type { IncomingPublish } from './incoming-publish.ts'
import { type Fault, REASON, type ReasonCode } from './reason-code.ts'
import { asksForRetained, type Grants, type Role, type SubscribeRequest } from './role.ts'
import { TopicMemo } from './topic-memo.ts'
import type { Will } from './will.ts'

export interface ClientRoleParts {
  readonly name: string
  readonly policy: AccessPolicy
  readonly session: ClientSession
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

type Target =
  | { readonly kind: 'route'; readonly route: TopicRoute; readonly device: DeviceTopic | undefined }
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'too-long' }

interface DeviceTopic {
  readonly identity: DeviceIdentity
  readonly suffix: string
}

const GRANTS: Grants = {
  maximumQos: 2,
  subscriptionIdentifiers: true,
  sharedSubscriptions: true,
}
const FORBIDDEN: Target = { kind: 'forbidden' }
const TOO_LONG: Target = { kind: 'too-long' }
export class ClientRole implements Role {
  readonly label: string
  readonly session: ClientSession
  readonly grants: Grants = GRANTS
  readonly retains = true
  readonly filtersPerSubscribe: number
  readonly #parts: ClientRoleParts
  readonly #filters = new Set<string>()
  /** Subscriptions whose retained messages are due once the SUBACK has left. */
  #replays: SubscribeRequest[] = []
  readonly #memo = new TopicMemo()
  #target: Target = FORBIDDEN
  #policy: AccessPolicy

  constructor(parts: ClientRoleParts) {
    this.#parts = parts
    this.#policy = parts.policy
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
    return this.#route(target.route, target.device, frame)
  }

  answer(): void {}

  subscribe(request: SubscribeRequest): ReasonCode | Qos {
    const { filter, options } = request
    const { relay, counters, subscriptions } = this.#parts
    if (this.#isTooLong(filter)) {
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
    this.#route(target.route, target.device, will.message)
  }

  renew(policy: AccessPolicy): void {
    this.#policy = policy
    this.#memo.forget()
  }

  closed(will?: Will): void {
    for (const filter of this.#filters) this.#parts.relay.unsubscribe(this.session, filter)
    this.#filters.clear()
    if (will !== undefined) this.#publishWill(will) // to the others: a shared subscription may not choose us
    this.session.closed()
    this.#parts.directory.release(this.#parts.name, this.#parts.holder)
  }

  #isTooLong(topic: string): boolean {
    const { topicBytes, topicLevels } = this.#parts
    let levels = 1
    for (let at = topic.indexOf('/'); at >= 0; at = topic.indexOf('/', at + 1)) levels += 1
    return levels > topicLevels || Buffer.byteLength(topic) > topicBytes
  }

  #targetOf(topic: string): Target {
    const { relay, inbox } = this.#parts
    if (this.#isTooLong(topic)) return TOO_LONG
    if (!mayPublish(this.#policy, topic)) return FORBIDDEN
    if (inbox === undefined) return { kind: 'route', route: relay.route(topic), device: undefined }
    if (isPlatformTopic(topic)) return FORBIDDEN
    return { kind: 'route', route: relay.route(topic), device: customTopicOf(topic) }
  }

  #route(route: TopicRoute, device: DeviceTopic | undefined, p: Publication): ReasonCode {
    const { relay, inbox, counters } = this.#parts
    if (p.retain) {
      // Else nothing that is kept changes [MQTT-3.3.1-8].
      const retaining = relay.retain(route, p)
      if (retaining !== 'kept') {
        counters.add('publish.refused', `retained-${retaining}`)
        return REASON.quotaExceeded
      }
    }
    let reached = relay.publish(route, p, this.session)
    if (device !== undefined && inbox !== undefined) {
      const payload = p.buffer.subarray(p.payloadStart, p.payloadEnd)
      const { identity, suffix } = device
      const qos = lowerQos(p.qos, 1) as 0 | 1 // what a device of the original takes at most
      const delivery = inbox.deliverCustom({ device: identity, suffix, payload, qos })
      if (delivery === 'sent') reached += 1
      else counters.add('downlink.dropped', delivery)
    }
    return reached > 0 ? REASON.success : REASON.noMatchingSubscribers
  }
}

function replayTerms({ qos, identifier }: SubscriptionOptions): DeliveryTerms {
  const identifiers = identifier === 0 ? [] : [identifier]
  return { qos, retainAsPublished: true, identifiers, redelivery: undefined }
}
