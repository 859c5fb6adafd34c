/**
 * One run of load against one server: connect all, warm up, measure, stop, drain. Runs alone in the
 * generator's process. In a closed loop publishers keep at most a window in flight, so the server
 * is never asked for more than it gives; a lost message shows as one that never came back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type ClientEvents } from './client.ts'
import { type Crossings, readCrossings } from './crossings.ts'
import { Failures } from './failures.ts'
import type { LatencyResult, MessageJob, MessageResult } from './job.ts'
import { Latencies } from './latencies.ts'
import { openAll } from './open-all.ts'
import { OpenLoop } from './open-loop.ts'
import { OwnWindows } from './own-windows.ts'
import type { Pace } from './pace.ts'
import { PlacedConnections } from './placement.ts'
import { Pool } from './pool.ts'
import { Publisher } from './publisher.ts'
import { SharedWindow } from './shared-window.ts'
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
  readonly #pool: Pool | undefined
  readonly #latencies = new Latencies()
  readonly #lateness = new Latencies()
  readonly #pace: Pace

  constructor(job: MessageJob) {
    this.#job = job
    const payloads = job.payloads.map((payload) => Buffer.from(payload))
    this.#publishers = job.publishers.map((one) => new Publisher(one.topic, payloads, job))
    this.#pool = job.returns === 'copies' ? new Pool(job.copies ?? 1) : undefined
    this.#pace = this.#paceOf(job)
    for (const [i, publisher] of this.#publishers.entries()) this.#addPublisher(i, publisher)
    for (const i of job.subscribers.keys()) this.#addSubscriber(i)
  }

  async run(): Promise<MessageResult> {
    const { warmSec, seconds, api } = this.#job
    try {
      await this.#open()
      if (this.#failures.count > 0) return this.#result(this.#sample(), this.#sample())
      await sleep(SETTLE_MS)
      this.#pace.start()
      await sleep(warmSec * 1000)
      const before = await readCrossings(api)
      const from = this.#sample()
      this.#latencies.begin(from.at)
      this.#lateness.begin(from.at)
      await sleep(seconds * 1000)
      const to = this.#sample()
      this.#latencies.end(to.at)
      this.#pace.stop()
      await this.#drain()
      const after = await readCrossings(api)
      return { ...this.#result(from, to), ...crossingBetween(before, after) }
    } finally {
      for (const client of this.#clients) client.close()
    }
  }

  #paceOf(job: MessageJob): Pace {
    if (job.rate !== undefined) {
      return new OpenLoop(this.#publishers, job.rate, this.#lateness, this.#failures)
    }
    if (this.#pool !== undefined) return new SharedWindow(this.#publishers, this.#pool, job)
    return new OwnWindows(this.#publishers)
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

  #addPublisher(index: number, publisher: Publisher): void {
    const { host, port, qos, returns, publishers } = this.#job
    const own = this.#events(returns === 'reply' ? publisher : undefined, returns === 'reply')
    const acknowledged = (count: number): void => {
      publisher.acknowledged += count * publisher.ackWorth
      this.#pace.returned(publisher)
    }
    const login = publishers[index]?.login ?? { clientId: '' }
    const options = { host, port, qos, login, filters: [] }
    publisher.client = new Client(options, { ...own, acknowledged })
    this.#clients.push(publisher.client)
  }

  #addSubscriber(index: number): void {
    const { host, port, qos, subscribers } = this.#job
    const options = subscribers[index]
    if (options === undefined) return
    const publisher = this.#pool === undefined ? this.#publishers[index] : undefined
    const subscriber = new Client({ host, port, qos, ...options }, this.#events(publisher, true))
    this.#clients.push(subscriber)
    if (publisher?.client !== undefined) this.#pairs.push([publisher.client, subscriber])
  }

  /** @param publisher  whose messages come; `undefined`: those of any */
  #events(publisher: Publisher | undefined, expected: boolean): ClientEvents {
    const unasked = (): void => this.#failures.add('a message that was not asked for')
    const books = publisher ?? this.#pool
    const delivered = (count: number): void => {
      if (books !== undefined) books.delivered += count
      this.#pace.returned(publisher)
    }
    const arrived = (bytes: Buffer, at: number): void =>
      this.#latencies.record(bytes.readDoubleBE(at), performance.now())
    return {
      delivered: expected ? delivered : unasked,
      acknowledged: unasked,
      lost: (reason) => this.#failures.add(reason),
      ...(this.#job.rate !== undefined && expected && { arrived }),
    }
  }

  async #drain(): Promise<void> {
    const end = performance.now() + DRAIN_MS
    const outstanding = (): boolean => this.#undelivered() > 0 || this.#unacknowledged() > 0
    while (outstanding() && performance.now() < end) await sleep(20)
  }

  #sent(): number {
    return sum(this.#publishers, (one) => one.sent)
  }

  #delivered(): number {
    return this.#pool?.delivered ?? sum(this.#publishers, (one) => one.delivered)
  }

  #undelivered(): number {
    return this.#pool?.undelivered(this.#sent()) ?? sum(this.#publishers, (one) => one.undelivered)
  }

  #unacknowledged(): number {
    return sum(this.#publishers, (one) => one.unacknowledged)
  }

  #latencyUs(): LatencyResult {
    const [p50, p99] = [this.#latencies.percentileUs(50), this.#latencies.percentileUs(99)]
    return { p50, p99, lateP99: this.#lateness.percentileUs(99) }
  }

  #sample(): Sample {
    return { ...momentOf(this.#job), sent: this.#sent(), delivered: this.#delivered() }
  }

  #result(from: Sample, to: Sample): MessageResult {
    return {
      kind: 'message',
      ...usageBetween(from, to),
      published: to.sent - from.sent,
      delivered: to.delivered - from.delivered,
      unacknowledged: this.#unacknowledged(),
      undelivered: this.#undelivered(),
      failures: this.#failures.count,
      reasons: this.#failures.reasons,
      ...(this.#job.rate !== undefined && { latencyUs: this.#latencyUs() }),
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
