/**
 * All clients connect, as after a break of the network: TCP connect, CONNECT, CONNACK, one SUBSCRIBE,
 * SUBACK, and stay. Runs alone in the generator's process. Two waves of all of them: the second is what a reconnect
 * is, for the server is warm and has met each client before; over TLS it resumes. Between them both sides close, and
 * a pause follows for what the server does behind it. Which wave is measured, the job says.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.ts'
import { readCrossings } from './crossings.ts'
import { crowdOf } from './crowd.ts'
import { Failures } from './failures.ts'
import type { ConnectJob, ConnectResult, Usage } from './job.ts'
import { openAll } from './open-all.ts'
import { momentOf, usageBetween } from './usage.ts'

/** Until the server has closed its side of the first wave. */
const CLOSE_MS = 10_000

interface Wave extends Usage {
  readonly connected: number
  readonly crossing?: number
}

export class ConnectStorm {
  readonly #job: ConnectJob
  readonly #closeMs: number
  readonly #failures = new Failures()

  constructor(job: ConnectJob, closeMs: number = CLOSE_MS) {
    this.#job = job
    this.#closeMs = closeMs
  }

  async run(): Promise<ConnectResult> {
    const firsts = crowdOf(this.#job, this.#failures)
    const first = await this.#wave(firsts)
    await this.#end(firsts)
    const sessions = firsts.map(({ session }) => session)
    const seconds = crowdOf(this.#job, this.#failures, sessions)
    try {
      const second = await this.#wave(seconds)
      const resumed = seconds.filter((client) => client.resumed).length
      const both = this.#job.measured === 'both'
      return {
        kind: 'connect',
        ...(both ? { ...first, again: { ...second, resumed } } : second),
        connected: Math.min(first.connected, second.connected),
        failures: this.#failures.count,
        reasons: this.#failures.reasons,
      }
    } finally {
      for (const client of seconds) client.close()
    }
  }

  async #wave(clients: readonly Client[]): Promise<Wave> {
    const before = await readCrossings(this.#job.api)
    const from = momentOf(this.#job)
    await openAll(clients, this.#failures)
    const to = momentOf(this.#job)
    const after = await readCrossings(this.#job.api)
    const known = before !== undefined && after !== undefined
    return {
      ...usageBetween(from, to),
      connected: clients.filter(({ ready }) => ready).length,
      ...(known && { crossing: (after.crossed - before.crossed) / clients.length }),
    }
  }

  async #end(clients: readonly Client[]): Promise<void> {
    const closed = Promise.all(clients.map((client) => client.leave())).then(() => true)
    const inTime = await Promise.race([closed, sleep(this.#closeMs, false, { ref: false })])
    if (!inTime) {
      this.#failures.add('the server did not close its side in time')
      for (const client of clients) client.close()
    }
    await sleep(this.#job.warmSec * 1000)
  }
}
