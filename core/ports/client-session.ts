/** A session as its connection uses it. The actors room implements it. */
import type { MessageSource } from './message-source.ts'
import type { PacketOutlet } from './packet-outlet.ts'
import type { DeliveryTerms, Subscriber } from './relay.ts'

/** A PUBLISH at QoS 2 by its packet id (MQTT 5.0 §4.3.3). */
export type Arrival =
  /** Deliver it. */
  | 'first'
  /** It came before, and its PUBREL has not: only PUBREC is due [MQTT-4.3.3-10]. */
  | 'again'
  /** More are open than we granted (Receive Maximum). */
  | 'excess'

export interface ClientSession extends Subscriber {
  /** PUBACK came. False: no message is out under this packet id. */
  acknowledged(packetId: number): boolean
  /** PUBREC came; `refused`: with a reason code of 0x80 or above. False: no message of QoS 2 is out under this id. */
  received(packetId: number, refused: boolean): boolean
  /** PUBCOMP came. False: none is due. */
  completed(packetId: number): boolean
  /** A PUBLISH at QoS 2 came. */
  arrived(packetId: number): Arrival
  /** PUBREL came, or the message was refused: the packet id is free [MQTT-4.3.3-12]. False: it was not in use. */
  released(packetId: number): boolean
  /** Sends what the source has as there is room for it, behind what waits; marked: [MQTT-3.3.1-8] of 3.1.1. */
  replay(source: MessageSource, terms: DeliveryTerms): void
  /** The socket has room again. */
  drain(): void
  /** The connection is over: nothing is delivered any more, and what waited is let go. */
  closed(): void
}

/** What CONNECT and its listener say of a session. */
export interface SessionTerms {
  /** The client's bound of unacknowledged messages of QoS 1 and 2 (MQTT 5.0 §3.1.2.11.3). */
  readonly receiveMaximum: number
  /** Ours (§3.2.2.3.3): of messages of QoS 2 whose PUBREL has not come. */
  readonly arrivals: number
}

export type SessionMaker = (outlet: PacketOutlet, terms: SessionTerms) => ClientSession
