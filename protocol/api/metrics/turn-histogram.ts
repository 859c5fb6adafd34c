/** The lengths of turns as a histogram of Prometheus. They were counted by the shards, which prom-client's own cannot take. */
import { Histogram, type Registry } from 'prom-client'
import {
  type AnsweringShard,
  answeringShards,
  type StatusReport,
  TURN_BOUNDS_MS,
} from '../../../core/domain/status.ts'

export const TURN_METRIC = 'tidegate_turn_seconds'
export const TURN_HELP: string =
  'Length of a turn of the event loop, with its record and its writes.'

interface Series {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

export class TurnHistogram extends Histogram<'shard'> {
  readonly #shards: readonly AnsweringShard[]

  constructor(registry: Registry, report: StatusReport) {
    const labelNames = ['shard'] as const
    super({ name: TURN_METRIC, help: TURN_HELP, labelNames, registers: [registry] })
    this.#shards = answeringShards(report)
  }

  override get(): ReturnType<Histogram<'shard'>['get']> {
    const values = this.#shards.flatMap(seriesOf)
    const told = {
      name: TURN_METRIC,
      help: TURN_HELP,
      type: 'histogram',
      aggregator: 'sum',
      values,
    }
    return Promise.resolve(told as unknown as Awaited<ReturnType<Histogram<'shard'>['get']>>)
  }

  /** What the registry calls where it writes text (prom-client 15); the declarations do not name it. */
  getForPromString(): ReturnType<Histogram<'shard'>['get']> {
    return this.get()
  }
}

/** Buckets count what is below their bound, those before them included. */
function seriesOf({ shard, turn }: AnsweringShard): readonly Series[] {
  let below = 0
  const buckets = turn.byLength.map((count, i): Series => {
    below += count
    const bound = TURN_BOUNDS_MS[i]
    const le = bound === undefined ? '+Inf' : bound / 1000
    return { metricName: `${TURN_METRIC}_bucket`, labels: { le, shard }, value: below }
  })
  return [
    ...buckets,
    { metricName: `${TURN_METRIC}_sum`, labels: { shard }, value: turn.totalMs / 1000 },
    { metricName: `${TURN_METRIC}_count`, labels: { shard }, value: turn.count },
  ]
}
