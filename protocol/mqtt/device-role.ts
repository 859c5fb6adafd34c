/**
 * A device's connection: translates between its topics and its actor, and is the actor's link to it.
 *
 * A device hears what it subscribed below its own topics; with `_ss=1` in its client id it counts as
 * subscribed to every system topic (connect.md §2), and a message never goes out twice. MQTT 3.x devices
 * get the publisher's QoS, as the original gives it (connect.md §1).
 */
import type { CustomDownlink, IssuedCommand, RequestId } from '../../core/domain/device-message.ts'
import { lowerQos, type Qos } from '../../core/domain/qos.ts'
import type { Device } from '../../core/domain/registry.ts'
import { isShared, matches } from '../../core/domain/topic.ts'
import type { ClientSession } from '../../core/ports/client-session.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { DeviceSession } from '../../core/ports/device-host.ts'
import type { Delivery, DeviceLink, LinkCloseReason } from '../../core/ports/device-link.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type { DeliveryTerms, Relay, TopicRoute } from '../../core/ports/relay.ts'
import { decodeUplink } from '../alink/alink-decode.ts'
import { encodeCommand, encodeReply } from '../alink/alink-encode.ts'
import { type AlinkRoute, alinkRoute } from '../alink/alink-topics.ts'
import { deviceMaySubscribe } from '../alink/device-topics.ts'
import { FAULT } from './faults.ts'
import type { IncomingPublish } from './incoming-publish.ts'
import { publicationOf } from './mqtt-publication.ts'
import type { ProtocolLevel } from './packet-type.ts'
import { type Fault, REASON, type ReasonCode } from './reason-code.ts'
import { asksForRetained, type Grants, type Role, type SubscribeRequest } from './role.ts'
import { TopicMemo } from './topic-memo.ts'
import type { Will } from './will.ts'

export interface DeviceRoleParts {
  readonly device: Device
  readonly level: ProtocolLevel
  /** `_ss=1`: all system topics count as subscribed. */
  readonly systemTopicsSubscribed: boolean
  readonly session: ClientSession
  readonly address: string
  readonly relay: Relay
  readonly counters: Counters
  readonly subscriptions: number
  readonly filtersPerSubscribe: number
  readonly topicBytes: number
  readonly topicLevels: number
  readonly closeLink: (reason: LinkCloseReason) => void
}

type Target =
  | (Topic & { readonly kind: 'alink'; readonly alink: AlinkRoute })
  | (Topic & { readonly kind: 'custom'; readonly suffix: string })
  | { readonly kind: 'refused'; readonly reason: string }

interface Topic {
  readonly route: TopicRoute
  /** At the end of the topic, and of no route: to be cut off. */
  readonly tagBytes: number
}

/** As the original has it (connect.md §1). */
const GRANTS: Grants = {
  maximumQos: 1,
  subscriptionIdentifiers: false,
  sharedSubscriptions: false,
}

const TERMS: readonly DeliveryTerms[] = ([0, 1, 2] as const).map((qos) => ({
  qos,
  retainAsPublished: false,
  identifiers: [],
  redelivery: undefined,
}))

interface Reply {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1
}

export class DeviceRole implements Role, DeviceLink {
  readonly label: string
  readonly session: ClientSession
  readonly address: string
  readonly grants: Grants = GRANTS
  readonly retains: boolean
  readonly filtersPerSubscribe: number
  readonly #parts: DeviceRoleParts
  readonly #systemPrefix: string
  readonly #ownPrefix: string
  readonly #filters = new Map<string, Qos>()
  readonly #memo = new TopicMemo()
  #target: Target = { kind: 'refused', reason: 'foreign-topic' }
  #held: DeviceSession | undefined = undefined
  #reply: Reply | undefined = undefined
  /** Subscriptions whose retained messages are due once the SUBACK has left. */
  #replays: SubscribeRequest[] = []

  constructor(parts: DeviceRoleParts) {
    const { productKey, deviceName } = parts.device
    this.#parts = parts
    this.retains = parts.level === 5
    this.label = `device ${productKey}/${deviceName}`
    this.session = parts.session
    this.address = parts.address
    this.filtersPerSubscribe = parts.filtersPerSubscribe
    this.#systemPrefix = `/sys/${productKey}/${deviceName}/`
    this.#ownPrefix = `/${productKey}/${deviceName}/`
  }

  /** The claim was granted: from here on the actor is reached by this hold. */
  hold(session: DeviceSession): void {
    this.#held = session
  }

  publish(frame: IncomingPublish): ReasonCode | Fault {
    if (!this.#memo.matches(frame)) {
      const topic = this.#memo.read(frame)
      if (topic === undefined) return FAULT.invalidTopic
      this.#target = this.#targetOf(topic)
    }
    const target = this.#target
    const payload = frame.buffer.subarray(frame.payloadStart, frame.payloadEnd)
    const qos = lowerQos(frame.qos, 1) as 0 | 1
    // As its subscribers know the topic [MQTT-3.3.2-3].
    if (target.kind !== 'refused') frame.topicEnd -= target.tagBytes
    switch (target.kind) {
      case 'refused':
        this.#parts.counters.add('publish.refused', target.reason)
        return REASON.notAuthorized
      case 'custom':
        if (frame.retain && !this.#retain(target.route, frame)) return REASON.quotaExceeded
        this.#held?.custom(target.suffix, payload, qos)
        break
      case 'alink':
        if (frame.retain) this.#parts.counters.add('publish.retain-ignored')
        this.#climb(target.alink, payload, qos)
        break
    }
    this.#parts.relay.publish(target.route, frame, this.session)
    return REASON.success
  }

  answer(): void {
    const reply = this.#reply
    if (reply === undefined) return
    this.#reply = undefined
    this.#send(reply.topic, reply.payload, reply.qos)
  }

  subscribe(request: SubscribeRequest): ReasonCode | Qos {
    const { options } = request
    const { device, counters, subscriptions } = this.#parts
    if (isShared(request.filter)) {
      counters.add('subscribe.refused', 'shared-subscription')
      return REASON.sharedSubscriptionsNotSupported
    }
    if (!deviceMaySubscribe(device, request.filter)) {
      counters.add('subscribe.refused', 'foreign-topic')
      return REASON.notAuthorized
    }
    if (!this.#filters.has(request.filter) && this.#filters.size >= subscriptions) {
      counters.add('subscribe.refused', 'too-many-subscriptions')
      return REASON.quotaExceeded
    }
    const renewed = this.#filters.has(request.filter)
    this.#filters.set(request.filter, options.qos)
    if (this.retains && asksForRetained(request, renewed)) this.#replays.push(request)
    return options.qos
  }

  subscribed(): void {
    const replays = this.#replays
    this.#replays = []
    for (const { filter, options } of replays) {
      const source = this.#parts.relay.retained(filter)
      if (source !== undefined) this.session.replay(source, TERMS[options.qos] as DeliveryTerms)
    }
  }

  unsubscribe(filter: string): ReasonCode {
    return this.#filters.delete(filter) ? REASON.success : REASON.noSubscriptionExisted
  }

  /** MQTT 3.x devices have no wills in the original (connect.md §1); the connection does not ask then. */
  #publishWill(will: Will): void {
    const target = this.#targetOf(will.topic)
    if (target.kind !== 'custom') {
      this.#parts.counters.add('publish.refused', 'will-topic')
      return
    }
    const message = { ...will.message, topicEnd: will.message.topicEnd - target.tagBytes }
    if (message.retain && !this.#retain(target.route, message)) return
    const payload = message.buffer.subarray(message.payloadStart, message.payloadEnd)
    this.#held?.custom(target.suffix, payload, lowerQos(message.qos, 1) as 0 | 1)
    this.#parts.relay.publish(target.route, message, this.session)
  }

  renew(): void {} // extended authentication is for application clients

  closed(will?: Will): void {
    if (will !== undefined) this.#publishWill(will)
    this.#held?.closed()
    this.#held = undefined
    this.#filters.clear()
    this.session.closed()
  }

  command(issued: IssuedCommand): Delivery {
    const { suffix, payload } = encodeCommand(issued)
    return this.#send(this.#systemPrefix + suffix, payload, 1)
  }

  custom(downlink: CustomDownlink): Delivery {
    return this.#send(this.#ownPrefix + downlink.suffix, downlink.payload, downlink.qos)
  }

  close(reason: LinkCloseReason): void {
    this.#parts.closeLink(reason)
  }

  /** False: a bound of the platform is reached. */
  #retain(route: TopicRoute, publication: Publication): boolean {
    const retaining = this.#parts.relay.retain(route, publication)
    if (retaining === 'kept') return true
    this.#parts.counters.add('publish.refused', `retained-${retaining}`)
    return false
  }

  #climb(alink: AlinkRoute, payload: Uint8Array, qos: 0 | 1): void {
    const decoded = decodeUplink(alink, payload)
    if (decoded.kind === 'malformed') {
      this.#parts.counters.add('uplink.refused', `code-${decoded.code}`)
      const { id, code, message } = decoded
      this.#setReply(alink, qos, encodeReply({ id, code, message, method: '', rejected: [] }))
      return
    }
    const answer = this.#held?.uplink(decoded.uplink)
    if (answer === undefined || answer.kind === 'silent' || !decoded.ackWanted) return
    const id: RequestId = decoded.uplink.id
    const { method } = decoded
    if (answer.kind === 'accepted') {
      const { rejected } = answer
      const facts = { id, code: 200, message: 'success', method, rejected }
      this.#setReply(alink, qos, encodeReply(facts))
    } else {
      const { code, message } = answer
      this.#setReply(alink, qos, encodeReply({ id, code, message, method, rejected: [] }))
    }
  }

  #setReply(alink: AlinkRoute, qos: 0 | 1, payload: Uint8Array): void {
    if (alink.replySuffix === undefined) return
    this.#reply = { topic: this.#systemPrefix + alink.replySuffix, payload, qos }
  }

  #targetOf(topic: string): Target {
    const { relay, topicBytes, topicLevels } = this.#parts
    const plain = withoutParseTag(topic)
    const tagBytes = Buffer.byteLength(topic) - Buffer.byteLength(plain)
    if (plain.startsWith(this.#systemPrefix)) {
      const alink = alinkRoute(plain.slice(this.#systemPrefix.length))
      if (alink === undefined) return { kind: 'refused', reason: 'unknown-system-topic' }
      return { kind: 'alink', alink, route: relay.route(plain), tagBytes }
    }
    if (plain.startsWith(`${this.#ownPrefix}user/`)) {
      const tooLong =
        Buffer.byteLength(plain) > topicBytes || plain.split('/').length - 1 > topicLevels
      if (tooLong) return { kind: 'refused', reason: 'topic-too-long' }
      const suffix = plain.slice(this.#ownPrefix.length)
      return { kind: 'custom', suffix, route: relay.route(plain), tagBytes }
    }
    return { kind: 'refused', reason: 'foreign-topic' }
  }

  #send(topic: string, payload: Uint8Array, qos: 0 | 1): Delivery {
    let granted: Qos | undefined
    for (const [filter, filterQos] of this.#filters) {
      if (matches(filter, topic) && (granted === undefined || filterQos > granted)) {
        granted = filterQos
      }
    }
    const { level, systemTopicsSubscribed } = this.#parts
    if (granted === undefined) {
      if (!systemTopicsSubscribed || topic.startsWith(`${this.#ownPrefix}user/`)) {
        return 'not-subscribed'
      }
      granted = 1
    }
    const actual = level === 5 && granted < qos ? granted : qos
    this.session.deliver(publicationOf(topic, payload, qos), TERMS[actual] as DeliveryTerms)
    return 'sent'
  }
}

/** `?_sn=default` asks for a parsing script; everyone else sees the topic without it (topics.md §1). */
function withoutParseTag(topic: string): string {
  const tag = topic.indexOf('?')
  return tag < 0 ? topic : topic.slice(0, tag)
}
