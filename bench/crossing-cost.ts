/**
 * What a message costs that crosses from one shard to another, over one that does not: what several
 * shards cost above one, put on the share that crosses. Holds where nothing else sets them apart, as in
 * `pairs`: the server has one CPU, however many shards. Pure.
 */
import type { ServerName } from './servers/server.ts'
import type { Summary } from './summary.ts'

const ONE_SHARD: ServerName = 'tidegate'

export interface CrossingCost {
  readonly label: string
  /** CPU of a message that crosses over CPU of one that does not; medians over medians. */
  readonly times: number
  /** Of the messages published. */
  readonly share: number
}

/** Over `tidegate`, which has one shard; where it has no figures, there is nothing to compare with. */
export function crossingCosts(summaries: readonly Summary[]): CrossingCost[] {
  const one = summaries.find(({ label }) => label === ONE_SHARD)
  const local = one?.figures.cpuUsPerMessage?.median ?? 0
  return summaries.flatMap(({ label, figures }) => {
    const share = figures.crossing?.median ?? 0
    const cpu = figures.cpuUsPerMessage?.median
    if (local === 0 || share === 0 || cpu === undefined) return []
    return [{ label, share, times: (cpu / local - 1) / share + 1 }]
  })
}
