/**
 * One run of load against one server: connect all, warm up, measure, stop, drain. Runs alone in the
 * generator's process. Closed loop: every publisher keeps at most a window in flight, so the server
 * is never asked for more than it gives, and a lost message shows as one that never came back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './client.ts'
import { type Crossings, readCrossings } from './crossings.ts'
import { Failures } from './failures.ts'
import type { MessageJob, MessageResult } from './job.ts'
import { openAll } from './open-all.ts'
import { PlacedConnections } from './placement.ts'
import { Publisher } from './publisher.ts'
import { type Moment, momentOf, usageBetween } from './usage.ts'

const SETTLE_MS = 100
/** How long the last messages may take to come back. */
const DRAIN_MS = 2000

export class Load {
  readonly #job: MessageJob
  readonly #publishers: Publisher[]
  readonly #clients: Client[] = []
  readonly #pairs: (readonly [publisher: Client, subscriber: Client])[] = []
  readonly #failures = new Failures()
  #due: Publisher[] = [] // may have room for a chunk; looked at once per event-loop turn
  #sending = false

  constructor(job: MessageJob) {
    this.#job = job
    const payloads = job.payloads.map((payload) => Buffer.from(payload))
    this.#publishers = job.publishers.map((one) => new Publisher(one.topic, payloads, job))
    for (const [i, publisher] of this.#publishers.entries()) this.#addClients(i, publisher)
  }

  async run(): Promise<MessageResult> {
    const { warmSec, seconds, api } = this.#job
    try {
      await this.#open()
      if (this.#failures.count > 0) return this.#result(this.#sample(), this.#sample())
      await sleep(SETTLE_MS)
      this.#sending = true
      for (const publisher of this.#publishers) this.#touch(publisher)
      await sleep(warmSec * 1000)
      const before = await readCrossings(api)
      const from = this.#sample()
      await sleep(seconds * 1000)
      const to = this.#sample()
      this.#sending = false
      await this.#drain()
      const after = await readCrossings(api)
      return { ...this.#result(from, to), ...crossingBetween(before, after) }
    } finally {
      for (const client of this.#clients) client.close()
    }
  }

  async #open(): Promise<void> {
    const { placement, api } = this.#job
    if (placement === undefined || api === undefined) {
      await openAll(this.#clients, this.#failures)
      return
    }
    const placed = new PlacedConnections(api)
    try {
      for (const [publisher, subscriber] of this.#pairs) {
        await placed.openPair(publisher, subscriber, placement)
      }
    } catch (error) {
      this.#failures.add(String(error))
    }
  }

  #addClients(index: number, publisher: Publisher): void {
    const { host, port, qos, returns, publishers, subscribers } = this.#job
    const lost = (reason: string): void => this.#failures.add(reason)
    const delivered = (count: number): void => {
      publisher.delivered += count
      this.#touch(publisher)
    }
    const acknowledged = (count: number): void => {
      publisher.acknowledged += count * publisher.ackWorth
      this.#touch(publisher)
    }
    const unasked = (): void => this.#failures.add('a message that was not asked for')
    const own = { delivered: returns === 'reply' ? delivered : unasked, acknowledged, lost }
    const login = publishers[index]?.login ?? { clientId: '' }
    publisher.client = new Client({ host, port, qos, login, filter: undefined }, own)
    this.#clients.push(publisher.client)
    const partner = subscribers[index]
    if (partner === undefined) return
    const theirs = { delivered, acknowledged: unasked, lost }
    const subscriber = new Client({ host, port, qos, ...partner }, theirs)
    this.#clients.push(subscriber)
    this.#pairs.push([publisher.client, subscriber])
  }

  #touch(publisher: Publisher): void {
    if (publisher.due || !this.#sending) return
    publisher.due = true
    if (this.#due.push(publisher) === 1) setImmediate(this.#send)
  }

  readonly #send = (): void => {
    const due = this.#due
    this.#due = []
    for (const publisher of due) {
      publisher.due = false
      if (this.#sending) publisher.send()
    }
  }

  async #drain(): Promise<void> {
    const end = performance.now() + DRAIN_MS
    const outstanding = (one: Publisher): boolean => one.outstanding > 0
    while (this.#publishers.some(outstanding) && performance.now() < end) await sleep(20)
  }

  #sample(): Sample {
    return {
      ...momentOf(this.#job),
      sent: sum(this.#publishers, (one) => one.sent),
      delivered: sum(this.#publishers, (one) => one.delivered),
    }
  }

  #result(from: Sample, to: Sample): MessageResult {
    return {
      kind: 'message',
      ...usageBetween(from, to),
      published: to.sent - from.sent,
      delivered: to.delivered - from.delivered,
      unacknowledged: sum(this.#publishers, (one) => one.unacknowledged),
      undelivered: sum(this.#publishers, (one) => one.undelivered),
      failures: this.#failures.count,
      reasons: this.#failures.reasons,
    }
  }
}

interface Sample extends Moment {
  readonly sent: number
  readonly delivered: number
}

/** Per PUBLISH packet received, from within the warm-up to the end of the drain. */
function crossingBetween(
  before: Crossings | undefined,
  after: Crossings | undefined,
): Pick<MessageResult, 'crossing'> {
  if (before === undefined || after === undefined) return {}
  const received = after.received - before.received
  return received > 0 ? { crossing: (after.crossed - before.crossed) / received } : {}
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
