/**
 * The status of the platform as the text that Prometheus scrapes. Nothing is kept between scrapes: each has
 * a registry of its own, filled from one report.
 *
 * Series: shards × (rows of the table + buckets of a turn + counters with their reasons), all fixed words.
 */
import { Counter, Gauge, Registry } from 'prom-client'
import { answeringShards, type StatusReport } from '../../../core/domain/status.ts'
import { METRICS, type Metric, type Sample } from './metric-table.ts'
import { TurnHistogram } from './turn-histogram.ts'

export const METRICS_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE

export function metricsText(report: StatusReport): Promise<string> {
  const registry = new Registry()
  for (const [name, metric] of Object.entries(METRICS)) {
    fill(registry, name, metric, metric.samples(report))
  }
  new TurnHistogram(registry, report)
  for (const [counter, samples] of counted(report)) {
    const help = `The counter ${counter} of docs/errors.md.`
    fill(registry, counterMetric(counter), { type: 'counter', help, labels: LABELS }, samples)
  }
  return registry.metrics()
}

/** The metric of a counter: `connect.refused` is `tidegate_connect_refused_total`. */
export function counterMetric(counter: string): string {
  return `tidegate_${counter.replace(/[.-]/g, '_')}_total`
}

const LABELS = ['shard', 'reason'] as const

function fill(
  registry: Registry,
  name: string,
  { type, help, labels }: Omit<Metric, 'samples'>,
  samples: readonly Sample[],
): void {
  const config = { name, help, labelNames: labels, registers: [registry] }
  const metric = type === 'counter' ? new Counter(config) : new Gauge(config)
  for (const [value, ...words] of samples) {
    // A label without a value is left out: to Prometheus it is the same.
    const named = labels.flatMap((label, i) => (words[i] === '' ? [] : [[label, words[i] ?? '']]))
    metric.inc(Object.fromEntries(named) as Record<string, string | number>, value)
  }
}

/** The counters of all shards, by name; a key is the two words of its name, and its reason where it has one. */
function counted(report: StatusReport): ReadonlyMap<string, readonly Sample[]> {
  const all = new Map<string, Sample[]>()
  for (const { shard, refusals, counters } of answeringShards(report)) {
    for (const [key, value] of Object.entries({ ...refusals, ...counters })) {
      const [room = '', event = '', reason = ''] = key.split('.')
      const name = `${room}.${event}`
      const samples = all.get(name) ?? []
      samples.push([value, shard, reason])
      all.set(name, samples)
    }
  }
  return all
}
