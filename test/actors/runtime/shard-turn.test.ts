import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ShardTurn } from '../../../actors/runtime/shard-turn.ts'
import type { TurnReader, TurnWriter } from '../../../core/ports/turn.ts'
import type { CommitOutcome, TurnLog } from '../../../core/ports/turn-log.ts'
import { FakeClock } from '../../support/fake-clock.ts'

/** A log whose commits and syncs answer what the test says, when it says so. */
class ScriptedLog implements TurnLog {
  outcome: CommitOutcome = 'stored'
  readonly syncs: ((synced: boolean) => void)[] = []

  commit(): CommitOutcome {
    return this.outcome
  }

  sync(done: (synced: boolean) => void): void {
    this.syncs.push(done)
  }
}

class Writer implements TurnWriter {
  gathered: string[] = []
  held: string[] | undefined
  written: string[] = []
  discarded = false

  say(turn: ShardTurn, text: string): void {
    this.gathered.push(text)
    turn.writeLater(this)
  }

  hold(): void {
    this.held = this.gathered
    this.gathered = []
  }

  flush(): void {
    this.written.push(...(this.held ?? this.gathered))
    if (this.held === undefined) this.gathered = []
    this.held = undefined
  }

  discard(): void {
    this.discarded = true
  }
}

function setUp() {
  const clock = new FakeClock()
  const log = new ScriptedLog()
  const ends: (() => void)[] = []
  const counts: string[] = []
  const turn = new ShardTurn({
    clock,
    log,
    counters: { add: (name, reason) => counts.push(`${name}.${reason}`) },
    schedule: (end) => ends.push(end),
    onFlushed: () => counts.push('flushed'),
  })
  return { clock, log, turn, counts, endTurn: () => ends.shift()?.() }
}

describe('shard turn', () => {
  it('writes nothing before the record is stored, and everything after', () => {
    const { turn, endTurn } = setUp()
    const writer = new Writer()
    writer.say(turn, 'ack 1')
    assert.deepEqual(writer.written, [])
    endTurn()
    assert.deepEqual(writer.written, ['ack 1'])
  })

  it('holds back what waits for a sync, and lets nothing of later turns slip through with it', () => {
    const { turn, log, endTurn } = setUp()
    log.outcome = 'unsynced'
    const writer = new Writer()
    writer.say(turn, 'ack 1')
    endTurn()
    writer.say(turn, 'ack 2')
    endTurn()
    writer.say(turn, 'ack 3, of a turn that is still open when the sync is done')
    assert.equal(log.syncs.length, 1)
    log.syncs[0]?.(true)
    assert.deepEqual(writer.written, [])
    endTurn()
    assert.deepEqual(writer.written, ['ack 1'])
    assert.equal(log.syncs.length, 2)
    log.syncs[1]?.(true)
    endTurn()
    assert.equal(writer.written.length, 3)
  })

  it('keeps the order of a connection when a turn without entries follows an unsynced one', () => {
    const { turn, log, endTurn } = setUp()
    const writer = new Writer()
    log.outcome = 'unsynced'
    writer.say(turn, 'ack')
    endTurn()
    log.outcome = 'empty'
    writer.say(turn, 'pong')
    endTurn()
    assert.deepEqual(writer.written, [])
    log.syncs[0]?.(true)
    endTurn()
    log.syncs[1]?.(true)
    endTurn()
    assert.deepEqual(writer.written, ['ack', 'pong'])
  })

  it('discards what a failed record or a failed sync would have acknowledged', () => {
    const { turn, log, endTurn, counts } = setUp()
    const append = new Writer()
    log.outcome = 'failed'
    append.say(turn, 'ack')
    endTurn()
    const sync = new Writer()
    log.outcome = 'unsynced'
    sync.say(turn, 'ack')
    endTurn()
    log.syncs[0]?.(false)
    endTurn()
    assert.ok(append.discarded && sync.discarded)
    assert.deepEqual([append.written, sync.written], [[], []])
    const failures = counts.filter((count) => count !== 'flushed')
    assert.deepEqual(failures, ['turn.failed.log-append', 'turn.failed.log-sync'])
  })

  it('stops a socket at 64 KiB of its own, all at 1 MiB or 2 ms, and resumes them round robin', () => {
    const { clock, turn, endTurn } = setUp()
    const resumed: number[] = []
    const reader = (id: number): TurnReader => ({ resumeReading: () => resumed.push(id) })
    assert.equal(turn.spend(reader(1), 1000, 1000), true)
    assert.equal(turn.spend(reader(1), 65_000, 66_000), false)
    assert.equal(turn.spend(reader(2), 983_000, 10), false)
    endTurn()
    assert.equal(turn.spend(reader(3), 10, 10), true)
    clock.advance(3)
    assert.equal(turn.spend(reader(3), 10, 20), false)
    endTurn()
    assert.deepEqual(resumed, [1, 2, 3])
    for (let id = 10; id < 50; id++) turn.spend(reader(id), 65_536, 65_536)
    resumed.length = 0
    endTurn()
    assert.equal(resumed.length, 16)
    endTurn()
    endTurn()
    assert.deepEqual(
      resumed,
      Array.from({ length: 40 }, (_, i) => i + 10),
    )
  })

  it('resumes a reader once that ran over the budget again and again', () => {
    const { turn, endTurn } = setUp()
    let resumed = 0
    const reader: TurnReader = { resumeReading: () => (resumed += 1) }
    for (let i = 0; i < 100; i++) assert.equal(turn.spend(reader, 70_000, 70_000), false)
    for (let i = 0; i < 10; i++) endTurn()
    assert.equal(resumed, 1)
  })

  it('lets output memory be used again only once nobody has anything in it', () => {
    const { turn, log, counts, endTurn } = setUp()
    const heir = new Writer()
    const writer = new Writer()
    writer.discard = () => heir.say(turn, 'the will of a connection that could not be kept')
    log.outcome = 'failed'
    writer.say(turn, 'ack')
    endTurn()
    assert.ok(!counts.includes('flushed'))
    log.outcome = 'unsynced'
    endTurn()
    assert.ok(!counts.includes('flushed'), 'it waits for the disk')
    log.syncs[0]?.(true)
    endTurn()
    assert.equal(heir.written.length, 1)
    assert.ok(counts.includes('flushed'))
  })

  it('says what time it is as of its begin, by both clocks', () => {
    const { clock, turn, endTurn } = setUp()
    turn.enter()
    const { now, monotonic } = turn
    clock.advance(5)
    clock.stepWallClock(1000)
    turn.enter()
    assert.deepEqual([turn.now, turn.monotonic], [now, monotonic])
    endTurn()
    turn.enter()
    assert.deepEqual([turn.now - now, turn.monotonic - monotonic], [1005, 5])
  })
})
