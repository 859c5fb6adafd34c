import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type GroupShard, ShardGroup } from '../shard-group.ts'

const CHANNEL = 9

interface House {
  readonly group: ShardGroup
  readonly a: GroupShard
  readonly b: GroupShard
  /** What `b` hears; 'boom' makes it throw. */
  readonly heard: string[]
}

function setUp(windowBytes?: number): House {
  const group = new ShardGroup(2, windowBytes)
  const [a, b] = [group.shard(0), group.shard(1)]
  const heard: string[] = []
  const hear = (text: string): void => {
    heard.push(text)
    if (text === 'boom') throw new Error('boom')
  }
  b.mesh.onControl(CHANNEL, (_from, body) => hear(String(body)))
  b.mesh.onData(CHANNEL, (_from, buffer, start, end) => hear(buffer.toString('utf8', start, end)))
  return { group, a, b, heard }
}

function say({ mesh }: GroupShard, text: string): void {
  const room = mesh.reserve(1, CHANNEL, text.length, true)
  room?.buffer.write(text, room.at)
}

describe('mesh, where something fails', () => {
  it('tells who waits for credit when dropped data gives it back', () => {
    const { group, a } = setUp(100)
    say(a, 'x'.repeat(200))
    let resumed = 0
    a.mesh.whenCredit(1, () => resumed++)
    a.turns.outcome = 'failed'
    group.settle()
    assert.equal(a.mesh.status()[0]?.creditBytes, 100)
    assert.equal(resumed, 1)
  })

  it('hears all that a dead peer had posted, though a receiver throws', () => {
    const { a, b, heard } = setUp()
    for (const text of ['boom', 'row']) {
      a.mesh.tell(1, CHANNEL, text)
      a.turns.settle()
    }
    assert.throws(() => b.mesh.drain(0), /boom/)
    assert.deepEqual(heard, ['boom', 'row'])
  })

  it('says of every receiver of a frame that it threw', () => {
    const { group, a, heard } = setUp()
    for (const text of ['boom', 'between', 'boom']) a.mesh.tell(1, CHANNEL, text)
    assert.throws(
      () => group.settle(),
      (error) => error instanceof AggregateError && error.errors.length === 2,
    )
    assert.deepEqual(heard, ['boom', 'between', 'boom'])
  })

  it('hears the whole frame and resumes the others, though one who waits throws', () => {
    const { group, a, b } = setUp(100)
    const got: unknown[] = []
    a.mesh.onControl(CHANNEL, (_from, body) => got.push(body))
    say(a, 'x'.repeat(200))
    let resumed = 0
    a.mesh.whenCredit(1, () => {
      throw new Error('cannot resume')
    })
    a.mesh.whenCredit(1, () => resumed++)
    a.turns.settle()
    b.lines.get(0)?.step()
    b.mesh.tell(0, CHANNEL, 'beside the grant')
    assert.throws(() => group.settle(), /cannot resume/)
    assert.deepEqual(got, ['beside the grant'])
    assert.equal(resumed, 1)
  })

  it('keeps what earlier turns hold for their sync where a later turn fails', () => {
    const { group, a, heard } = setUp()
    a.turns.outcome = 'unsynced'
    say(a, 'data 1')
    a.mesh.tell(1, CHANNEL, 'control 1')
    a.turns.settle()
    a.turns.outcome = 'failed'
    say(a, 'data 2')
    a.mesh.tell(1, CHANNEL, 'control 2')
    group.settle()
    assert.deepEqual(heard, [], 'no control overtakes the sync of what was said before it')
    a.turns.outcome = 'empty'
    a.turns.syncs.shift()?.(true)
    group.settle()
    assert.deepEqual(heard, ['data 1', 'control 1', 'control 2'])
  })

  it('drops the data of a failed turn behind one that waits for the next sync', () => {
    const { group, a, heard } = setUp()
    a.turns.outcome = 'unsynced'
    a.turns.turn.enter()
    a.turns.turn.writeLater({ flush() {}, hold() {}, discard() {} })
    a.turns.settle()
    assert.equal(a.turns.syncs.length, 1, 'a sync is under way')
    say(a, 'waits for the next')
    a.turns.settle()
    a.turns.outcome = 'failed'
    say(a, 'fails')
    a.turns.settle()
    a.turns.outcome = 'empty'
    for (let i = 0; i < 2; i++) {
      a.turns.syncs.shift()?.(true)
      group.settle()
    }
    assert.deepEqual(heard, ['waits for the next'])
  })

  it('drops the data of turns whose sync failed, and of no later one', () => {
    const { group, a, heard } = setUp()
    a.turns.outcome = 'unsynced'
    say(a, 'data 1')
    a.mesh.tell(1, CHANNEL, 'control 1')
    a.turns.settle()
    say(a, 'data 2')
    a.turns.settle()
    a.turns.outcome = 'empty'
    a.turns.syncs.shift()?.(false)
    group.settle()
    a.turns.syncs.shift()?.(true)
    group.settle()
    assert.deepEqual(heard, ['control 1', 'data 2'])
  })

  it('says what a body was when it was told', () => {
    const { group, a, heard } = setUp()
    const body = ['before']
    a.mesh.tell(1, CHANNEL, body)
    body[0] = 'after'
    group.settle()
    assert.deepEqual(heard, ['before'])
  })

  it('refuses a body that cannot be encoded to whoever tells it, and loses nothing else', () => {
    const { group, a, heard } = setUp()
    a.mesh.tell(1, CHANNEL, 'row')
    assert.throws(() => a.mesh.tell(1, CHANNEL, 2n ** 70n))
    group.settle()
    assert.deepEqual(heard, ['row'])
  })

  it('refuses to be wired wrongly', () => {
    const { group, a, b } = setUp()
    const internal = { code: 'internal' }
    assert.throws(() => b.mesh.onControl(CHANNEL, () => {}), internal)
    assert.throws(() => a.mesh.onData(0, () => {}), internal)
    assert.throws(() => a.mesh.onData(256, () => {}), internal)
    assert.throws(() => group.join(a, a), internal)
    a.mesh.reserve(1, 77, 0, false)
    assert.throws(() => group.settle(), internal)
  })

  it('drops what was gathered for a shard that was replaced, and forgets its debts', () => {
    const { group, a, b, heard } = setUp(100)
    say(a, 'x'.repeat(200))
    a.mesh.tell(1, CHANNEL, 'for the one before')
    let hadCredit: boolean | undefined
    a.mesh.whenCredit(1, () => {
      hadCredit = a.mesh.hasCredit(1)
    })
    group.join(a, b)
    assert.equal(hadCredit, true, 'who waited finds the new peer')
    say(a, 'for the new one')
    group.settle()
    assert.deepEqual(heard, ['for the new one'])
    assert.deepEqual(a.mesh.peers, [1])
  })
})
