/**
 * Clients that connect, subscribe and stay silent: by how much the memory of the server grew, a while behind the last.
 * Of a fresh server, so its heap grows for the first connections as for the last.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { crowdOf } from './crowd.ts'
import { Failures } from './failures.ts'
import type { IdleJob, IdleResult } from './job.ts'
import { openAll } from './open-all.ts'
import { momentOf, usageBetween } from './usage.ts'

export class IdleCrowd {
  readonly #job: IdleJob
  readonly #failures = new Failures()

  constructor(job: IdleJob) {
    this.#job = job
  }

  async run(): Promise<IdleResult> {
    const pauseMs = this.#job.warmSec * 1000
    const clients = crowdOf(this.#job, this.#failures)
    try {
      await sleep(pauseMs)
      const from = momentOf(this.#job)
      await openAll(clients, this.#failures)
      const to = momentOf(this.#job)
      await sleep(pauseMs)
      const settled = momentOf(this.#job)
      const known = from.server !== undefined && settled.server !== undefined
      return {
        kind: 'idle',
        ...usageBetween(from, to),
        connected: clients.filter(({ ready }) => ready).length,
        failures: this.#failures.count,
        reasons: this.#failures.reasons,
        ...(known && { grownKib: settled.server.rssKib - from.server.rssKib }),
      }
    } finally {
      for (const client of clients) client.close()
    }
  }
}
