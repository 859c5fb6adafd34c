/**
 * The packets off the hot path, by mqtt-packet: one parser per shard and protocol level, fed whole frames. A parser
 * that has met an error is not used again.
 * What that library lets pass is checked here first, on the bytes: strings, properties, field bounds.
 */
import mqttPacket, {
  type IAuthPacket,
  type IConnectPacket,
  type IDisconnectPacket,
  type ISubscribePacket,
  type IUnsubscribePacket,
  type Packet,
} from 'mqtt-packet'
import { ByteCursor, WILL_PROPERTIES } from './byte-cursor.ts'
import { FAULT } from './faults.ts'
import { PACKET, type ProtocolLevel } from './packet-type.ts'
import { type Fault, REASON } from './reason-code.ts'

export type ControlPacket =
  | IAuthPacket
  | IConnectPacket
  | ISubscribePacket
  | IUnsubscribePacket
  | IDisconnectPacket

export type Parsed<P> =
  | { readonly kind: 'packet'; readonly packet: P }
  | { readonly kind: 'fault'; readonly fault: Fault }

export class ControlPackets {
  readonly #maxUserProperties: number
  readonly #parsers = new Map<number, mqttPacket.Parser>()
  #parsed: Packet | undefined = undefined
  #error: Error | undefined = undefined

  /** @param maxUserProperties  of one packet */
  constructor(maxUserProperties: number) {
    this.#maxUserProperties = maxUserProperties
  }

  /** A login may take longer than the read that the frame is borrowed from: the packet has a copy of its bytes. */
  connect(frame: Buffer, bodyStart: number): Parsed<IConnectPacket> {
    return this.#parse(0, Buffer.from(frame), connectFault(this.#cursor(frame, bodyStart)))
  }

  subscribe(frame: Buffer, bodyStart: number, level: ProtocolLevel): Parsed<ISubscribePacket> {
    return this.#parse(level, frame, subscribeFault(this.#cursor(frame, bodyStart), level, true))
  }

  unsubscribe(frame: Buffer, bodyStart: number, level: ProtocolLevel): Parsed<IUnsubscribePacket> {
    return this.#parse(level, frame, subscribeFault(this.#cursor(frame, bodyStart), level, false))
  }

  disconnect(frame: Buffer, bodyStart: number, level: ProtocolLevel): Parsed<IDisconnectPacket> {
    return this.#parse(level, frame, disconnectFault(this.#cursor(frame, bodyStart), level))
  }

  #cursor(frame: Buffer, bodyStart: number): ByteCursor {
    return new ByteCursor(frame, bodyStart, frame.length, this.#maxUserProperties)
  }

  /** MQTT 5 only. A copy, as of CONNECT. */
  auth(frame: Buffer, bodyStart: number): Parsed<IAuthPacket> {
    return this.#parse(5, Buffer.from(frame), authFault(this.#cursor(frame, bodyStart), frame))
  }

  /**
   * The library refuses flags of the fixed header that are not as they must be [MQTT-2.1.3-1] [MQTT-3.8.1-1]
   * [MQTT-3.10.1-1] [MQTT-3.14.1-1], flags of CONNECT [MQTT-3.1.2-3] [MQTT-3.1.2-11] [MQTT-3.1.2-13] and options of
   * SUBSCRIBE [MQTT-3.8.3-5], [MQTT-3.8.3-4] of 3.1.1.
   *
   * @param slot  the level; 0 for CONNECT, whose parser takes the level from the packet
   */
  #parse<P extends ControlPacket>(
    slot: number,
    frame: Buffer,
    known: Fault | undefined,
  ): Parsed<P> {
    if (known !== undefined) return { kind: 'fault', fault: known }
    this.#parsed = undefined
    this.#error = undefined
    this.#parser(slot).parse(frame)
    if (this.#error !== undefined || this.#parsed === undefined) {
      this.#parsers.delete(slot) // it would read the next client's packet from where it stopped in this one
      const message = (this.#error as Error | undefined)?.message ?? 'the packet is incomplete'
      const code = REASON.malformedPacket
      return { kind: 'fault', fault: { code, reason: 'malformed-packet', message } }
    }
    return { kind: 'packet', packet: this.#parsed as P }
  }

  #parser(slot: number): mqttPacket.Parser {
    let parser = this.#parsers.get(slot)
    if (parser === undefined) {
      parser = mqttPacket.parser(slot === 0 ? {} : { protocolVersion: slot })
      parser.on('packet', (packet: Packet) => {
        this.#parsed = packet
      })
      parser.on('error', (error: Error) => {
        this.#error = error
      })
      this.#parsers.set(slot, parser)
    }
    return parser
  }
}

/**
 * What the flags promise is there, and nothing else [MQTT-3.1.2-9] [MQTT-3.1.2-16] [MQTT-3.1.2-17]
 * [MQTT-3.1.2-18] [MQTT-3.1.2-19]; each text is UTF-8 [MQTT-3.1.3-4] [MQTT-3.1.3-11] [MQTT-3.1.3-12].
 */
function connectFault(cursor: ByteCursor): Fault | undefined {
  cursor.string()
  const level = cursor.byte()
  const flags = cursor.byte()
  if ((flags & 0x18) === 0x18) {
    cursor.fail(REASON.malformedPacket, 'will-qos-3', 'a Will with both QoS bits set') // [MQTT-3.1.2-12]
  }
  if (level === 4 && (flags & 0xc0) === 0x40) {
    // [MQTT-3.1.2-22] of 3.1.1; MQTT 5 allows it
    cursor.fail(REASON.malformedPacket, 'password-alone', 'a password without a user name')
  }
  cursor.skip(2) // keep alive
  if (level === 5) cursor.properties(PACKET.connect)
  cursor.string() // client identifier [MQTT-3.1.3-3]
  if ((flags & 0x04) !== 0) {
    if (level === 5) cursor.properties(WILL_PROPERTIES)
    cursor.string()
    cursor.binary()
  }
  if ((flags & 0x80) !== 0) cursor.string()
  if ((flags & 0x40) !== 0) cursor.binary()
  return atEnd(cursor)
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP, read in place; in MQTT 5 a reason code and properties may follow (§3.4.2). */
export class IncomingAcknowledgement {
  readonly #maxUserProperties: number
  packetId = 0
  /** 0x80 and above: the receiver has refused the message. */
  code = 0

  /** @param maxUserProperties  of one packet */
  constructor(maxUserProperties: number) {
    this.#maxUserProperties = maxUserProperties
  }

  read(
    buffer: Buffer,
    start: number,
    bodyStart: number,
    end: number,
    level: ProtocolLevel,
  ): Fault | undefined {
    const first = buffer[start] as number
    const type = first >> 4
    const flags = type === PACKET.pubrel ? 2 : 0 // [MQTT-2.1.3-1] [MQTT-3.6.1-1]
    if ((first & 15) !== flags || end - bodyStart < 2) return FAULT.malformedAcknowledgement
    this.packetId = ((buffer[bodyStart] as number) << 8) | (buffer[bodyStart + 1] as number)
    if (this.packetId === 0) return FAULT.zeroPacketId // no message has it: [MQTT-2.2.1-3] [MQTT-2.2.1-4]
    this.code = 0
    if (end - bodyStart === 2) return undefined
    const cursor = new ByteCursor(buffer, bodyStart + 2, end, this.#maxUserProperties)
    if (level === 5) {
      this.code = cursor.byte()
      if (!ACKNOWLEDGEMENT_CODES.get(type)?.includes(this.code)) return FAULT.acknowledgementCode
      if (!cursor.done) cursor.properties(type)
    }
    return atEnd(cursor)
  }
}

const RECEIVED = [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99] // of a message (§3.4.2.1, §3.5.2.1)
const RELEASED = [0, 0x92] // §3.6.2.1, §3.7.2.1

/** The reason codes that each may have [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1]. */
const ACKNOWLEDGEMENT_CODES: ReadonlyMap<number, readonly number[]> = new Map([
  [PACKET.puback, RECEIVED],
  [PACKET.pubrec, RECEIVED],
  [PACKET.pubrel, RELEASED],
  [PACKET.pubcomp, RELEASED],
])

function subscribeFault(
  cursor: ByteCursor,
  level: ProtocolLevel,
  options: boolean,
): Fault | undefined {
  if (cursor.two() === 0) cursor.fault ??= FAULT.zeroPacketId // [MQTT-2.2.1-3]
  if (level === 5) cursor.properties(options ? PACKET.subscribe : PACKET.unsubscribe)
  if (cursor.done) {
    cursor.fail(REASON.protocolError, 'no-filter', 'no topic filter') // [MQTT-3.8.3-2] [MQTT-3.10.3-2]
  }
  while (!cursor.done) {
    cursor.string() // [MQTT-3.8.3-1] [MQTT-3.10.3-1]
    if (options) subscriptionOptions(cursor, level)
  }
  return cursor.fault
}

/** QoS 3 and Retain Handling 3 are no malformed packet in MQTT 5, but a protocol error (§3.8.3.1). */
function subscriptionOptions(cursor: ByteCursor, level: ProtocolLevel): void {
  const options = cursor.byte()
  if (level === 5 && ((options & 0x03) === 0x03 || (options & 0x30) === 0x30)) {
    cursor.fail(REASON.protocolError, 'subscription-options', 'QoS 3 or Retain Handling 3')
  }
}

function disconnectFault(cursor: ByteCursor, level: ProtocolLevel): Fault | undefined {
  if (level === 5 && !cursor.done) {
    cursor.byte()
    if (!cursor.done) cursor.properties(PACKET.disconnect)
  }
  return atEnd(cursor)
}

function authFault(cursor: ByteCursor, frame: Buffer): Fault | undefined {
  if (((frame[0] as number) & 15) !== 0) return FAULT.malformedAuth // [MQTT-3.15.1-1]
  if (!cursor.done) {
    cursor.byte()
    if (!cursor.done) cursor.properties(PACKET.auth)
  }
  return atEnd(cursor)
}

function atEnd(cursor: ByteCursor): Fault | undefined {
  if (!cursor.done) {
    cursor.fail(REASON.malformedPacket, 'trailing-bytes', 'the packet is longer than its fields')
  }
  return cursor.fault
}
