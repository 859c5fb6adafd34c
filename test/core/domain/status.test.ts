import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type AnsweringShard,
  answeringShards,
  assembleStatus,
  type ShardAnswer,
  type StatusReport,
} from '../../../core/domain/status.ts'
import { shardRates, totalRates } from '../../../core/domain/status-rates.ts'
import { servingShard, shardStatus } from '../../support/shard-status.ts'

function assembled(...answers: ShardAnswer[]): StatusReport {
  return assembleStatus({
    version: '1.2.3',
    startedAt: 1000,
    now: 4600,
    durability: 'commit',
    answers,
    restarts: [0, 1, 2, 3],
    registered: 100,
    recovery: { entries: 0, rows: 0, tookMs: 0 },
    memory: { rssBytes: 1 },
    cpu: { userSec: 1, systemSec: 1 },
  })
}

describe('assembleStatus', () => {
  it('tells of each shard whether it serves, and sums up what is online', () => {
    const report = assembled(
      { kind: 'answered', status: shardStatus({ devicesOnline: 5 }) },
      { kind: 'answered', status: shardStatus({ shard: 1, devicesOnline: 7, shedding: true }) },
      {
        kind: 'silent',
        state: 'stalled',
        before: shardStatus({ shard: 2, devicesOnline: 11, messagesIn: 1 }),
      },
      { kind: 'silent', state: 'starting', before: undefined },
    )
    assert.deepEqual(
      report.shards.map(({ shard, state, restarts }) => [shard, state, restarts]),
      [
        [0, 'serving', 0],
        [1, 'shedding', 1],
        [2, 'stalled', 2],
        [3, 'starting', 3],
      ],
    )
    assert.deepEqual(report.shards[2], {
      shard: 2,
      state: 'stalled',
      restarts: 2,
      devicesOnline: 11,
    })
    assert.deepEqual(report.devices, { registered: 100, online: 23 })
    assert.equal(report.uptimeSec, 4)
    assert.equal(answeringShards(report).length, 2)
  })
})

describe('rates', () => {
  const look = (...shards: AnsweringShard[]): StatusReport => ({
    ...assembled(),
    shards,
  })

  it('are what happened between two looks, by shard and in all', () => {
    const before = look(
      servingShard({ messagesIn: 100, log: { sequence: 9, writes: 1, bytes: 1000 } }),
      servingShard({ shard: 1, messagesOut: 50 }),
    )
    const now = look(
      servingShard({ messagesIn: 300, log: { sequence: 19, writes: 2, bytes: 5000 } }),
      servingShard({ shard: 1, messagesOut: 60, messagesIn: 2 }),
    )
    assert.deepEqual(shardRates(before, now, 2).get(0), {
      messagesIn: 100,
      messagesOut: 0,
      logBytes: 2000,
    })
    assert.deepEqual(totalRates(before, now, 2), {
      messagesIn: 101,
      messagesOut: 5,
      logBytes: 2000,
    })
    assert.deepEqual(totalRates(before, now, 0), { messagesIn: 0, messagesOut: 0, logBytes: 0 })
  })

  it('begin at 0 with a new thread, and at nothing with a shard that was silent', () => {
    const before = look(servingShard({ messagesIn: 1_000_000 }))
    const replaced = look(
      servingShard({ messagesIn: 10, restarts: 1 }),
      servingShard({ shard: 1, messagesIn: 1_000_000 }),
    )
    const rates = shardRates(before, replaced, 2)
    assert.equal(rates.get(0)?.messagesIn, 5)
    assert.equal(rates.get(1)?.messagesIn, 0)
  })
})
