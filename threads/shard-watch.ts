/**
 * What a shard watches of itself: that its loop turns (main looks at its beat), how late its loop is, how
 * full its heap is. Above 85 % of the heap no connection is let in any more and the most loaded ones are
 * closed, second by second, until it is below 75 %: what is left of the heap is for finishing turns.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { resourceLimits } from 'node:worker_threads'
import type { ShardBoard } from '../actors/runtime/shard-board.ts'
import type { Counters } from '../core/ports/counters.ts'
import type { Diagnostics } from '../core/ports/diagnostics.ts'
import type { OpenConnections } from '../protocol/listeners/connection-gate.ts'
import { sharedNow } from './system.ts'

const BEAT_MS = 250
const HEAP_MS = 1000
const SHED_ABOVE = 0.85
const CALM_BELOW = 0.75
const SHED_SHARE = 0.05 // of the connections, each second
const LAG_RESOLUTION_MS = 10
const MEBIBYTE = 1_048_576

export interface ShardWatchParts {
  readonly shard: number
  readonly board: ShardBoard
  readonly open: OpenConnections
  readonly counters: Counters
  readonly diagnostics: Diagnostics
}

export interface HeapUse {
  readonly usedBytes: number
  readonly limitBytes: number
}

export class ShardWatch {
  readonly #parts: ShardWatchParts
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
  readonly #timers: readonly NodeJS.Timeout[]

  constructor(parts: ShardWatchParts) {
    this.#parts = parts
    this.#lag.enable()
    this.#timers = [setInterval(this.#beat, BEAT_MS), setInterval(this.#lookAtHeap, HEAP_MS)]
    this.#beat()
  }

  /** 99th percentile of the loop's delay since it was last asked for, ms. */
  takeLagMs(): number {
    const lagMs = Math.max(0, this.#lag.percentile(99) / 1e6 - LAG_RESOLUTION_MS)
    this.#lag.reset()
    return Number.isFinite(lagMs) ? Math.round(lagMs * 10) / 10 : 0
  }

  get heap(): HeapUse {
    const { maxOldGenerationSizeMb = Number.POSITIVE_INFINITY } = resourceLimits
    const { used_heap_size: usedBytes } = getHeapStatistics()
    return { usedBytes, limitBytes: maxOldGenerationSizeMb * MEBIBYTE }
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#lag.disable()
  }

  readonly #beat = (): void => this.#parts.board.beat(this.#parts.shard, sharedNow())

  readonly #lookAtHeap = (): void => {
    const { open, counters, diagnostics, shard } = this.#parts
    const { usedBytes, limitBytes } = this.heap
    const share = usedBytes / limitBytes
    const sheds = open.shedding === 'heap-limit'
    if (share > SHED_ABOVE) {
      if (!sheds) diagnostics.error('the heap of a shard is nearly full: it sheds load', { shard })
      open.shedding = 'heap-limit'
      const count = Math.ceil(open.count * SHED_SHARE)
      counters.add('connection.shed', 'heap-limit', count)
      open.closeSome(count, 'overload')
    } else if (sheds && share < CALM_BELOW) {
      open.shedding = undefined
      diagnostics.info('the heap of a shard has room again', { shard })
    }
  }
}
