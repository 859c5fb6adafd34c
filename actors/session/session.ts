/**
 * What one client hears, device or application: its filters, its inflight window, its queue. Lives as long
 * as its connection: a client that asked for a lasting session is told session present 0.
 *
 * At the bounds: QoS 0 to a congested socket is dropped and counted; QoS 1 waits in the queue; a full
 * queue ends the connection (`overflow`), because nothing sent at QoS 1 may be lost silently.
 */

import type { ClientSession } from '../../core/ports/client-session.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { PacketOutlet } from '../../core/ports/packet-outlet.ts'
import type { Publication } from '../../core/ports/publication.ts'
import { InflightWindow } from './inflight-window.ts'
import { KeptQueue, type QueueBounds } from './kept-queue.ts'

export interface SessionBounds {
  /** Unacknowledged QoS 1 messages: ours, or the client's Receive Maximum where that is lower. */
  readonly inflight: number
  readonly queue: QueueBounds
}

export class Session implements ClientSession {
  readonly #outlet: PacketOutlet
  readonly #counters: Counters
  readonly #bounds: SessionBounds
  #window: InflightWindow | undefined = undefined // made when the first QoS 1 message is sent
  #queue: KeptQueue | undefined = undefined
  #draining = false
  #closed = false

  constructor(outlet: PacketOutlet, bounds: SessionBounds, counters: Counters) {
    this.#outlet = outlet
    this.#bounds = bounds
    this.#counters = counters
  }

  deliver(publication: Publication, qos: 0 | 1): void {
    if (this.#closed) return // a publish that is under way has matched it before it closed
    if (qos === 0) {
      if (this.#outlet.congested) this.#counters.add('delivery.dropped', 'slow-reader')
      else this.#outlet.publish(publication, 0, 0)
      return
    }
    this.#window ??= new InflightWindow(this.#bounds.inflight)
    const waiting = this.#queue !== undefined && this.#queue.size > 0
    if (!waiting && !this.#window.full && !this.#outlet.congested) {
      this.#outlet.publish(publication, 1, this.#window.take())
      return
    }
    this.#queue ??= new KeptQueue(this.#bounds.queue)
    if (!this.#queue.offer(publication)) this.#outlet.overflow()
  }

  acknowledged(packetId: number): boolean {
    if (this.#window?.release(packetId) !== true) return false
    if (this.#queue !== undefined && this.#queue.size > 0) this.drain()
    return true
  }

  drain(): void {
    const queue = this.#queue
    const window = this.#window
    if (queue === undefined || window === undefined || this.#draining) return
    this.#draining = true // the outlet may acknowledge at once what its client cannot take
    while (queue.size > 0 && !window.full && !this.#outlet.congested) {
      this.#outlet.publish(queue.take() as Publication, 1, window.take())
    }
    this.#draining = false
  }

  closed(): void {
    this.#closed = true
    this.#queue = undefined // a route that matched this session may be kept for long
  }
}
