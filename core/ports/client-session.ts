/** A session as its connection uses it. The actors room implements it. */
import type { MessageSource } from './message-source.ts'
import type { PacketOutlet } from './packet-outlet.ts'
import type { Publication } from './publication.ts'
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
  /** CONNACK has left: what waits for the client may follow. */
  opened(): void
  /** The connection is over: nothing is delivered any more. What waited is let go, or goes on waiting. */
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

/** What an application client asks for. */
export interface LastingTerms extends SessionTerms {
  /** Nothing of an earlier session is wanted [MQTT-3.1.2-4]. */
  readonly cleanStart: boolean
  /** Seconds that it is to outlive its connection, as granted; 0xffffffff: for ever. */
  readonly expirySec: number
  /** Kept with the session, until it is due or forgone. */
  readonly will: DelayedWill | undefined
}

interface DelayedWill {
  readonly message: Publication
  readonly delaySec: number
}

/** How a connection ends, for a session that outlives it. */
export interface SessionEnding {
  /** Its expiry from now on: a DISCONNECT may change it (§3.14.2.2.2). */
  readonly expirySec: number
  /** The Will is to be published, when its delay is over. */
  readonly will: boolean
}

export type OpenedSession =
  | {
      readonly kind: 'opened'
      readonly session: ClientSession
      /** Of one that outlives its connection; call it in place of `closed`. */
      readonly lasting: LastingHold | undefined
      /** There was one: CONNACK says it [MQTT-3.2.2-2] [MQTT-3.2.2-3]. */
      readonly present: boolean
    }
  /** `limits.sessions` are there. */
  | { readonly kind: 'too-many' }

/** A connection's hold of a session that outlives it. */
export interface LastingHold {
  /** The filters that it is subscribed to. */
  filters(): Iterable<string>
  close(ending: SessionEnding): void
}

/** The sessions of application clients. */
export interface SessionHost {
  /** The client identifier is claimed: makes its session, or goes on with the one that there is. */
  open(name: string, outlet: PacketOutlet, terms: LastingTerms): OpenedSession
}
