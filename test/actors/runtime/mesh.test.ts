import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ShardGroup } from '../shard-group.ts'

const CHANNEL = 9

function setUp(windowBytes?: number): { group: ShardGroup; heard: string[] } {
  const group = new ShardGroup(2, windowBytes)
  const heard: string[] = []
  const { mesh } = group.shard(1)
  mesh.onControl(CHANNEL, (from, body) => heard.push(`${from} ${JSON.stringify(body)}`))
  mesh.onData(CHANNEL, (_from, buffer, start, end) =>
    heard.push(buffer.toString('utf8', start, end)),
  )
  return { group, heard }
}

function say(group: ShardGroup, text: string, overdraft = false): boolean {
  const bytes = Buffer.from(text)
  const room = group.shard(0).mesh.reserve(1, CHANNEL, bytes.length, overdraft)
  room?.buffer.set(bytes, room.at)
  return room !== undefined
}

describe('mesh', () => {
  it('sends what a turn gathered as one frame, in the order in which it was said', () => {
    const { group, heard } = setUp()
    const { mesh, turns } = group.shard(0)
    say(group, 'one')
    mesh.tell(1, CHANNEL, [1, null, 'ä', { a: undefined }])
    say(group, '')
    mesh.tell(1, CHANNEL, 'two')
    assert.equal(mesh.status()[0]?.framesOut, 0, 'nothing leaves before the turn ends')
    turns.settle()
    assert.equal(mesh.status()[0]?.framesOut, 1)
    group.settle()
    assert.deepEqual(heard, ['one', '0 [1,null,"ä",{}]', '', '0 "two"'])
    assert.equal(mesh.tell(5, CHANNEL, 1), false)
    assert.equal(mesh.reserve(5, CHANNEL, 1, true), undefined)
  })

  it('stops data without credit, lets control pass, and gives credit back in steps', () => {
    const { group, heard } = setUp(1000)
    const { mesh } = group.shard(0)
    let said = 0
    while (say(group, 'x'.repeat(95))) said += 1
    assert.equal(said, 10)
    assert.equal(mesh.hasCredit(1), false)
    let resumed = 0
    mesh.whenCredit(1, () => resumed++)
    const answers: unknown[] = []
    mesh.onControl(CHANNEL, (_from, body) => answers.push(body))
    group.shard(1).mesh.tell(0, CHANNEL, 'without a grant')
    group.shard(1).turns.settle()
    group.shard(0).lines.get(1)?.step()
    assert.deepEqual(answers, ['without a grant'])
    assert.equal(resumed, 0)
    assert.equal(say(group, 'over', true), true)
    mesh.tell(1, CHANNEL, 'control')
    group.shard(0).turns.settle()
    assert.equal(resumed, 0)
    group.settle()
    assert.equal(heard.length, 12)
    assert.equal(heard.at(-1), '0 "control"')
    assert.equal(resumed, 1)
    assert.equal(mesh.hasCredit(1), true)
    assert.equal(mesh.status()[0]?.creditBytes, 1000)
  })

  it('cuts frames at a mebibyte, and takes a message that is larger', () => {
    const { group, heard } = setUp(100_000_000)
    for (let i = 0; i < 5; i++) say(group, String(i).repeat(300_000))
    say(group, 'y'.repeat(3_000_000))
    say(group, 'end')
    group.settle()
    assert.deepEqual(
      heard.map((text) => text.length),
      [...Array.from({ length: 5 }, () => 300_000), 3_000_000, 3],
    )
    assert.ok((group.shard(0).mesh.status()[0]?.framesOut ?? 0) >= 3)
  })

  it('holds what a sync has to cover, and sends it behind that', () => {
    const { group, heard } = setUp()
    const { turns } = group.shard(0)
    turns.outcome = 'unsynced'
    say(group, 'covered')
    turns.settle()
    say(group, 'later')
    turns.settle()
    group.settle()
    assert.deepEqual(heard, [])
    turns.syncs.shift()?.(true)
    turns.settle()
    group.settle()
    assert.deepEqual(heard, ['covered'])
    turns.syncs.shift()?.(true)
    turns.settle()
    group.settle()
    assert.deepEqual(heard, ['covered', 'later'])
  })

  it('drops the data of a turn that could not be stored, never its control', () => {
    const { group, heard } = setUp()
    const { mesh, turns } = group.shard(0)
    const before = mesh.status()[0]?.creditBytes
    turns.outcome = 'failed'
    say(group, 'lost')
    mesh.tell(1, CHANNEL, 'kept')
    group.settle()
    assert.deepEqual(heard, ['0 "kept"'])
    assert.equal(mesh.status()[0]?.creditBytes, before)
  })

  it('forgets a peer that left, tells who waited for it, and handles what it had posted', () => {
    const { group, heard } = setUp(100)
    const { mesh, turns } = group.shard(0)
    say(group, 'x'.repeat(200))
    let resumed = 0
    mesh.whenCredit(1, () => resumed++)
    turns.settle()
    group.shard(1).mesh.drain(0)
    assert.equal(heard.length, 1)
    mesh.leave(1)
    assert.equal(resumed, 1)
    assert.deepEqual(mesh.peers, [])
    group.join(group.shard(0), group.shard(1))
    assert.equal(mesh.hasCredit(1), true)
    say(group, 'again')
    group.settle()
    assert.equal(heard.at(-1), 'again')
  })

  it('lets a receiver that throws lose nothing but its own message', () => {
    const { group, heard } = setUp()
    const { mesh } = group.shard(0)
    mesh.tell(1, 77, 'nobody hears this')
    mesh.tell(1, CHANNEL, 'this is heard')
    say(group, 'and this')
    assert.throws(() => group.settle(), /nobody hears control channel 77/)
    assert.deepEqual(heard, ['0 "this is heard"', 'and this'])
  })
})
