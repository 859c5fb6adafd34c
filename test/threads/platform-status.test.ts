import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PlatformError } from '../../core/domain/errors.ts'
import type { ShardStatus } from '../../core/domain/status.ts'
import { PlatformStatus } from '../../threads/platform-status.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { shardStatus } from '../support/shard-status.ts'

interface Seat {
  stalled: boolean
  restarts: number
  asked: number
  status: () => Promise<ShardStatus>
}

function setUp(count: number): {
  readonly seats: readonly Seat[]
  readonly status: PlatformStatus
} {
  const seats = Array.from({ length: count }, (_, shard) => ({
    stalled: false,
    restarts: 0,
    asked: 0,
    status: () => Promise.resolve(shardStatus({ shard, devicesOnline: 10 + shard })),
  }))
  const status = new PlatformStatus({
    version: '1.2.3',
    durability: 'commit',
    shards: {
      count,
      control: (shard) => ({
        status: () => {
          const seat = seats[shard] as Seat
          seat.asked += 1
          return seat.status()
        },
      }),
      seat: (shard) => seats[shard] as Seat,
    },
    recovery: { entries: 3, rows: 2, tookMs: 1 },
    registered: () => 50,
    clock: new FakeClock(),
    answerMs: 20,
  })
  return { seats, status }
}

describe('PlatformStatus', () => {
  it('puts together what every shard says, with what the process knows', async () => {
    const { status } = setUp(3)
    const report = await status.read()
    assert.deepEqual(
      report.shards.map(({ shard, state }) => [shard, state]),
      [
        [0, 'serving'],
        [1, 'serving'],
        [2, 'serving'],
      ],
    )
    assert.deepEqual(report.devices, { registered: 50, online: 33 })
    assert.equal(report.recovery.entries, 3)
    assert.ok(report.memory.rssBytes > 1_000_000 && report.cpu.userSec > 0)
  })

  it('does not wait for a shard that gives no answer, and asks it again once it has', async () => {
    const { seats, status } = setUp(2)
    await status.read()
    const [, slow] = seats as [Seat, Seat]
    const answerAtOnce = slow.status
    let answer: (status: ShardStatus) => void = () => {}
    slow.status = () =>
      new Promise((resolve) => {
        answer = resolve
      })
    const started = performance.now()
    const report = await status.read()
    assert.ok(performance.now() - started < 1000)
    assert.deepEqual(report.shards[1], {
      shard: 1,
      state: 'stalled',
      restarts: 0,
      devicesOnline: 11,
    })
    assert.equal(report.shards[0]?.state, 'serving')
    assert.equal((await status.read()).shards[1]?.state, 'stalled')
    assert.equal(slow.asked, 2, 'no second request while one is open')
    answer(shardStatus({ shard: 1 }))
    await new Promise((resolve) => setImmediate(resolve))
    slow.status = answerAtOnce
    assert.equal((await status.read()).shards[1]?.state, 'serving')
  })

  it('does not even ask one that is known to stand still', async () => {
    const { seats, status } = setUp(2)
    const [stalled] = seats as [Seat, Seat]
    stalled.stalled = true
    const report = await status.read()
    assert.deepEqual([report.shards[0]?.state, stalled.asked], ['stalled', 0])
  })

  it('shows a shard that is being replaced, and its restarts afterwards', async () => {
    const { seats, status } = setUp(1)
    const [seat] = seats as [Seat]
    const serve = seat.status
    seat.status = () => Promise.reject(new PlatformError('thread.failed', 'it ended by itself'))
    assert.equal((await status.read()).shards[0]?.state, 'starting')
    seat.status = serve
    seat.restarts = 1
    const [shard] = (await status.read()).shards
    assert.deepEqual([shard?.state, shard?.restarts], ['serving', 1])
  })

  it('fails once the platform is closed', async () => {
    const { seats, status } = setUp(1)
    const [seat] = seats as [Seat]
    seat.status = () => Promise.reject(new PlatformError('platform.closed', 'closed'))
    await assert.rejects(status.read(), /closed/)
  })
})
