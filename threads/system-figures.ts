/** Gathers from all shards what `$SYS` tells, and gives it to all of them, every `EVERY_MS`. */
import type { Remote } from '../actors/runtime/conversation.ts'
import { type ShardTraffic, systemFigures } from '../core/domain/system-figures.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { ShardControl } from './thread-start.ts'

const EVERY_MS = 10_000

export interface SystemFiguresParts {
  readonly version: string
  readonly shards: {
    readonly count: number
    control(shard: number): Pick<Remote<ShardControl>, 'traffic' | 'figures'>
  }
  readonly retained: () => { readonly messages: number; readonly bytes: number }
  readonly clock: Clock
}

/** Returns its end. */
export function tellSystemFigures(parts: SystemFiguresParts): () => void {
  const startedAt = parts.clock.monotonic()
  /** As each shard said last: one that stands still or starts is not waited for. */
  const traffic = new Map<number, ShardTraffic>()
  const ask = async (shard: number): Promise<void> => {
    try {
      traffic.set(shard, await parts.shards.control(shard).traffic())
    } catch {
      // It has no answer now; it is asked again the next time.
    }
  }
  const tell = (): void => {
    const { shards, version, clock, retained } = parts
    const uptimeSec = Math.round((clock.monotonic() - startedAt) / 1000)
    const rssBytes = process.memoryUsage.rss()
    const known = [...traffic.values()]
    const figures = systemFigures({
      version,
      uptimeSec,
      shards: known,
      retained: retained(),
      rssBytes,
    })
    for (let shard = 0; shard < shards.count; shard++) {
      shards
        .control(shard)
        .figures(figures)
        .catch(() => {})
      void ask(shard)
    }
  }
  for (let shard = 0; shard < parts.shards.count; shard++) void ask(shard)
  const first = setTimeout(tell, 0)
  const timer = setInterval(tell, EVERY_MS)
  return () => {
    clearTimeout(first)
    clearInterval(timer)
  }
}
