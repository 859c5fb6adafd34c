/**
 * The messages of one connection, both ways: PUBLISH and its acknowledgements (§3.3 to §3.7, §4.3). Made when
 * the connection is accepted. Acknowledgements of one read are written together at its end, or before anything
 * that must not overtake them [MQTT-4.6.0-2].
 */
import { isUtf8 } from 'node:buffer'
import type { PublishHeader } from '../../core/ports/packet-outlet.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type { ConnectionSurroundings } from './connection-surroundings.ts'
import { FAULT } from './faults.ts'
import type { IncomingPublish } from './incoming-publish.ts'
import type { Transport } from './output.ts'
import { type Acknowledgement, PACKET, type ProtocolLevel } from './packet-type.ts'
import { publishBytes, writeAcknowledgement, writePubacks, writePublish } from './packet-writer.ts'
import { type Fault, REASON, REASON_TEXT, type ReasonCode } from './reason-code.ts'
import type { Role } from './role.ts'
import { isShareable } from './shared-frames.ts'
import { IncomingAliases, OutgoingAliases } from './topic-aliases.ts'

/** What a client said in CONNECT of the packets that it takes. */
export interface ClientBounds {
  /** Bytes of the largest packet (§3.1.2.11.4); infinite: it named none. */
  readonly packetBytes: number
  /** Topic Alias Maximum (§3.1.2.11.5). */
  readonly topicAliases: number
  /** It wants reason strings in acknowledgements (§3.1.2.11.7). */
  readonly problemInformation: boolean
}

export class MessageFlow {
  readonly role: Role
  readonly #around: ConnectionSurroundings
  readonly #transport: Transport
  readonly #level: ProtocolLevel
  readonly #client: ClientBounds
  // Each made when it is needed first.
  #incomingAliases: IncomingAliases | undefined = undefined
  #outgoingAliases: OutgoingAliases | undefined = undefined
  #ackCount = 0
  #closed = false

  constructor(
    role: Role,
    transport: Transport,
    level: ProtocolLevel,
    client: ClientBounds,
    around: ConnectionSurroundings,
  ) {
    this.role = role
    this.#transport = transport
    this.#level = level
    this.#client = client
    this.#around = around
  }

  /** Its client wants to know why something was refused. */
  get explains(): boolean {
    return this.#client.problemInformation
  }

  /** Nothing is written any more. */
  close(): void {
    this.#closed = true
    this.#ackCount = 0
  }

  /** Handles a packet of the types 3 to 7; returns what ends the connection, if anything does. */
  receive(
    type: number,
    buffer: Buffer,
    start: number,
    bodyStart: number,
    end: number,
  ): Fault | undefined {
    if (type !== PACKET.publish)
      return this.#receiveAcknowledgement(type, buffer, start, bodyStart, end)
    const { incoming } = this.#around
    const fault = incoming.read(buffer, start, bodyStart, end, this.#level)
    return fault ?? this.#receivePublish(incoming)
  }

  /** False: larger than the client takes [MQTT-3.1.2-24]. */
  send(publication: Publication, header: PublishHeader): boolean {
    if (this.#closed) return true
    const { packetBytes, topicAliases } = this.#client
    let alias = 0
    if (topicAliases > 0) {
      // [MQTT-3.1.2-27]
      const most = Math.min(topicAliases, this.#around.limits.topicAliases)
      this.#outgoingAliases ??= new OutgoingAliases(most)
      alias = this.#outgoingAliases.of(publication)
    }
    const bounded = packetBytes !== Number.POSITIVE_INFINITY
    if (bounded && publishBytes(this.#level, publication, header, alias) > packetBytes) {
      this.#around.counters.add('delivery.dropped', 'client-packet-size')
      return false
    }
    if (this.#ackCount > 0) this.writeAcknowledgements() // an answer must not overtake its PUBACK
    if (isShareable(publication, header, alias)) {
      const { frames } = this.#around
      const frame = frames.find(publication, this.#level, header)
      if (frame !== undefined) {
        this.#transport.share(frame)
      } else {
        const start = writePublish(this.#transport, this.#level, publication, header, 0)
        frames.keep(publication, this.#level, header, this.#transport.buffer, start)
      }
    } else {
      writePublish(this.#transport, this.#level, publication, header, alias)
    }
    if (alias < 0) this.#outgoingAliases?.learnt(publication, -alias)
    this.#around.traffic.sent += 1
    return true
  }

  /** The PUBREL of a message that was received on an earlier connection. */
  release(packetId: number): void {
    if (!this.#closed) this.#answer(PACKET.pubrel, packetId, true)
  }

  /** Call at the end of a read, and before anything that must not overtake an acknowledgement. */
  writeAcknowledgements(): void {
    const count = this.#ackCount
    if (count === 0) return
    this.#ackCount = 0
    writePubacks(this.#transport, this.#around.acks, count)
  }

  // ---- PUBLISH

  #receivePublish(incoming: IncomingPublish): Fault | undefined {
    const { counters, traffic, limits } = this.#around
    const { role } = this
    const { qos, packetId } = incoming
    if (qos > role.grants.maximumQos) return FAULT.qos // [MQTT-3.2.2-11]
    if (incoming.alias > 0) {
      this.#incomingAliases ??= new IncomingAliases(limits.topicAliases)
      const fault = this.#incomingAliases.resolve(incoming)
      if (fault !== undefined) return fault
    }
    if (incoming.retain && !role.retains) {
      counters.add('publish.retain-ignored')
      incoming.retain = false
    }
    traffic.received += 1
    if (qos === 2) {
      // At QoS 1 an id says nothing: whatever comes is new [MQTT-4.3.2-5].
      const arrival = role.session.arrived(packetId)
      if (arrival === 'excess') return FAULT.receiveMaximum // [MQTT-3.3.4-7]
      if (arrival === 'again') {
        this.#acknowledge(PACKET.pubrec, packetId, 0)
        return undefined
      }
    }
    const code = this.#hasTrueFormat(incoming)
      ? role.publish(incoming)
      : REASON.payloadFormatInvalid
    if (typeof code === 'object') return code
    if (this.#closed) return undefined // its own message has closed it
    // [MQTT-3.3.4-1]
    if (qos === 1)
      this.#acknowledge(PACKET.puback, packetId, code) // [MQTT-4.3.2-4]
    else if (qos === 2) this.#acknowledgeExact(packetId, code)
    role.answer()
    return undefined
  }

  /** A payload that says it is text is text (§3.3.2.3.2). */
  #hasTrueFormat({ textPayload, buffer, payloadStart, payloadEnd }: IncomingPublish): boolean {
    if (!textPayload || isUtf8(buffer.subarray(payloadStart, payloadEnd))) return true
    this.#around.counters.add('publish.refused', 'payload-format')
    return false
  }

  #acknowledgeExact(packetId: number, code: ReasonCode): void {
    // A refused message has no PUBREL to come [MQTT-4.3.3-9]; a client of MQTT 3.x knows no refusal and sends it.
    if (code >= 0x80 && this.#level === 5) this.role.session.released(packetId)
    this.#acknowledge(PACKET.pubrec, packetId, code) // [MQTT-4.3.3-8]
  }

  #acknowledge(type: Acknowledgement, packetId: number, code: number): void {
    if (type !== PACKET.puback || (code !== 0 && this.#level === 5)) {
      this.writeAcknowledgements()
      const why = this.#client.problemInformation ? REASON_TEXT.get(code) : undefined // [MQTT-3.1.2-29]
      const { packetBytes } = this.#client
      writeAcknowledgement(this.#transport, type, this.#level, packetId, code, why, packetBytes)
      return
    }
    const { acks } = this.#around
    acks[this.#ackCount++] = packetId
    if (this.#ackCount === acks.length) this.writeAcknowledgements()
  }

  // ---- acknowledgements

  #receiveAcknowledgement(
    type: number,
    buffer: Buffer,
    start: number,
    bodyStart: number,
    end: number,
  ): Fault | undefined {
    const { acknowledgement, counters } = this.#around
    const fault = acknowledgement.read(buffer, start, bodyStart, end, this.#level)
    if (fault !== undefined) return fault
    const { session } = this.role
    const { packetId, code } = acknowledgement
    switch (type) {
      case PACKET.puback:
        if (!session.acknowledged(packetId)) counters.add('acknowledgement.unexpected', 'puback')
        return undefined
      case PACKET.pubrec: {
        const known = session.received(packetId, code >= 0x80)
        if (!known) counters.add('acknowledgement.unexpected', 'pubrec')
        if (code < 0x80) this.#answer(PACKET.pubrel, packetId, known) // [MQTT-4.3.3-4]
        return undefined
      }
      case PACKET.pubrel:
        this.#answer(PACKET.pubcomp, packetId, session.released(packetId)) // [MQTT-4.3.3-11]
        return undefined
      default:
        if (!session.completed(packetId)) counters.add('acknowledgement.unexpected', 'pubcomp')
        return undefined
    }
  }

  /**
   * Always, so that the exchange ends on the other side, too, where we know nothing of it; whether its message has
   * expired since plays no part [MQTT-4.3.3-13].
   */
  #answer(type: Acknowledgement, packetId: number, known: boolean): void {
    this.#acknowledge(type, packetId, known ? REASON.success : REASON.packetIdentifierNotFound)
  }
}
