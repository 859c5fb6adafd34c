/**
 * Connections that land where a workload wants them: on one shard, or on different ones. The kernel chooses the shard
 * of a connection, so each is made again until it is right; which shard it came to, the server's status tells.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { answeringShards, type StatusReport } from '../../core/domain/status.ts'
import { ask, type ManagementApi } from '../management-api.ts'
import type { Client } from './client.ts'

/** Where the two ends of a pair are. */
export type Placement = 'within' | 'across'

const MAX_TRIES = 200
const COUNTED_MS = 5000 // until the server counts a connection that came or went
const PAUSE_MS = 2

export class PlacedConnections {
  readonly #api: ManagementApi
  /** Connections of each shard, as they were counted last. */
  #counts: readonly number[] = []

  constructor(api: ManagementApi) {
    this.#api = api
  }

  /** Opens both. @throws where one cannot be opened, or the kernel never chose well */
  async openPair(publisher: Client, subscriber: Client, placement: Placement): Promise<void> {
    const home = await this.#open(publisher)
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const shard = await this.#open(subscriber)
      if ((shard === home) === (placement === 'within')) return
      const total = sum(this.#counts)
      await subscriber.leave()
      await this.#counted(total - 1)
    }
    throw new Error(`no connection came to lie ${placement}, in ${MAX_TRIES} tries`)
  }

  /** Returns the shard to which it came. */
  async #open(client: Client): Promise<number> {
    if (this.#counts.length === 0) await this.#counted(0)
    const before = this.#counts
    await client.open()
    await this.#counted(sum(before) + 1)
    return this.#counts.findIndex((count, shard) => count > (before[shard] ?? 0))
  }

  /** Waits until so many connections are counted. */
  async #counted(total: number): Promise<void> {
    for (const deadline = performance.now() + COUNTED_MS; ; await sleep(PAUSE_MS)) {
      const shards = answeringShards(await ask<StatusReport>(this.#api, 'GET', '/status'))
      this.#counts = shards.map(({ connections }) => connections)
      if (sum(this.#counts) === total) return
      if (performance.now() > deadline) throw new Error('the server miscounts its connections')
    }
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
