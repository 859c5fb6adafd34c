/** SUBSCRIBE and UNSUBSCRIBE (§3.8, §3.10): filter by filter to the role, and the codes of the answer. */
import type { ISubscribePacket, IUnsubscribePacket } from 'mqtt-packet'
import { lowerQos, type Qos } from '../../core/domain/qos.ts'
import { filterOfShared, isShared, isTopicFilter } from '../../core/domain/topic.ts'
import type { Counters } from '../../core/ports/counters.ts'
import { FAULT } from './faults.ts'
import type { ProtocolLevel } from './packet-type.ts'
import { type Fault, REASON } from './reason-code.ts'
import type { Role } from './role.ts'

/** The codes of the SUBACK, one a filter [MQTT-3.8.4-6], in their order [MQTT-3.9.3-1]. */
export function subscribe(
  packet: ISubscribePacket,
  role: Role,
  level: ProtocolLevel,
  counters: Counters,
): readonly number[] | Fault {
  const identifier = Number(packet.properties?.subscriptionIdentifier ?? 0)
  if (identifier !== 0 && !role.grants.subscriptionIdentifiers) return FAULT.subscriptionIdentifier
  const { subscriptions } = packet
  if (!subscriptions.every(({ topic }) => isSound(topic))) return FAULT.invalidFilter
  if (subscriptions.some(({ topic, nl }) => isShared(topic) && nl === true))
    return FAULT.sharedNoLocal // [MQTT-3.8.3-4]
  const codes: number[] = []
  // As if each filter came alone [MQTT-3.8.4-5].
  for (const [i, { topic, qos, nl, rap, rh }] of subscriptions.entries()) {
    if (i >= role.filtersPerSubscribe) {
      counters.add('subscribe.refused', 'too-many-filters')
      codes.push(subackCode(REASON.quotaExceeded, level))
      continue
    }
    const options = {
      qos: lowerQos(qos as Qos, role.grants.maximumQos), // [MQTT-3.2.2-10] [MQTT-3.8.4-7]
      noLocal: nl === true,
      retainAsPublished: rap === true,
      identifier,
    }
    const code = role.subscribe({ filter: topic, options, retainHandling: rh ?? 0 })
    codes.push(subackCode(code, level))
  }
  return codes
}

/** One UNSUBACK for all filters [MQTT-3.10.4-6], with a code for each in their order [MQTT-3.11.3-1]. */
export function unsubscribe(packet: IUnsubscribePacket, role: Role): readonly number[] | Fault {
  const { unsubscriptions } = packet
  if (!unsubscriptions.every(isSound)) return FAULT.invalidFilter
  return unsubscriptions.map((filter) => role.unsubscribe(filter))
}

/** [MQTT-4.7.1-1] [MQTT-4.7.3-1] [MQTT-4.8.2-1] [MQTT-4.8.2-2] */
function isSound(filter: string): boolean {
  return isShared(filter) ? filterOfShared(filter) !== undefined : isTopicFilter(filter)
}

/** MQTT 3.x knows one failure: [MQTT-3.9.3-2] of 3.1.1. */
function subackCode(code: number, level: ProtocolLevel): number {
  return level === 5 || code <= 2 ? code : 0x80
}
