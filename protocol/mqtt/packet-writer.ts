/** The packets that we send, written into a transport's output of this turn. Each is built in place, once. */
import mqttPacket from 'mqtt-packet'
import type { PublishHeader } from '../../core/ports/packet-outlet.ts'
import type { Publication } from '../../core/ports/publication.ts'
import { copyBytes } from './byte-copier.ts'
import type { Output } from './output.ts'
import { type Acknowledgement, PACKET, type ProtocolLevel } from './packet-type.ts'
import type { Fault } from './reason-code.ts'
import type { Grants } from './role.ts'

const MAX_REASON_STRING = 200 // characters of text; a client with a small Maximum Packet Size gets none
const RETRY_ROOM = 64 // of the user property
const REASON_ROOM = 1024 // what a packet with one may have at most: four bytes a character and the rest

const SUBSCRIPTION_IDENTIFIER = 0x0b
const TOPIC_ALIAS = 0x23

/** What we say in an exchange of extended authentication (§4.12). */
export interface AuthenticationAnswer {
  readonly method: string
  readonly data: Uint8Array | undefined
}

/** What a CONNACK of MQTT 5 tells about this server (§3.2.2.3); absent properties mean the standard's default. */
export interface ConnackFacts {
  readonly maximumPacketSize: number
  readonly receiveMaximum: number
  readonly topicAliasMaximum: number
  readonly grants: Grants
  readonly serverKeepAlive: number | undefined
  readonly authentication: AuthenticationAnswer | undefined
  readonly assignedClientIdentifier: string | undefined
  /** Said only where it is not what the client asked for (§3.2.2.3.2). */
  readonly sessionExpiryInterval: number | undefined
  /** Never beside a refusing code [MQTT-3.2.2-6]. */
  readonly sessionPresent: boolean
}

/** Of a CONNECT that is refused; MQTT 5 clients are told, where their Maximum Packet Size lets us. */
export interface Refusal {
  readonly reason: string
  /** Said as the user property `retry-after-ms`. */
  readonly retryAfterMs: number | undefined
}

/** False: larger than the client takes, so nothing was written [MQTT-3.1.2-24]. */
export function writeConnack(
  output: Output,
  level: ProtocolLevel,
  code: number,
  facts: ConnackFacts | undefined,
  refusal: Refusal | undefined,
  maximumPacketSize: number,
): boolean {
  if (level !== 5) {
    const at = output.reserve(4) // exactly four bytes (connect.md §3)
    const present = facts?.sessionPresent === true && level === 4 ? 0x0100 : 0 // 3.1 has no such flag
    output.buffer.writeUInt32BE(0x20_02_00_00 | present | code, at)
    return true
  }
  const properties = {
    ...reasonProperty(refusal?.reason, maximumPacketSize),
    ...retryProperty(refusal?.retryAfterMs, maximumPacketSize), // [MQTT-3.2.2-20]
    ...(facts === undefined
      ? {}
      : {
          ...grantProperties(facts.grants),
          ...authenticationProperties(facts.authentication),
          maximumPacketSize: facts.maximumPacketSize,
          receiveMaximum: facts.receiveMaximum,
          topicAliasMaximum: facts.topicAliasMaximum,
          ...(facts.serverKeepAlive === undefined
            ? {}
            : { serverKeepAlive: facts.serverKeepAlive }),
          ...(facts.assignedClientIdentifier === undefined
            ? {}
            : { assignedClientIdentifier: facts.assignedClientIdentifier }),
          ...(facts.sessionExpiryInterval === undefined
            ? {}
            : { sessionExpiryInterval: facts.sessionExpiryInterval }),
        }),
  }
  const sessionPresent = facts?.sessionPresent === true
  const packet = { cmd: 'connack' as const, reasonCode: code, sessionPresent, properties }
  const bytes = mqttPacket.generate(packet, { protocolVersion: 5 })
  if (bytes.length > maximumPacketSize) return false
  append(output, bytes)
  return true
}

/** False: larger than the client takes, so nothing was written. */
export function writeSuback(
  output: Output,
  level: ProtocolLevel,
  packetId: number,
  codes: readonly number[],
  reasonString: string | undefined,
  maximumPacketSize: number,
): boolean {
  if (level !== 5 || reasonString === undefined) {
    return writeCodes(output, 0x90, level, packetId, codes, maximumPacketSize)
  }
  const properties = reasonProperty(reasonString, maximumPacketSize)
  const packet = { cmd: 'suback' as const, messageId: packetId, granted: [...codes], properties }
  const bytes = mqttPacket.generate(packet, { protocolVersion: 5 })
  if (bytes.length > maximumPacketSize) return false
  append(output, bytes)
  return true
}

/** MQTT 3.x acknowledges without codes. False: larger than the client takes, so nothing was written. */
export function writeUnsuback(
  output: Output,
  level: ProtocolLevel,
  packetId: number,
  codes: readonly number[],
  maximumPacketSize: number,
): boolean {
  return writeCodes(output, 0xb0, level, packetId, level === 5 ? codes : [], maximumPacketSize)
}

const NAMES = {
  [PACKET.puback]: 'puback',
  [PACKET.pubrec]: 'pubrec',
  [PACKET.pubrel]: 'pubrel',
  [PACKET.pubcomp]: 'pubcomp',
} as const

/** PUBACK, PUBREC, PUBREL, PUBCOMP, each under the packet id of its PUBLISH [MQTT-2.2.1-5]. */
export function writeAcknowledgement(
  output: Output,
  type: Acknowledgement,
  level: ProtocolLevel,
  packetId: number,
  code: number,
  reasonString?: string,
  maximumPacketSize = 0,
): void {
  if (level === 5 && code !== 0 && reasonString !== undefined) {
    const properties = reasonProperty(reasonString, maximumPacketSize)
    const packet = { cmd: NAMES[type], messageId: packetId, reasonCode: code, properties }
    append(output, mqttPacket.generate(packet, { protocolVersion: 5 }))
    return
  }
  const long = level === 5 && code !== 0 // a bare packet id means success (§3.4.2.1)
  const at = output.reserve(long ? 5 : 4)
  const { buffer } = output
  buffer[at] = (type << 4) | (type === PACKET.pubrel ? 2 : 0) // [MQTT-3.6.1-1]
  buffer[at + 1] = long ? 3 : 2
  buffer[at + 2] = packetId >> 8
  buffer[at + 3] = packetId & 0xff
  if (long) buffer[at + 4] = code
}

/** Successful PUBACKs of one read, all in one piece. */
export function writePubacks(output: Output, packetIds: Uint16Array, count: number): void {
  let at = output.reserve(count * 4)
  const { buffer } = output
  for (let i = 0; i < count; i++) {
    const packetId = packetIds[i] as number
    buffer[at++] = 0x40
    buffer[at++] = 2
    buffer[at++] = packetId >> 8
    buffer[at++] = packetId & 0xff
  }
}

export function writePingresp(output: Output): void {
  const at = output.reserve(2)
  output.buffer[at] = 0xd0
  output.buffer[at + 1] = 0
}

/**
 * False: larger than the client takes, so nothing was written.
 *
 * @param code  0x18 asks the client to go on; 0 ends a renewal
 */
export function writeAuth(
  output: Output,
  code: number,
  answer: AuthenticationAnswer,
  maximumPacketSize: number,
): boolean {
  const properties = authenticationProperties(answer)
  const packet = { cmd: 'auth' as const, reasonCode: code, properties }
  const bytes = mqttPacket.generate(packet, { protocolVersion: 5 })
  if (bytes.length > maximumPacketSize) return false
  append(output, bytes)
  return true
}

/** Only MQTT 5 servers say goodbye; a 3.x client sees the close alone. It has no Session Expiry [MQTT-3.14.2-2]. */
export function writeDisconnect(
  output: Output,
  level: ProtocolLevel,
  fault: Fault,
  maximumPacketSize: number,
): void {
  if (level !== 5) return
  const packet = {
    cmd: 'disconnect' as const,
    reasonCode: fault.code,
    properties: reasonProperty(fault.message, maximumPacketSize),
  }
  append(output, mqttPacket.generate(packet, { protocolVersion: 5 }))
}

/** Bytes of the whole packet that `writePublish` would write. */
export function publishBytes(
  level: ProtocolLevel,
  p: Publication,
  header: PublishHeader,
  alias: number,
): number {
  const remaining = remainingBytes(level, p, header, alias)
  return 1 + varintBytes(remaining) + remaining
}

/**
 * A PUBLISH from a publication. Properties reach MQTT 5 clients only. Returns where it begins.
 *
 * @param alias  0: none; below 0: its topic goes with it, since the client does not know it yet
 */
export function writePublish(
  output: Output,
  level: ProtocolLevel,
  p: Publication,
  header: PublishHeader,
  alias: number,
): number {
  const { qos, packetId } = header
  const remaining = remainingBytes(level, p, header, alias)
  const start = output.reserve(1 + varintBytes(remaining) + remaining)
  let at = start
  const { buffer } = output
  buffer[at++] = 0x30 | (header.dup ? 8 : 0) | (qos << 1) | (header.retain ? 1 : 0)
  at = writeVarint(buffer, at, remaining)
  const topicBytes = alias > 0 ? 0 : p.topicEnd - p.topicStart
  buffer[at++] = topicBytes >> 8
  buffer[at++] = topicBytes & 0xff
  at = copyBytes(buffer, at, p.buffer, p.topicStart, p.topicStart + topicBytes)
  if (qos > 0) {
    // [MQTT-2.2.1-2]
    buffer[at++] = packetId >> 8
    buffer[at++] = packetId & 0xff
  }
  if (level === 5) {
    const { propertiesStart, propertiesEnd } = p
    const ours = ownPropertyBytes(header, alias)
    at = writeVarint(buffer, at, ours + propertiesEnd - propertiesStart)
    if (ours > 0) at = writeOwnProperties(buffer, at, header, alias)
    at = copyBytes(buffer, at, p.buffer, propertiesStart, propertiesEnd)
  }
  copyBytes(buffer, at, p.buffer, p.payloadStart, p.payloadEnd)
  return start
}

function remainingBytes(
  level: ProtocolLevel,
  p: Publication,
  header: PublishHeader,
  alias: number,
): number {
  const topicBytes = alias > 0 ? 0 : p.topicEnd - p.topicStart
  const bytes = 2 + topicBytes + (header.qos > 0 ? 2 : 0) + p.payloadEnd - p.payloadStart
  if (level !== 5) return bytes
  const propertyBytes = ownPropertyBytes(header, alias) + p.propertiesEnd - p.propertiesStart
  return bytes + varintBytes(propertyBytes) + propertyBytes
}

/** Of the properties that we add: Topic Alias and Subscription Identifiers. */
function ownPropertyBytes({ identifiers }: PublishHeader, alias: number): number {
  let bytes = alias === 0 ? 0 : 3
  for (let i = 0; i < identifiers.length; i++) bytes += 1 + varintBytes(identifiers[i] as number)
  return bytes
}

function writeOwnProperties(
  buffer: Buffer,
  start: number,
  { identifiers }: PublishHeader,
  alias: number,
): number {
  let at = start
  if (alias !== 0) {
    const value = Math.abs(alias)
    buffer[at++] = TOPIC_ALIAS
    buffer[at++] = value >> 8
    buffer[at++] = value & 0xff
  }
  for (const identifier of identifiers) {
    buffer[at++] = SUBSCRIPTION_IDENTIFIER
    at = writeVarint(buffer, at, identifier)
  }
  return at
}

/** SUBACK and UNSUBACK, under the packet id of what they answer [MQTT-2.2.1-6] [MQTT-3.8.4-2] [MQTT-3.10.4-5]. */
function writeCodes(
  output: Output,
  first: number,
  level: ProtocolLevel,
  packetId: number,
  codes: readonly number[],
  maximumPacketSize: number,
): boolean {
  const remaining = 2 + (level === 5 ? 1 : 0) + codes.length
  const total = 1 + varintBytes(remaining) + remaining
  if (total > maximumPacketSize) return false
  let at = output.reserve(total)
  const { buffer } = output
  buffer[at++] = first
  at = writeVarint(buffer, at, remaining)
  buffer[at++] = packetId >> 8
  buffer[at++] = packetId & 0xff
  if (level === 5) buffer[at++] = 0 // no properties [MQTT-2.2.2-1]
  for (const code of codes) buffer[at++] = code
  return true
}

function varintBytes(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  return value < 0x20_0000 ? 3 : 4
}

function writeVarint(buffer: Buffer, at: number, value: number): number {
  let rest = value
  let next = at
  while (rest >= 0x80) {
    buffer[next++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  buffer[next++] = rest
  return next
}

function append(output: Output, bytes: Buffer): void {
  const at = output.reserve(bytes.length)
  bytes.copy(output.buffer, at)
}

function authenticationProperties(answer: AuthenticationAnswer | undefined): {
  readonly authenticationMethod?: string
  readonly authenticationData?: Buffer
} {
  if (answer === undefined) return {}
  const { method, data } = answer
  if (data === undefined) return { authenticationMethod: method }
  return { authenticationMethod: method, authenticationData: Buffer.from(data) }
}

/** What is not said has its default: granted [MQTT-3.2.2-9]; a Maximum QoS of 2 may not be said (§3.2.2.3.4). */
function grantProperties(grants: Grants): object {
  return {
    ...(grants.maximumQos === 2 ? {} : { maximumQoS: grants.maximumQos }),
    ...(grants.subscriptionIdentifiers ? {} : { subscriptionIdentifiersAvailable: false }),
    ...(grants.sharedSubscriptions ? {} : { sharedSubscriptionAvailable: false }),
  }
}

/**
 * Left out where it could make the packet too large for the client: CONNACK [MQTT-3.2.2-19], PUBACK [MQTT-3.4.2-2],
 * PUBREC [MQTT-3.5.2-2], PUBREL [MQTT-3.6.2-2], PUBCOMP [MQTT-3.7.2-2], SUBACK [MQTT-3.9.2-1], DISCONNECT
 * [MQTT-3.14.2-3].
 */
function retryProperty(
  ms: number | undefined,
  maximumPacketSize: number,
): { readonly userProperties?: Record<string, string> } {
  if (ms === undefined || maximumPacketSize < REASON_ROOM + RETRY_ROOM) return {}
  return { userProperties: { 'retry-after-ms': String(ms) } }
}

function reasonProperty(
  text: string | undefined,
  maximumPacketSize: number,
): { readonly reasonString?: string } {
  if (text === undefined || maximumPacketSize < REASON_ROOM) return {}
  const short = text.length > MAX_REASON_STRING
  return { reasonString: short ? `${text.slice(0, MAX_REASON_STRING - 1)}…` : text }
}
