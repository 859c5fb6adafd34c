import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TURN_BOUNDS_MS } from '../../../../core/domain/status.ts'
import { METRICS } from '../../../../protocol/api/metrics/metric-table.ts'
import { metricsText } from '../../../../protocol/api/metrics/metrics-text.ts'
import { meshLine, servingShard } from '../../../support/shard-status.ts'
import { STATUS } from '../house.ts'

/** Series by `name{labels}`, and types by name. */
function parsed(text: string): {
  readonly series: ReadonlyMap<string, number>
  readonly types: ReadonlyMap<string, string>
} {
  const series = new Map<string, number>()
  const types = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, name = '', type = ''] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    if (name !== '') types.set(name, type)
    if (line === '' || line.startsWith('#')) continue
    const [, key = '', value = ''] = /^(\S+(?:\{.*\})?) (\S+)$/.exec(line) ?? []
    assert.ok(key !== '' && !Number.isNaN(Number(value.replace('+Inf', 'Infinity'))), line)
    assert.ok(!series.has(key), `twice: ${key}`)
    series.set(key, Number(value))
  }
  return { series, types }
}

const SEVERAL = {
  ...STATUS,
  shards: [
    servingShard({
      connections: 3,
      messagesIn: 10,
      heap: { usedBytes: 100, limitBytes: 200 },
      handOvers: { given: 4, adopted: 5, declined: 0, timedOut: 1, superseded: 0, waiting: 2 },
      mesh: [
        meshLine(1, { bytesOut: 1000, creditBytes: 50 }),
        meshLine(2, { bytesOut: 500, creditBytes: -7, waiting: 1 }),
      ],
      refusals: { 'connect.refused.bad-signature': 2, 'connect.refused.not-authorized': 1 },
      counters: { 'connect.accepted': 5 },
    }),
    servingShard({
      shard: 1,
      restarts: 2,
      shedding: true,
      state: 'shedding',
      refusals: { 'connect.refused.bad-signature': 7 },
    }),
    { shard: 2, state: 'stalled', restarts: 0, devicesOnline: 9 },
  ],
} as const

describe('the metrics', () => {
  it('give each shard series of its own, and one that is silent only that', async () => {
    const { series } = parsed(await metricsText(SEVERAL))
    assert.equal(series.get('tidegate_connections{shard="0"}'), 3)
    assert.equal(series.get('tidegate_messages_received_total{shard="0"}'), 10)
    assert.equal(series.get('tidegate_shard_up{shard="1"}'), 1)
    assert.equal(series.get('tidegate_shard_shedding{shard="1"}'), 1)
    assert.equal(series.get('tidegate_shard_restarts_total{shard="1"}'), 2)
    assert.equal(series.get('tidegate_hand_overs_total{shard="0",outcome="timed-out"}'), 1)
    const silent = [...series].filter(([key]) => key.includes('shard="2"'))
    assert.deepEqual(silent, [
      ['tidegate_shard_up{shard="2"}', 0],
      ['tidegate_shard_restarts_total{shard="2"}', 0],
    ])
    assert.equal(series.get('process_cpu_seconds_total'), 1.75)
    assert.equal(series.get('process_resident_memory_bytes'), 104_857_600)
  })

  it('make a counter with reasons of every refusal and count', async () => {
    const { series, types } = parsed(await metricsText(SEVERAL))
    const refused = (shard: number, reason: string): number | undefined =>
      series.get(`tidegate_connect_refused_total{shard="${shard}",reason="${reason}"}`)
    assert.deepEqual(
      [refused(0, 'bad-signature'), refused(0, 'not-authorized'), refused(1, 'bad-signature')],
      [2, 1, 7],
    )
    assert.equal(series.get('tidegate_connect_accepted_total{shard="0"}'), 5)
    assert.equal(types.get('tidegate_connect_refused_total'), 'counter')
  })

  it('sum up the lines to other shards, and show the credit that is least', async () => {
    const { series } = parsed(await metricsText(SEVERAL))
    assert.equal(series.get('tidegate_mesh_bytes_sent_total{shard="0"}'), 1500)
    assert.equal(series.get('tidegate_mesh_credit_bytes{shard="0"}'), -7)
    assert.equal(series.get('tidegate_mesh_waiting{shard="0"}'), 1)
    assert.equal(series.get('tidegate_mesh_bytes_sent_total{shard="1"}'), undefined)
  })

  it('show turns as a histogram in seconds whose buckets only rise', async () => {
    const byLength = [...TURN_BOUNDS_MS.map((_, i) => i), 3]
    const count = byLength.reduce((sum, one) => sum + one, 0)
    const turn = { longestMs: 1, p99Ms: 1, count, totalMs: 2500, byLength }
    const text = await metricsText({ ...STATUS, shards: [servingShard({ turn })] })
    const { series, types } = parsed(text)
    assert.equal(types.get('tidegate_turn_seconds'), 'histogram')
    const bucket = (le: string): number | undefined =>
      series.get(`tidegate_turn_seconds_bucket{le="${le}",shard="0"}`)
    let below = 0
    for (const [i, bound] of TURN_BOUNDS_MS.entries()) {
      below += byLength[i] as number
      assert.equal(bucket(String(bound / 1000)), below)
    }
    assert.equal(bucket('+Inf'), count)
    assert.equal(series.get('tidegate_turn_seconds_count{shard="0"}'), count)
    assert.equal(series.get('tidegate_turn_seconds_sum{shard="0"}'), 2.5)
  })

  it('keep to the conventions: counters and only they end in _total, all have a help text', async () => {
    const text = await metricsText(SEVERAL)
    const { types } = parsed(text)
    assert.deepEqual(
      Object.keys(METRICS).filter((name) => !types.has(name)),
      [],
    )
    for (const [name, type] of types) {
      assert.match(name, /^(tidegate|process)(_[a-z]+)+$/)
      assert.equal(type === 'counter', name.endsWith('_total'), name)
      assert.doesNotMatch(name, /_(ms|kb|mb|milliseconds|percent)(_|$)/)
      assert.match(text, new RegExp(`^# HELP ${name} \\S.*$`, 'm'))
    }
  })

  it('keep nothing from one scrape to the next', async () => {
    const first = await metricsText(SEVERAL)
    await metricsText(STATUS)
    assert.equal(await metricsText(SEVERAL), first)
  })
})
