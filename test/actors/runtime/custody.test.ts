import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type Claimant,
  type Custodian,
  Custody,
  MAX_ASKS,
} from '../../../actors/runtime/custody.ts'
import {
  asked,
  given,
  hasCustody,
  held,
  ownerOf,
  UNOWNED,
} from '../../../actors/runtime/presence-table.ts'
import { type GroupShard, ShardGroup } from '../shard-group.ts'

const CHANNEL = 1
const NUMBER = 7

/** What happened on one shard, in order, in a word each. */
class Keeper implements Custodian {
  readonly custody: Custody
  readonly said: string[] = []
  readonly rows = new Map<number, unknown>()

  constructor(shard: GroupShard, group: ShardGroup) {
    const { number, mesh, timers } = shard
    const { presence } = group
    this.custody = new Custody({
      shard: number,
      presence,
      mesh,
      channel: CHANNEL,
      timers,
      custodian: this,
    })
  }

  surrender(number: number): unknown {
    this.said.push('surrender')
    const row = this.rows.get(number)
    this.rows.delete(number)
    return row
  }

  adopt(number: number, row: unknown): void {
    this.said.push('adopt')
    this.rows.set(number, row)
  }

  rest(): void {
    this.said.push('rest')
  }

  claim(): void {
    this.custody.claim(NUMBER, this.claimant)
  }

  get claimant(): Claimant {
    return {
      granted: () => this.said.push('granted'),
      busy: () => this.said.push('busy'),
      superseded: () => this.said.push('superseded'),
    }
  }
}

function setUp(count = 3): { group: ShardGroup; keepers: [Keeper, Keeper, Keeper] } {
  const group = new ShardGroup(count)
  const keepers = group.shards.map((shard) => new Keeper(shard, group))
  return { group, keepers: keepers as [Keeper, Keeper, Keeper] }
}

describe('custody of a number', () => {
  it('is taken from the store where nobody has it, and kept where it is', () => {
    const { group, keepers } = setUp()
    keepers[1].claim()
    keepers[1].claim()
    assert.deepEqual(keepers[1].said, ['granted', 'granted'])
    assert.equal(group.presence.word(NUMBER), held(1, false))
    assert.equal(keepers[0].custody.take(NUMBER), false)
  })

  it('moves with its row, and the claim is granted when the row is there', () => {
    const { group, keepers } = setUp()
    const [a, b] = keepers
    a.claim()
    a.rows.set(NUMBER, { value: 5 })
    a.custody.setOnline(NUMBER, true)
    b.claim()
    assert.equal(group.presence.word(NUMBER), asked(0, 1, true))
    assert.equal(group.presence.isOnline(NUMBER), true)
    assert.deepEqual(b.said, [], 'nothing is granted before custody has come')
    group.settle()
    assert.deepEqual(a.said, ['granted', 'surrender'])
    assert.deepEqual(b.said, ['adopt', 'granted'])
    assert.deepEqual(b.rows.get(NUMBER), { value: 5 })
    assert.equal(group.presence.word(NUMBER), held(1, false))
  })

  it('goes to the latest of several that ask', () => {
    const { group, keepers } = setUp()
    const [a, b, c] = keepers
    a.claim()
    b.claim()
    c.claim()
    group.settle()
    assert.deepEqual(b.said, ['superseded'])
    assert.deepEqual(c.said, ['granted'])
    assert.equal(ownerOf(group.presence.word(NUMBER)), 2)
  })

  it('stays where a connect of the owner overtakes the ask of another', () => {
    const { group, keepers } = setUp()
    const [a, b] = keepers
    a.claim()
    b.claim()
    a.claim()
    group.settle()
    assert.deepEqual(a.said, ['granted', 'granted'])
    assert.deepEqual(b.said, ['superseded'])
  })

  it('is passed on by who is asked while it waits itself; its own connect is closed', () => {
    const { group, keepers } = setUp()
    const [a, b, c] = keepers
    a.claim()
    a.rows.set(NUMBER, 'row')
    b.claim()
    group.shard(0).turns.settle()
    group.shard(1).turns.settle()
    group.shard(0).lines.get(1)?.step() // A gives; the row is on its way to B
    group.shard(0).turns.settle()
    assert.equal(group.presence.word(NUMBER), given(0, 1))
    c.claim() // asks B, which has nothing yet
    group.shard(2).turns.settle()
    group.shard(1).lines.get(2)?.step()
    assert.deepEqual(b.said, ['superseded'])
    group.settle()
    assert.deepEqual(b.said, ['superseded', 'adopt', 'surrender'])
    assert.deepEqual(c.said, ['adopt', 'granted'])
    assert.equal(c.rows.get(NUMBER), 'row')
  })

  it('is not taken from a shard that stands still: busy, and the wish is withdrawn', () => {
    const { group, keepers } = setUp()
    const [a, b] = keepers
    a.claim()
    a.custody.setOnline(NUMBER, true)
    group.shard(0).stalled = true
    b.claim()
    group.passSeconds(4)
    assert.deepEqual(b.said, ['busy'])
    assert.equal(group.presence.word(NUMBER), held(0, true))
    group.shard(0).stalled = false
    group.settle()
    assert.deepEqual(a.said, ['granted'], 'the ask that was withdrawn moves nothing')
    assert.equal(b.custody.counts.waiting, 0)
  })

  it('rests where it comes after the connect was refused', () => {
    const { group, keepers } = setUp()
    const [a, b] = keepers
    a.claim()
    a.rows.set(NUMBER, 'row')
    b.claim()
    group.shard(1).turns.settle()
    group.shard(0).lines.get(1)?.step()
    group.shard(0).turns.settle()
    group.shard(0).stalled = true
    group.clock.advance(4000)
    group.shard(1).timers.tick()
    assert.deepEqual(b.said, ['busy'])
    group.settle()
    assert.deepEqual(b.said, ['busy', 'adopt', 'rest'])
    assert.equal(hasCustody(group.presence.word(NUMBER), 1), true)
  })

  it('answers an ask that was withdrawn and said again once', () => {
    const { group, keepers } = setUp()
    const [a, b] = keepers
    a.claim()
    group.shard(0).stalled = true
    b.claim()
    group.passSeconds(4)
    b.claim()
    group.shard(0).stalled = false
    group.settle()
    assert.deepEqual(b.said, ['busy', 'granted'])
    assert.deepEqual(a.said, ['granted', 'surrender'])
    group.passSeconds(4)
    assert.deepEqual(b.said, ['busy', 'granted'])
  })

  it('lets one connect of a shard wait: a later one closes it', () => {
    const { group, keepers } = setUp()
    const [a, b] = keepers
    a.claim()
    b.claim()
    b.claim()
    group.settle()
    assert.deepEqual(b.said, ['superseded', 'granted'])
  })

  it('comes from the store where its shard has died, for those that wait, too', () => {
    const { group, keepers } = setUp()
    const [a, b, c] = keepers
    a.claim()
    group.shard(0).stalled = true
    b.claim()
    for (const keeper of [b, c]) keeper.custody.peerGone(0)
    for (const { mesh } of [group.shard(1), group.shard(2)]) mesh.leave(0)
    group.presence.swap(NUMBER, group.presence.word(NUMBER), UNOWNED)
    for (const keeper of [b, c]) keeper.custody.peerRecovered()
    assert.deepEqual(b.said, ['granted'])
    c.claim()
    group.settle()
    assert.deepEqual(c.said, ['granted'])
  })

  it('refuses at once where too many asks towards a shard have no answer', () => {
    const { group, keepers } = setUp(2)
    const [a, b] = keepers
    group.shard(0).stalled = true
    let busy = 0
    const claimant: Claimant = { granted: () => {}, busy: () => busy++, superseded: () => {} }
    a.claim()
    for (let i = 0; i < MAX_ASKS + 5; i++) {
      b.custody.claim(NUMBER, claimant)
      b.custody.abandon(NUMBER)
    }
    assert.equal(busy, 5)
    assert.equal(group.presence.word(NUMBER), held(0, false))
    group.shard(0).stalled = false
    group.settle()
    b.claim()
    group.settle()
    assert.equal(b.said.at(-1), 'granted')
  })
})
