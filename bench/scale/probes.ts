/**
 * Publishers with a subscriber each, at a steady rate whatever the server does (QoS 1): when each message was sent,
 * acknowledged and delivered. Open loop, so a stall meets all messages that were due in it.
 */
import { Client } from '../generator/client.ts'
import { Failures } from '../generator/failures.ts'
import { FrameRing } from '../generator/frame-ring.ts'
import { openAll } from '../generator/open-all.ts'
import type { Latency, ProbeFigures } from './retained-job.ts'

const WINDOW = 4096 // unacknowledged messages of a probe: a stall of many seconds
const TICK_MS = 1

export interface ProbesOptions {
  readonly host: string
  readonly port: number
  readonly count: number
  /** Messages a second, of all. */
  readonly rate: number
}

export class Probes {
  readonly failures: Failures = new Failures()
  readonly #options: ProbesOptions
  readonly #probes: Probe[]
  #timer: NodeJS.Timeout | undefined
  #startedAt = 0
  #sent = 0
  #ownLagMs = 0

  constructor(options: ProbesOptions) {
    this.#options = options
    this.#probes = Array.from(
      { length: options.count },
      (_, i) => new Probe(i, options, this.failures),
    )
  }

  async start(): Promise<void> {
    await openAll(
      this.#probes.flatMap(({ clients }) => clients),
      this.failures,
    )
    this.#startedAt = performance.now()
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  /** Resolves with what was sent since the call before, once all of it has come back or `waitMs` are over. */
  async take(waitMs: number): Promise<ProbeFigures> {
    clearInterval(this.#timer)
    const end = performance.now() + waitMs
    while (this.#probes.some(({ outstanding }) => outstanding > 0) && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const missing = this.#probes.reduce((sum, { outstanding }) => sum + outstanding, 0)
    if (missing > 0) this.failures.add(`${missing} acknowledgements or deliveries did not come`)
    const taken = {
      acknowledged: latencyOf(this.#probes.flatMap(({ acknowledged }) => acknowledged.take())),
      delivered: latencyOf(this.#probes.flatMap(({ delivered }) => delivered.take())),
      ownLagMs: this.#ownLagMs,
    }
    this.#ownLagMs = 0
    this.#sent = 0
    this.#startedAt = performance.now()
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
    return taken
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const { clients } of this.#probes) for (const client of clients) client.close()
  }

  #tick(): void {
    const now = performance.now()
    const due = Math.floor(((now - this.#startedAt) * this.#options.rate) / 1000)
    if (due <= this.#sent) return
    const dueAt = this.#startedAt + ((this.#sent + 1) * 1000) / this.#options.rate
    this.#ownLagMs = Math.max(this.#ownLagMs, now - dueAt)
    for (; this.#sent < due; this.#sent++) {
      this.#probes[this.#sent % this.#probes.length]?.send(now)
    }
  }
}

class Probe {
  readonly clients: readonly Client[]
  readonly acknowledged = new Waiting()
  readonly delivered = new Waiting()
  readonly #publisher: Client
  readonly #ring: FrameRing
  readonly #failures: Failures
  #sent = 0

  constructor(index: number, { host, port }: ProbesOptions, failures: Failures) {
    const topic = `probe/${index}`
    const payloads = [Buffer.alloc(64, 'x')]
    this.#failures = failures
    this.#ring = new FrameRing({ topic, payloads, qos: 1, window: WINDOW, pingEvery: 0 })
    const lost = (reason: string): void => failures.add(reason)
    const unasked = (): void => failures.add('a packet that was not asked for')
    const to = { host, port, qos: 1 } as const
    this.#publisher = new Client(
      { ...to, login: { clientId: `probe-${index}` }, filters: [] },
      { delivered: unasked, acknowledged: (count) => this.acknowledged.come(count), lost },
    )
    const subscriber = new Client(
      { ...to, login: { clientId: `probe-subscriber-${index}` }, filters: [topic] },
      { delivered: (count) => this.delivered.come(count), acknowledged: unasked, lost },
    )
    this.clients = [this.#publisher, subscriber]
  }

  get outstanding(): number {
    return this.acknowledged.size + this.delivered.size
  }

  send(now: number): void {
    if (Math.max(this.acknowledged.size, this.delivered.size) >= WINDOW) {
      this.#failures.add('a probe waited for more messages than its window has')
      return
    }
    this.acknowledged.go(now)
    this.delivered.go(now)
    this.#publisher.write(this.#ring.slice(this.#sent++, 1))
  }
}

/** When messages left that have not come back: they do in order [MQTT-4.6.0-2] [MQTT-4.6.0-6]. */
class Waiting {
  #sentAt: number[] = []
  #head = 0
  #latencies: number[] = []

  get size(): number {
    return this.#sentAt.length - this.#head
  }

  go(now: number): void {
    this.#sentAt.push(now)
  }

  come(count: number): void {
    const now = performance.now()
    for (let i = 0; i < count; i++)
      this.#latencies.push(now - (this.#sentAt[this.#head++] as number))
    if (this.size > 0) return
    this.#sentAt = []
    this.#head = 0
  }

  take(): number[] {
    return this.#latencies.splice(0)
  }
}

function latencyOf(values: number[]): Latency {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) }
}
