/** The wire side of a session: turns borrowed publications into packets. The protocol room implements it. */
import type { Publication } from './publication.ts'

export interface PacketOutlet {
  /** True while the socket's backlog stands above its bound. */
  readonly congested: boolean
  /** Encodes into this turn's output; `packetId` 0 at QoS 0. Copies before it returns. */
  publish(publication: Publication, qos: 0 | 1, packetId: number): void
  /** The session cannot take more and may lose nothing: says so and closes. */
  overflow(): void
}
