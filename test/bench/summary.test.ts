import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Outcome } from '../../bench/contest.ts'
import type { ConnectResult, MessageResult } from '../../bench/generator/job.ts'
import { type Report, renderReport } from '../../bench/report.ts'
import { type Round, roundOf } from '../../bench/round.ts'
import type { ServerName } from '../../bench/servers/server.ts'
import { spread } from '../../bench/statistics.ts'
import { ratios, summarize } from '../../bench/summary.ts'
import type { Unit } from '../../bench/unit.ts'

const shape = {
  publishers: 1,
  subscribers: 1,
  qos: 1,
  payloadBytes: 64,
  window: 40,
  chunk: 10,
  rate: 0,
  warmSec: 0,
  seconds: 2,
  replies: true,
  clients: 50,
  filters: 1,
} as const

const clean: MessageResult = {
  kind: 'message',
  seconds: 2,
  published: 1000,
  delivered: 1000,
  unacknowledged: 0,
  undelivered: 0,
  failures: 0,
  reasons: [],
  serverCpuSec: 0.01,
  serverRssKib: 2048,
  generatorCpuSec: 1,
}

const stormy: ConnectResult = {
  kind: 'connect',
  seconds: 2,
  connected: 50,
  failures: 0,
  reasons: [],
  serverCpuSec: 0.01,
  generatorCpuSec: 1,
  crossing: 4,
}

describe('round', () => {
  it('divides the CPU of the server by the messages it received and sent', () => {
    const round = roundOf(clean)
    assert.ok(round.kind === 'valid')
    assert.equal(round.figures.cpuUsPerMessage, 5)
    assert.equal(round.figures.cpuUsPerPublish, 10)
    assert.equal(round.figures.messagesPerSec, 1000)
    assert.equal(round.figures.serverRssMiB, 2)
  })

  it('has no figures where a message was lost or doubled, or a connection failed', () => {
    const faults = [
      { unacknowledged: 1 },
      { undelivered: 1 },
      { undelivered: -1 },
      { failures: 1 },
      { published: 0 },
    ]
    for (const fault of faults) assert.equal(roundOf({ ...clean, ...fault }).kind, 'invalid')
  })

  it('divides it by the clients that connected, and has none of a wave with a failure', () => {
    const round = roundOf(stormy)
    assert.ok(round.kind === 'valid')
    assert.equal(round.figures.cpuUsPerConnect, 200)
    assert.equal(round.figures.connectsPerSec, 25)
    assert.equal(round.figures.crossing, 4)
    assert.equal(round.figures.cpuUsPerMessage, undefined)
    assert.equal(roundOf({ ...stormy, failures: 1 }).kind, 'invalid')
  })

  it('tells a second wave apart from the first, and how much of it was resumed', () => {
    const again = { seconds: 1, generatorCpuSec: 1, serverCpuSec: 0.005, resumed: 25 }
    const round = roundOf({ ...stormy, again })
    assert.ok(round.kind === 'valid')
    assert.equal(round.figures.cpuUsPerConnect, 200)
    assert.equal(round.figures.cpuUsPerReconnect, 100)
    assert.equal(round.figures.resumed, 0.5)
  })

  it('divides by what the memory grew by the connections that are there', () => {
    const { seconds, connected, failures, reasons, generatorCpuSec } = stormy
    const quiet = { seconds, connected, failures, reasons, generatorCpuSec } as const
    const round = roundOf({ ...quiet, kind: 'idle', grownKib: 400 })
    assert.ok(round.kind === 'valid')
    assert.equal(round.figures.rssKibPerClient, 8)
    assert.equal(roundOf({ ...quiet, kind: 'idle', failures: 1 }).kind, 'invalid')
  })

  it('has a rate and no CPU figure where CPU cannot be read', () => {
    const { serverCpuSec: _, ...unread } = clean
    const round = roundOf(unread)
    assert.ok(round.kind === 'valid')
    assert.equal(round.figures.cpuUsPerMessage, undefined)
    assert.equal(round.figures.messagesPerSec, 1000)
  })
})

describe('summary', () => {
  const ours = outcome('tidegate', [valid(0.01), valid(0.03), valid(0.02)])
  const theirs = outcome('mosquitto', [valid(0.02), invalid('1 message lost'), valid(0.08)])

  it('takes medians over valid rounds, and keeps the faults of the others', () => {
    const summary = summarize(theirs)
    assert.deepEqual(summary.figures.cpuUsPerMessage, { median: 25, min: 10, max: 40 })
    assert.equal(summary.valid, 2)
    assert.deepEqual(summary.faults, ['1 message lost'])
  })

  it('compares medians, and for the range rounds that ran side by side', () => {
    const [ratio] = ratios([ours, theirs])
    assert.deepEqual(ratio?.cpu, { median: 0.4, min: 0.25, max: 0.5 })
    assert.deepEqual(ratio?.rate, { median: 1, min: 1, max: 1 })
  })

  it('compares connects by connects', () => {
    const slow = roundOf({ ...stormy, serverCpuSec: 0.04, seconds: 4 })
    const [ratio] = ratios([
      outcome('tidegate', [roundOf(stormy)], 'connect'),
      outcome('aedes', [slow], 'connect'),
    ])
    assert.deepEqual(ratio?.cpu, { median: 0.25, min: 0.25, max: 0.25 })
    assert.deepEqual(ratio?.rate, { median: 2, min: 2, max: 2 })
  })

  it('shows an invalid round as such, and no figure where none is valid', () => {
    const summaries = [summarize(ours), summarize(outcome('aedes', [invalid('refused')]))]
    const text = renderReport({ ...report, summaries, missing: { mosquitto: 'not installed' } })
    assert.match(text, /aedes 1 +n\/a .* 0 of 1/)
    assert.match(text, /INVALID round of aedes: refused/)
    assert.match(text, /mosquitto left out: not installed/)
  })

  it('shows which share crossed between shards, and what it cost', () => {
    const sharded = outcome('tidegate-2', [roundOf({ ...clean, crossing: 0.5 })])
    const text = renderReport({
      ...report,
      summaries: [summarize(sharded), summarize(theirs)],
      crossingCosts: [{ server: 'tidegate-2', times: 1.62 }],
    })
    assert.match(text, /CPU-µs\/message .* messages\/s .* crossing /)
    assert.match(text, /\ntidegate-2 1 .* 50 % /)
    assert.match(text, /\nmosquitto 1 .* n\/a .* 2 of 3/)
    assert.match(text, /\ntidegate-2: a message that crosses costs 1\.62× of one that does not\n/)
  })

  it('shows connects per connect', () => {
    const first = outcome('tidegate-2', [roundOf(stormy)], 'connect')
    const outcomes = [first, outcome('aedes', [roundOf(stormy)], 'connect')]
    const text = renderReport({
      ...report,
      workload: 'connect',
      unit: 'connect',
      summaries: outcomes.map(summarize),
      ratios: ratios(outcomes),
    })
    assert.match(text, /^connect: 50 clients, one subscription each, QoS 1\n/)
    assert.match(text, /CPU-µs\/connect .* connects\/s .* crossing /)
    assert.match(text, /\ntidegate-2 1 +200\.00 .* 25 .* 4\.0 .* 1 of 1\n/)
    assert.match(text, /CPU per connect 1\.00× .*, connects\/s 1\.00×/)
    assert.doesNotMatch(text, /publish/)
  })
})

const report: Report = {
  workload: 'pairs',
  unit: 'message',
  at: '2030-01-01T00:00:00Z',
  commit: 'abc',
  machine: 'm',
  node: '20',
  shape,
  goals: [],
  summaries: [],
  ratios: [],
  missing: {},
}

describe('spread', () => {
  it('is median, least and most; of nothing there is none', () => {
    assert.deepEqual(spread([3, 1, 2]), { median: 2, min: 1, max: 3 })
    assert.deepEqual(spread([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4 })
    assert.equal(spread([]), undefined)
  })
})

function valid(serverCpuSec: number): Round {
  return roundOf({ ...clean, serverCpuSec })
}

function invalid(fault: string): Round {
  return { kind: 'invalid', faults: [fault] }
}

function outcome(name: ServerName, rounds: readonly Round[], unit: Unit = 'message'): Outcome {
  const server = {
    name,
    unavailable: () => undefined,
    version: () => '1',
    start: () => Promise.reject(new Error('is not started here')),
  }
  const traffic = () => {
    throw new Error('is not run here')
  }
  return { contestant: { label: name, unit, server, door: 'plain', shape, traffic }, rounds }
}
