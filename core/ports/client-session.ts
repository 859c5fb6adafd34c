/** A session as its connection uses it. The actors room implements it. */
import type { PacketOutlet } from './packet-outlet.ts'
import type { Subscriber } from './relay.ts'

export interface ClientSession extends Subscriber {
  /** PUBACK came. False: no message is out under this packet id. */
  acknowledged(packetId: number): boolean
  /** The socket has room again. */
  drain(): void
  /** The connection is over: nothing is delivered any more, and what waited is let go. */
  closed(): void
}

/** `receiveMaximum`: the client's own bound of unacknowledged QoS 1 messages (MQTT 5.0 §3.1.2.11.3). */
export type SessionMaker = (outlet: PacketOutlet, receiveMaximum: number) => ClientSession
