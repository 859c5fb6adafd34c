/** What a message costs that crosses from one shard to another, over one that stays in its shard. Pure. */
import type { ServerName } from './servers/server.ts'
import type { Summary } from './summary.ts'

export interface CrossingCost {
  readonly server: string
  /** CPU per message of pairs across shards over that of pairs within one; medians. */
  readonly times: number
}

export const WITHIN = 'within one shard'
export const ACROSS = 'across shards'

export function crossingLabel(server: ServerName, where: typeof WITHIN | typeof ACROSS): string {
  return `${server} ${where}`
}

export function crossingCosts(summaries: readonly Summary[]): CrossingCost[] {
  const cpuOf = (label: string): number | undefined =>
    summaries.find((one) => one.label === label)?.figures.cpuUsPerMessage?.median
  return summaries.flatMap(({ label }) => {
    const server = label.endsWith(` ${ACROSS}`) ? label.slice(0, -ACROSS.length - 1) : undefined
    if (server === undefined) return []
    const [across, within] = [cpuOf(label), cpuOf(`${server} ${WITHIN}`)]
    return across === undefined || within === undefined ? [] : [{ server, times: across / within }]
  })
}
