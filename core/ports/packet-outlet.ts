/** The wire side of a session: turns borrowed publications into packets. The protocol room implements it. */
import type { Qos } from '../domain/qos.ts'
import type { Publication } from './publication.ts'

/** What a PUBLISH says beside its message. One object per session, filled for each: nobody keeps it. */
export interface PublishHeader {
  readonly qos: Qos
  readonly retain: boolean
  /** The packet was sent before, whatever its publisher said of its own [MQTT-3.3.1-3]. */
  readonly dup: boolean
  /** 0 at QoS 0. */
  readonly packetId: number
  /** Subscription Identifiers. */
  readonly identifiers: readonly number[]
}

export interface PacketOutlet {
  /** True while the socket's backlog stands above its bound. */
  readonly congested: boolean
  /** Encodes into this turn's output; copies before it returns. False: larger than the client takes. */
  publish(publication: Publication, header: PublishHeader): boolean
  /** Sends the PUBREL of a message that was received on an earlier connection. */
  release(packetId: number): void
  /** The session cannot take more and may lose nothing: says so and closes. */
  overflow(): void
}
