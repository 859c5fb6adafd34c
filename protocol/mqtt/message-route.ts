/** A message of an application client on its way: retained where it asks for it, to subscribers, to a device. */
import type { DeviceIdentity } from '../../core/domain/identifiers.ts'
import { lowerQos } from '../../core/domain/qos.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { DeviceInbox } from '../../core/ports/device-inbox.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type { Relay, Subscriber, TopicRoute } from '../../core/ports/relay.ts'
import { REASON, type ReasonCode } from './reason-code.ts'

/** A topic that also reaches a device: `/{pk}/{dn}/user/…`. */
export interface DeviceTopic {
  readonly identity: DeviceIdentity
  readonly suffix: string
}

export interface RouteParts {
  readonly relay: Relay
  readonly counters: Counters
  /** Absent on a plain listener: no device lives in its space. */
  readonly inbox: DeviceInbox | undefined
}

/** @param publisher  `undefined`: nobody's connection, as for a Will that was delayed */
export function routeMessage(
  { relay, inbox, counters }: RouteParts,
  route: TopicRoute,
  device: DeviceTopic | undefined,
  message: Publication,
  publisher: Subscriber | undefined,
): ReasonCode {
  if (!relay.accepts(route, message, publisher)) {
    counters.add('publish.refused', 'session-queue')
    return REASON.quotaExceeded
  }
  if (message.retain) {
    // Else nothing that is kept changes [MQTT-3.3.1-8].
    const retaining = relay.retain(route, message)
    if (retaining !== 'kept') {
      counters.add('publish.refused', `retained-${retaining}`)
      return REASON.quotaExceeded
    }
  }
  let reached = relay.publish(route, message, publisher)
  if (device !== undefined && inbox !== undefined) {
    const payload = message.buffer.subarray(message.payloadStart, message.payloadEnd)
    const { identity, suffix } = device
    const qos = lowerQos(message.qos, 1) as 0 | 1 // what a device of the original takes at most
    const delivery = inbox.deliverCustom({ device: identity, suffix, payload, qos })
    if (delivery === 'sent') reached += 1
    else counters.add('downlink.dropped', delivery)
  }
  return reached > 0 ? REASON.success : REASON.noMatchingSubscribers
}
