import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crossingsOf } from '../../../bench/generator/crossings.ts'
import type { ShardReport, StatusReport } from '../../../core/domain/status.ts'
import { meshLine, servingShard } from '../../support/shard-status.ts'

describe('crossings', () => {
  it('are what shards sent to each other, of both lanes, beside what clients sent to them', () => {
    const one = servingShard({
      messagesIn: 100,
      mesh: [
        meshLine(1, { controlOut: 1, dataOut: 20, dataIn: 4000 }),
        meshLine(2, { dataOut: 300 }),
      ],
    })
    const other = servingShard({ shard: 1, messagesIn: 7, mesh: [meshLine(0, { dataOut: 5 })] })
    assert.deepEqual(crossingsOf(report([one, other])), { received: 107, crossed: 326 })
  })

  it('are none with one shard, and unknown where a shard does not answer', () => {
    const alone = servingShard({ messagesIn: 3 })
    assert.deepEqual(crossingsOf(report([alone])), { received: 3, crossed: 0 })
    const silent = { shard: 1, state: 'stalled', restarts: 0, devicesOnline: 0 } as const
    assert.equal(crossingsOf(report([alone, silent])), undefined)
  })
})

function report(shards: readonly ShardReport[]): StatusReport {
  return {
    version: '1',
    startedAt: 0,
    uptimeSec: 0,
    durability: 'commit',
    shards,
    devices: { registered: 0, online: 0 },
    recovery: { entries: 0, rows: 0, tookMs: 0 },
    memory: { rssBytes: 0 },
    cpu: { userSec: 0, systemSec: 0 },
  }
}
