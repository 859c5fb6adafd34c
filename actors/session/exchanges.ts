/**
 * The two ends of QoS 2 in one session, by packet id (MQTT 5.0 §4.3.3). Made when the first message of
 * QoS 2 is sent or comes. Bounds: what is out is within the inflight window; what came is within the Receive
 * Maximum that we granted.
 *
 *   out:  PUBLISH → `sent` ─ PUBREC → `received`, PUBREL → ─ PUBCOMP → done  [MQTT-4.3.3-3] [MQTT-4.3.3-5]
 *   in:   PUBLISH → `arrived`, PUBREC → ─ PUBREL → PUBCOMP → done
 */
import type { Arrival } from '../../core/ports/client-session.ts'

export class Exchanges {
  readonly #sent = new Set<number>()
  readonly #received = new Set<number>()
  readonly #arrived = new Set<number>()

  // ---- messages that we send

  sending(packetId: number): void {
    this.#sent.add(packetId)
  }

  /** A PUBREC is due, or a PUBCOMP: the id belongs to no message of QoS 1. */
  isOut(packetId: number): boolean {
    return this.#sent.has(packetId) || this.#received.has(packetId)
  }

  /** PUBREC: from here on it is never sent again. A second one is answered as the first. */
  receive(packetId: number): boolean {
    if (this.#sent.delete(packetId)) this.#received.add(packetId)
    return this.#received.has(packetId)
  }

  /** PUBREC with a reason of 0x80 or above ends the exchange [MQTT-4.4.0-2]. */
  giveUp(packetId: number): boolean {
    return this.#sent.delete(packetId)
  }

  /** PUBCOMP. */
  complete(packetId: number): boolean {
    return this.#received.delete(packetId)
  }

  // ---- messages that come

  arrive(packetId: number, bound: number): Arrival {
    if (this.#arrived.has(packetId)) return 'again'
    if (this.#arrived.size >= bound) return 'excess'
    this.#arrived.add(packetId)
    return 'first'
  }

  release(packetId: number): boolean {
    return this.#arrived.delete(packetId)
  }
}
