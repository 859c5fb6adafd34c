/** Rules of CONNECT (§3.1) that need no state: what is refused before anyone is asked who it is. */
import type { IConnectPacket } from 'mqtt-packet'
import type { Limits } from '../../core/domain/settings.ts'
import type { ControlPackets } from './control-packets.ts'
import { FAULT } from './faults.ts'
import type { ProtocolLevel } from './packet-type.ts'
import type { AuthenticationAnswer, ConnackFacts } from './packet-writer.ts'
import type { Fault } from './reason-code.ts'
import type { Grants, Role } from './role.ts'
import { readWill, type Will } from './will.ts'

/** A client that named no Maximum Packet Size. */
export const UNLIMITED: number = Number.POSITIVE_INFINITY

/** Protocol name and level, from the bytes: an unknown level is answered, an unknown protocol is not. */
function connectFaultOf(frame: Buffer, body: number): Fault | undefined {
  if (frame.length < body + 7) return FAULT.notMqtt
  const length = frame.readUInt16BE(body)
  const name = frame.toString('latin1', body + 2, body + 2 + length)
  const level = frame[body + 2 + length]
  if (name === 'MQTT') return level === 4 || level === 5 ? undefined : FAULT.protocolVersion // [MQTT-3.1.2-2]
  if (name === 'MQIsdp') return level === 3 ? undefined : FAULT.protocolVersion
  return FAULT.notMqtt // [MQTT-3.1.2-1]
}

/** A CONNECT that keeps the rules, as the connection goes on with it. */
export interface ConnectRequest {
  readonly connect: IConnectPacket
  readonly level: ProtocolLevel
  readonly will: Will | undefined
  /** Bytes of the largest packet that the client takes (§3.1.2.11.4). */
  readonly maximumPacketSize: number
}

export type ReadConnect =
  | { readonly kind: 'request'; readonly request: ConnectRequest }
  /** Answered with a CONNACK; `request` where its level is known. */
  | {
      readonly kind: 'refused'
      readonly code3: number
      readonly fault: Fault
      readonly request: ConnectRequest | undefined
    }
  /** Closed without an answer. */
  | { readonly kind: 'fault'; readonly fault: Fault }

/** A CONNECT that is not as it must be opens nothing [MQTT-3.1.4-1]. */
export function readConnect(frame: Buffer, body: number, packets: ControlPackets): ReadConnect {
  const early = connectFaultOf(frame, body)
  if (early !== undefined) {
    if (early !== FAULT.protocolVersion) return { kind: 'fault', fault: early }
    return { kind: 'refused', code3: 1, fault: early, request: undefined }
  }
  const parsed = packets.connect(frame, body)
  if (parsed.kind === 'fault') return parsed
  const connect = parsed.packet
  if (connect.protocolVersion === 5 && frame[body - 1] === 0) {
    return { kind: 'fault', fault: FAULT.longLength } // [MQTT-1.5.5-1]
  }
  const read = readWill(frame, body)
  const request: ConnectRequest = {
    connect,
    level: connect.protocolVersion ?? 4,
    will: read.kind === 'will' ? read.will : undefined,
    maximumPacketSize: connect.properties?.maximumPacketSize ?? UNLIMITED,
  }
  if (read.kind === 'fault') return { kind: 'refused', code3: 5, fault: read.fault, request }
  return { kind: 'request', request }
}

/** A Will that asks for more than its client is granted; who that is, is known behind the login. */
export function willFault(
  will: Will | undefined,
  grants: Grants,
  { willBytes }: Limits,
): Fault | undefined {
  if (will === undefined) return undefined
  const { payloadStart, payloadEnd } = will.message
  if (payloadEnd - payloadStart > willBytes) return FAULT.willBytes
  return will.message.qos > grants.maximumQos ? FAULT.willQos : undefined // [MQTT-3.2.2-12]
}

/**
 * The keep alive that holds: the client's [MQTT-3.2.2-22], or ours where a client that can be told asks for more
 * [MQTT-3.1.2-21].
 */
export function keepAliveOf(
  { keepalive = 0, protocolVersion }: IConnectPacket,
  limits: Limits,
): number {
  const { keepAliveSec } = limits
  if (protocolVersion !== 5 || keepAliveSec === 0) return keepalive
  return keepalive === 0 || keepalive > keepAliveSec ? keepAliveSec : keepalive
}

/** Silence for longer ends the connection [MQTT-3.1.2-22]. */
export function keepAliveLimitSec(keepAliveSec: number): number {
  return keepAliveSec * 1.5
}

interface ConnackSession {
  readonly assignedClientIdentifier: string | undefined
  readonly sessionPresent: boolean
  readonly expirySec: number
}

/** What the CONNACK of an accepted MQTT 5 client says of this server. */
export function connackFacts(
  connect: IConnectPacket,
  limits: Limits,
  { grants }: Role,
  { assignedClientIdentifier, sessionPresent, expirySec }: ConnackSession,
  authentication: AuthenticationAnswer | undefined,
): ConnackFacts {
  const asked = connect.properties?.sessionExpiryInterval ?? 0
  return {
    maximumPacketSize: limits.packetBytes,
    receiveMaximum: limits.receiveMaximum,
    topicAliasMaximum: limits.topicAliases,
    grants,
    authentication,
    serverKeepAlive: serverKeepAlive(connect, limits),
    assignedClientIdentifier,
    sessionExpiryInterval: asked === expirySec ? undefined : expirySec,
    sessionPresent,
  }
}

/** Seconds that a session is granted to outlive its connection; MQTT 3.x asks by its Clean Session flag. */
export function sessionExpiryOf(
  { protocolVersion, clean, properties }: IConnectPacket,
  { sessionExpirySec }: Limits,
): number {
  if (protocolVersion !== 5) return clean === false ? sessionExpirySec : 0
  return Math.min(properties?.sessionExpiryInterval ?? 0, sessionExpirySec)
}

/** Said only where it is not what the client asked for. */
function serverKeepAlive(connect: IConnectPacket, limits: Limits): number | undefined {
  const seconds = keepAliveOf(connect, limits)
  return seconds === (connect.keepalive ?? 0) ? undefined : seconds
}
