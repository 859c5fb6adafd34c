/**
 * One run of load against one server: connect all, warm up, measure, stop, drain. Runs alone in the
 * generator's process. Closed loop: every publisher keeps at most a window in flight, so the server
 * is never asked for more than it gives, and a lost message shows as one that never came back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { readUsage } from '../process-usage.ts'
import { Client } from './client.ts'
import type { Job, LoadResult } from './job.ts'
import { Publisher } from './publisher.ts'

/** Sockets that connect at a time: below every server's listen backlog. */
const CONNECTING = 64
const SETTLE_MS = 100
/** How long the last messages may take to come back. */
const DRAIN_MS = 2000
const MAX_REASONS = 5

export class Load {
  readonly #job: Job
  readonly #publishers: Publisher[]
  readonly #clients: Client[] = []
  readonly #reasons: string[] = []
  #failures = 0
  #due: Publisher[] = [] // may have room for a chunk; looked at once per event-loop turn
  #sending = false

  constructor(job: Job) {
    this.#job = job
    const payloads = job.payloads.map((payload) => Buffer.from(payload))
    this.#publishers = job.publishers.map((one) => new Publisher(one.topic, payloads, job))
    for (const [i, publisher] of this.#publishers.entries()) this.#addClients(i, publisher)
  }

  async run(): Promise<LoadResult> {
    const { warmSec, seconds } = this.#job
    try {
      await this.#connectAll()
      if (this.#failures > 0) return this.#result(this.#sample(), this.#sample())
      await sleep(SETTLE_MS)
      this.#sending = true
      for (const publisher of this.#publishers) this.#touch(publisher)
      await sleep(warmSec * 1000)
      const from = this.#sample()
      await sleep(seconds * 1000)
      const to = this.#sample()
      this.#sending = false
      await this.#drain()
      return this.#result(from, to)
    } finally {
      for (const client of this.#clients) client.close()
    }
  }

  #addClients(index: number, publisher: Publisher): void {
    const { host, port, qos, returns, publishers, subscribers } = this.#job
    const lost = (reason: string): void => this.#failed(reason)
    const delivered = (count: number): void => {
      publisher.delivered += count
      this.#touch(publisher)
    }
    const acknowledged = (count: number): void => {
      publisher.acknowledged += count * publisher.ackWorth
      this.#touch(publisher)
    }
    const unasked = (): void => this.#failed('a message that was not asked for')
    const own = { delivered: returns === 'reply' ? delivered : unasked, acknowledged, lost }
    const login = publishers[index]?.login ?? { clientId: '' }
    publisher.client = new Client({ host, port, qos, login, filter: undefined }, own)
    this.#clients.push(publisher.client)
    const partner = subscribers[index]
    if (partner === undefined) return
    const theirs = { delivered, acknowledged: unasked, lost }
    this.#clients.push(new Client({ host, port, qos, ...partner }, theirs))
  }

  async #connectAll(): Promise<void> {
    let next = 0
    const lane = async (): Promise<void> => {
      for (let client = this.#clients[next++]; client; client = this.#clients[next++]) {
        if (this.#failures > 0) return
        await client.open().catch((error: unknown) => this.#failed(String(error)))
      }
    }
    await Promise.all(Array.from({ length: CONNECTING }, lane))
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

  #failed(reason: string): void {
    this.#failures += 1
    if (this.#reasons.length < MAX_REASONS && !this.#reasons.includes(reason)) {
      this.#reasons.push(reason)
    }
  }

  #sample(): Sample {
    const { serverPid, clockTicks } = this.#job
    const self = process.cpuUsage()
    return {
      at: performance.now(),
      sent: sum(this.#publishers, (one) => one.sent),
      delivered: sum(this.#publishers, (one) => one.delivered),
      generatorCpuSec: (self.user + self.system) / 1e6,
      server: clockTicks === undefined ? undefined : readUsage(serverPid, clockTicks),
    }
  }

  #result(from: Sample, to: Sample): LoadResult {
    const known = from.server !== undefined && to.server !== undefined
    return {
      seconds: (to.at - from.at) / 1000,
      published: to.sent - from.sent,
      delivered: to.delivered - from.delivered,
      unacknowledged: sum(this.#publishers, (one) => one.unacknowledged),
      undelivered: sum(this.#publishers, (one) => one.undelivered),
      failures: this.#failures,
      reasons: this.#reasons,
      generatorCpuSec: to.generatorCpuSec - from.generatorCpuSec,
      ...(known && { serverCpuSec: to.server.cpuSec - from.server.cpuSec }),
      ...(known && { serverRssKib: to.server.rssKib }),
    }
  }
}

interface Sample {
  /** Milliseconds of the monotonic clock. */
  readonly at: number
  readonly sent: number
  readonly delivered: number
  readonly generatorCpuSec: number
  readonly server: { readonly cpuSec: number; readonly rssKib: number } | undefined
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
