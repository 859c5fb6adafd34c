/** SUBSCRIBE and UNSUBSCRIBE (§3.8, §3.10): filter by filter to the role, and the codes of the answer. */
import type { ISubscribePacket, IUnsubscribePacket } from 'mqtt-packet'
import { isTopicFilter } from '../../core/domain/topic.ts'
import type { Counters } from '../../core/ports/counters.ts'
import { FAULT } from './faults.ts'
import type { ProtocolLevel } from './packet-type.ts'
import { type Fault, REASON } from './reason-code.ts'
import type { Role } from './role.ts'

/** The codes of the SUBACK, one a filter, in their order [MQTT-3.8.4-6]. */
export function subscribe(
  packet: ISubscribePacket,
  role: Role,
  level: ProtocolLevel,
  counters: Counters,
): readonly number[] | Fault {
  if (packet.properties?.subscriptionIdentifier !== undefined) return FAULT.subscriptionIdentifier
  const codes: number[] = []
  for (const [i, { topic, qos, nl }] of packet.subscriptions.entries()) {
    if (!isTopicFilter(topic)) return FAULT.invalidFilter // [MQTT-4.7.1-1]
    if (i >= role.filtersPerSubscribe) {
      counters.add('subscribe.refused', 'too-many-filters')
      codes.push(subackCode(REASON.quotaExceeded, level))
      continue
    }
    const granted: 0 | 1 = qos === 0 ? 0 : 1 // we grant at most QoS 1 [MQTT-3.8.4-5]
    const code = role.subscribe({ filter: topic, qos: granted, noLocal: nl === true })
    codes.push(subackCode(code, level))
  }
  return codes
}

export function unsubscribe(packet: IUnsubscribePacket, role: Role): readonly number[] {
  return packet.unsubscriptions.map((filter) => role.unsubscribe(filter))
}

/** MQTT 3.x knows one failure [MQTT-3.9.3-2]. */
function subackCode(code: number, level: ProtocolLevel): number {
  return level === 5 || code <= 2 ? code : 0x80
}
