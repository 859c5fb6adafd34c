/** Retained messages of several shards that share a store: who knows what, and that all agree in the end. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { RetainedFigures } from '../../../actors/router/retained-figures.ts'
import { RetainedMessages } from '../../../actors/router/retained-messages.ts'
import { SharedRetained } from '../../../actors/router/shared-retained.ts'
import { MemoryRetained } from '../../support/memory-retained.ts'
import { publicationOf } from '../publications.ts'
import { GroupShard, ShardGroup } from '../shard-group.ts'

class RetainedHouse {
  readonly group: ShardGroup
  readonly store: MemoryRetained = new MemoryRetained()
  readonly figures: RetainedFigures = new RetainedFigures()
  readonly shards: { messages: RetainedMessages; shared: SharedRetained }[]
  overdrawn = 0

  constructor(count: number, windowBytes?: number) {
    this.group = new ShardGroup(count, windowBytes)
    this.shards = this.group.shards.map((shard) => this.make(shard))
  }

  make({ mesh, number }: GroupShard) {
    const shared = new SharedRetained(mesh, () => {
      this.overdrawn += 1
    })
    const messages = new RetainedMessages({
      shard: number,
      incarnation: 1,
      figures: this.figures,
      bounds: { messages: 1000, bytes: 1e9 },
      reader: this.store,
      sink: this.store,
      journal: () => {},
      announce: shared.announce,
      announceStored: shared.announceStored,
      now: () => this.group.clock.now(),
    })
    shared.serve(messages)
    return { messages, shared }
  }

  keep(shard: number, topic: string, payload: string): void {
    this.group.shard(shard).turns.turn.enter()
    assert.equal(this.shards[shard]?.messages.keep(0, topic, publicationOf(topic, payload)), 'kept')
  }

  async checkpoint(shard: number): Promise<void> {
    this.group.shard(shard).turns.turn.enter()
    await this.shards[shard]?.messages.share()?.store()
    this.figures.setTotals({ messages: this.store.messages, bytes: 0 })
  }

  /** `topic=payload` as a subscriber on that shard gets them. */
  known(shard: number): string[] {
    const { messages } = this.shards[shard] as { messages: RetainedMessages }
    const source = messages.matching(0, '#')
    const found: string[] = []
    for (let next = source.next(); next !== undefined; next = source.next()) {
      for (const p of next) {
        const text = (from: number, to: number): string =>
          Buffer.from(p.buffer.subarray(from, to)).toString()
        found.push(`${text(p.topicStart, p.topicEnd)}=${text(p.payloadStart, p.payloadEnd)}`)
      }
    }
    return found.sort()
  }
}

describe('retained messages of several shards', () => {
  it('are the same everywhere, and the last ones, whoever kept and stored them when', async () => {
    const step = fc.tuple(
      fc.constantFrom('keep', 'keep', 'remove', 'store', 'settle'),
      fc.nat(2),
      fc.nat(3),
    )
    const agree = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (script) => {
      const house = new RetainedHouse(3)
      const model = new Map<string, string>()
      for (const [i, [what, shard, topic]] of script.entries()) {
        if (what === 'settle') house.group.settle()
        else if (what === 'store') await house.checkpoint(shard)
        else {
          house.keep(shard, `t${topic}`, what === 'keep' ? `${i}` : '')
          if (what === 'keep') model.set(`t${topic}`, `${i}`)
          else model.delete(`t${topic}`)
        }
      }
      house.group.settle()
      const expected = [...model].map(([topic, payload]) => `${topic}=${payload}`).sort()
      for (const shard of [0, 1, 2]) assert.deepEqual(house.known(shard), expected)
      for (const shard of [0, 1, 2]) await house.checkpoint(shard)
      house.group.settle()
      for (const shard of [0, 1, 2]) {
        assert.deepEqual(house.known(shard), expected)
        assert.equal(house.shards[shard]?.messages.unstored, 0)
      }
    })
    await fc.assert(agree, { numRuns: 200 })
  })

  it('are told without credit too, and their source is held from reading then', () => {
    const house = new RetainedHouse(2, 4096)
    for (let i = 0; i < 100; i++) house.keep(0, `t${i}`, 'x'.repeat(100))
    assert.ok(house.overdrawn > 0)
    house.group.settle()
    assert.equal(house.known(1).length, 100)
  })

  it('are told to the successor of a shard that died, as far as the store has them not', async () => {
    const house = new RetainedHouse(2)
    house.keep(0, 'stored', '1')
    house.group.settle()
    await house.checkpoint(0)
    house.keep(0, 'young', '2')
    house.keep(1, 'of the dead', '3')
    house.group.settle()
    house.group.shard(0).mesh.leave(1)
    const successor = new GroupShard(1, house.group.clock, undefined)
    house.group.shards[1] = successor
    house.shards[1] = house.make(successor)
    house.group.join(house.group.shard(0), successor)
    const first = house.shards[0] as (typeof house.shards)[number]
    for (const row of first.messages.ownUnstored()) {
      await house.store.retain([]) // the log of the dead is replayed meanwhile
      first.shared.tell(1, row)
    }
    house.group.settle()
    assert.deepEqual(house.known(1), ['stored=1', 'young=2'])
    assert.deepEqual(house.known(0), ['of the dead=3', 'stored=1', 'young=2'])
    first.messages.stored(1, Number.POSITIVE_INFINITY)
    assert.equal(first.messages.unstored, 1)
  })
})
