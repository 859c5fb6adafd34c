/**
 * All clients connect, as after a break of the network: TCP connect, CONNECT, CONNACK, one SUBSCRIBE,
 * SUBACK, and stay. Runs alone in the generator's process. A first wave of all of them is not measured:
 * it warms the server up, and makes of the second what a reconnect is, for the server has met each
 * client before. It is closed, by both sides, and a pause follows for what the server does behind it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './client.ts'
import { readCrossings } from './crossings.ts'
import { Failures } from './failures.ts'
import type { ConnectJob, ConnectResult } from './job.ts'
import { openAll } from './open-all.ts'
import { momentOf, usageBetween } from './usage.ts'

/** Until the server has closed its side of the first wave. */
const CLOSE_MS = 10_000

export class ConnectStorm {
  readonly #job: ConnectJob
  readonly #closeMs: number
  readonly #failures = new Failures()

  constructor(job: ConnectJob, closeMs: number = CLOSE_MS) {
    this.#job = job
    this.#closeMs = closeMs
  }

  async run(): Promise<ConnectResult> {
    await this.#warmUp()
    const clients = this.#clients()
    try {
      const before = await readCrossings(this.#job.api)
      const from = momentOf(this.#job)
      await openAll(clients, this.#failures)
      const to = momentOf(this.#job)
      const after = await readCrossings(this.#job.api)
      const known = before !== undefined && after !== undefined
      return {
        kind: 'connect',
        ...usageBetween(from, to),
        connected: clients.filter(({ ready }) => ready).length,
        failures: this.#failures.count,
        reasons: this.#failures.reasons,
        ...(known && { crossing: (after.crossed - before.crossed) / clients.length }),
      }
    } finally {
      for (const client of clients) client.close()
    }
  }

  async #warmUp(): Promise<void> {
    const clients = this.#clients()
    await openAll(clients, this.#failures)
    const closed = Promise.all(clients.map((client) => client.leave())).then(() => true)
    const inTime = await Promise.race([closed, sleep(this.#closeMs, false, { ref: false })])
    if (!inTime) {
      this.#failures.add('the server did not close its side in time')
      for (const client of clients) client.close()
    }
    await sleep(this.#job.warmSec * 1000)
  }

  #clients(): Client[] {
    const { host, port, qos, clients } = this.#job
    const events = {
      delivered: () => this.#failures.add('a message that was not asked for'),
      acknowledged: () => this.#failures.add('an acknowledgement of nothing'),
      lost: (reason: string) => this.#failures.add(reason),
    }
    return clients.map((client) => new Client({ host, port, qos, ...client }, events))
  }
}
