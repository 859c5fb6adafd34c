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
    const pingEvery = pings ? Math.max(1, window / 2) : 0
    this.#window = window
    this.#chunk = pings ? pingEvery : chunk
    this.#acks = qos === 1 || pings
    this.#returns = returns === 'delivery' || returns === 'reply'
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

  /** Messages that the window takes; of one with nothing to come back, all of it. */
  get room(): number {
    return this.#window - this.outstanding
  }

  /** Fills the window, in one write, once a chunk fits into it. */
  fill(): void {
    const room = this.room
    if (room >= this.#chunk) this.send(room - (room % this.ackWorth))
  }

  /** @param count  at most the window */
  send(count: number): void {
    this.client?.write(this.#ring.slice(this.sent, count))
    this.sent += count
  }

  /** One message that carries `dueMs`; its payload has at least the bytes of a stamp. */
  sendStamped(dueMs: number): void {
    this.#ring.stamp(this.sent, dueMs)
    this.send(1)
  }
}
