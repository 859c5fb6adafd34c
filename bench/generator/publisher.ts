/** The books of one publisher: what it sent, what came back, and whether a chunk fits its window. */
import type { Client } from './client.ts'
import { FrameRing } from './frame-ring.ts'
import type { MessageJob } from './job.ts'

export class Publisher {
  /** Given by the load before anything is sent. */
  client: Client | undefined
  /** Listed to be looked at in this turn. */
  due = false
  sent = 0
  acknowledged = 0
  delivered = 0
  /**
   * Messages that one acknowledgement stands for. Where neither PUBACK nor delivery comes back
   * (QoS 0, nobody subscribed) a PINGREQ behind every half window asks whether the server got there.
   */
  readonly ackWorth: number
  readonly #ring: FrameRing
  readonly #window: number
  readonly #chunk: number
  readonly #acks: boolean
  readonly #returns: boolean

  constructor(topic: string, payloads: readonly Buffer[], job: MessageJob) {
    const { qos, window, chunk, returns } = job
    const pings = qos === 0 && returns === 'nothing'
    const pingEvery = pings ? window / 2 : 0
    this.#window = window
    this.#chunk = pings ? pingEvery : chunk
    this.#acks = qos === 1 || pings
    this.#returns = returns !== 'nothing'
    this.ackWorth = pings ? pingEvery : 1
    this.#ring = new FrameRing({ topic, payloads, qos, window, pingEvery })
  }

  get unacknowledged(): number {
    return this.#acks ? this.sent - this.acknowledged : 0
  }

  get undelivered(): number {
    return this.#returns ? this.sent - this.delivered : 0
  }

  get outstanding(): number {
    return Math.max(this.unacknowledged, this.undelivered)
  }

  /** Fills the window, in one write, once a chunk fits into it. */
  send(): void {
    const room = this.#window - this.outstanding
    if (room < this.#chunk) return
    const count = room - (room % this.ackWorth)
    this.client?.write(this.#ring.slice(this.sent, count))
    this.sent += count
  }
}
