/**
 * Asks every shard how it is, and makes one report of it. A shard that stands still, or that another thread
 * is replacing, holds nobody up: it is waited for a second, and is not asked again before it has answered.
 */
import type { Remote } from '../actors/runtime/conversation.ts'
import { PlatformError } from '../core/domain/errors.ts'
import type { Durability } from '../core/domain/settings.ts'
import {
  assembleStatus,
  type ShardAnswer,
  type ShardStatus,
  type StatusReport,
} from '../core/domain/status.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { ShardControl, StorageReady } from './thread-start.ts'

const ANSWER_MS = 1000

export interface StatusShards {
  readonly count: number
  control(shard: number): Pick<Remote<ShardControl>, 'status'>
  seat(shard: number): { readonly stalled: boolean; readonly restarts: number }
}

export interface PlatformStatusParts {
  readonly version: string
  readonly durability: Durability
  readonly shards: StatusShards
  readonly recovery: StorageReady['replayed']
  readonly registered: () => number
  readonly clock: Clock
  readonly answerMs?: number
}

export class PlatformStatus {
  readonly #parts: PlatformStatusParts
  readonly #startedAt: number
  readonly #before: (ShardStatus | undefined)[] = []
  /** Shards that owe an answer. */
  readonly #late = new Set<number>()

  constructor(parts: PlatformStatusParts) {
    this.#parts = parts
    this.#startedAt = parts.clock.now()
  }

  /** @throws platform.closed */
  async read(): Promise<StatusReport> {
    const { version, durability, shards, recovery, registered, clock } = this.#parts
    const numbers = Array.from({ length: shards.count }, (_, shard) => shard)
    const answers = await Promise.all(numbers.map((shard) => this.#answerOf(shard)))
    const { user, system } = process.cpuUsage()
    return assembleStatus({
      version,
      startedAt: this.#startedAt,
      now: clock.now(),
      durability,
      answers,
      restarts: numbers.map((shard) => shards.seat(shard).restarts),
      registered: registered(),
      recovery,
      memory: { rssBytes: process.memoryUsage.rss() },
      cpu: { userSec: user / 1e6, systemSec: system / 1e6 },
    })
  }

  async #answerOf(shard: number): Promise<ShardAnswer> {
    const before = this.#before[shard]
    const stalled = { kind: 'silent', state: 'stalled', before } as const
    if (this.#parts.shards.seat(shard).stalled || this.#late.has(shard)) return stalled
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<ShardAnswer>((resolve) => {
      timer = setTimeout(() => {
        this.#late.add(shard)
        resolve(stalled)
      }, this.#parts.answerMs ?? ANSWER_MS)
    })
    const answer = this.#ask(shard).finally(() => this.#late.delete(shard))
    answer.catch(() => {}) // where nobody waits for it any more
    try {
      return await Promise.race([answer, late])
    } finally {
      clearTimeout(timer)
    }
  }

  async #ask(shard: number): Promise<ShardAnswer> {
    try {
      const status = await this.#parts.shards.control(shard).status()
      this.#before[shard] = status
      return { kind: 'answered', status }
    } catch (error) {
      if (!(error instanceof PlatformError) || error.code === 'platform.closed') throw error
      const state = error.code === 'thread.failed' ? 'starting' : 'stalled'
      return { kind: 'silent', state, before: this.#before[shard] }
    }
  }
}
