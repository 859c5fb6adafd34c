import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { flood } from './flood.ts'

const SLACK_MB = 150 // young generations, the read and write buffers of the kernel's side, the log's pages

describe('clients that stop reading', () => {
  it('cost no more memory than their bounds, and others no time; what they miss is counted', async (t) => {
    if (process.platform !== 'linux') return t.skip('reads /proc')
    const outcome = await flood({ clients: 20, bytes: 60_000_000 })
    t.diagnostic(JSON.stringify(outcome))
    const { rssBeforeMb, rssMostMb, boundMb, latencyMs, counters } = outcome
    assert.ok(rssMostMb <= rssBeforeMb + boundMb + SLACK_MB, 'memory')
    assert.ok(
      (counters['delivery.dropped.slow-reader'] ?? 0) > 1000,
      'QoS 0 is dropped and counted',
    )
    const closed =
      (counters['connection.closed.queue-full'] ?? 0) +
      (counters['connection.closed.slow-reader'] ?? 0)
    assert.ok(closed >= 10, 'those that may lose nothing are closed')
    assert.ok(latencyMs.p99 < 1000, 'a client beside them is served') // the time itself is the long run's
    return undefined
  })
})
