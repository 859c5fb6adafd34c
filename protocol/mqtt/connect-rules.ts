/** Rules of CONNECT (§3.1) that need no state: what is refused before anyone is asked who it is. */
import type { IConnectPacket } from 'mqtt-packet'
import { isTopicName } from '../../core/domain/topic.ts'
import { FAULT } from './faults.ts'
import type { Fault } from './reason-code.ts'
import type { Will } from './role.ts'

/** Protocol name and level, from the bytes: an unknown level is answered, an unknown protocol is not. */
export function connectFaultOf(frame: Buffer, body: number): Fault | undefined {
  if (frame.length < body + 7) return FAULT.notMqtt
  const length = frame.readUInt16BE(body)
  const name = frame.toString('latin1', body + 2, body + 2 + length)
  const level = frame[body + 2 + length]
  if (name === 'MQTT') return level === 4 || level === 5 ? undefined : FAULT.protocolVersion // [MQTT-3.1.2-2]
  if (name === 'MQIsdp') return level === 3 ? undefined : FAULT.protocolVersion
  return FAULT.notMqtt // [MQTT-3.1.2-1]
}

export type WillOutcome =
  | { readonly kind: 'ok'; readonly will: Will | undefined }
  | { readonly kind: 'fault'; readonly fault: Fault }

/** The Will, and what else a CONNECT asks that is not available. */
export function willOf(connect: IConnectPacket): WillOutcome {
  const { authenticationMethod, authenticationData } = connect.properties ?? {}
  if (authenticationMethod !== undefined || authenticationData !== undefined) {
    return { kind: 'fault', fault: FAULT.authMethod }
  }
  const { will } = connect
  if (will === undefined) return { kind: 'ok', will: undefined }
  if (!isTopicName(will.topic)) return { kind: 'fault', fault: FAULT.willTopic }
  if (connect.protocolVersion === 5) {
    if (will.qos === 2) return { kind: 'fault', fault: FAULT.willQos } // [MQTT-3.2.2-12]
    if (will.retain === true) return { kind: 'fault', fault: FAULT.willRetain } // [MQTT-3.2.2-13]
  }
  const payload = typeof will.payload === 'string' ? Buffer.from(will.payload) : will.payload
  const qos = will.qos === 0 || will.qos === undefined ? 0 : 1
  return { kind: 'ok', will: { topic: will.topic, payload: Buffer.from(payload), qos } }
}

/** Silence for longer ends the connection [MQTT-3.1.2-22]. */
export function keepAliveLimitSec(keepAliveSec: number): number {
  return keepAliveSec * 1.5
}
