import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Tally } from '../../../actors/runtime/tally.ts'
import { Entrance, type Lane } from '../../../protocol/mqtt/entrance.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { ManualTurns } from '../../support/manual-turns.ts'

/** An entrance whose turns are the test's. */
class House {
  readonly clock: FakeClock = new FakeClock()
  readonly turns: ManualTurns = new ManualTurns(this.clock, new Tally(), () => {})
  readonly entered: string[] = []
  readonly entrance: Entrance
  readonly #slices: (() => void)[] = []

  constructor(limit = 1000) {
    const { clock } = this
    const { turn } = this.turns
    const schedule = (slice: () => void): void => void this.#slices.push(slice)
    this.entrance = new Entrance({ clock, turn, schedule, limit, shedding: () => false })
  }

  /** One whose work takes so long. */
  newcomer(name: string, takesMs = 0.5): { enter: () => void } {
    return {
      enter: () => {
        this.entered.push(name)
        this.clock.advance(takesMs)
      },
    }
  }

  wait(lane: Lane, count: number, takesMs?: number): void {
    for (let i = 0; i < count; i++) this.entrance.wait(this.newcomer(lane, takesMs), lane)
  }

  /** Those that come in in the next turn. */
  nextTurn(): string[] {
    this.turns.settle()
    this.turns.turn.enter()
    const before = this.entered.length
    for (const slice of this.#slices.splice(0)) slice()
    return this.entered.slice(before)
  }

  untilEmpty(): string[][] {
    const turns: string[][] = []
    while (this.entrance.waiting > 0) turns.push(this.nextTurn())
    return turns
  }
}

describe('the entrance', () => {
  it('is free until newcomers have had their share of the turn, and again in the next turn', () => {
    const { entrance, turns, clock } = new House()
    turns.turn.enter()
    for (let i = 0; i < 4; i++) {
      assert.equal(entrance.free, true)
      entrance.begin()
      clock.advance(0.5)
      entrance.end('stranger')
    }
    assert.equal(entrance.free, false)
    turns.settle()
    turns.turn.enter()
    assert.equal(entrance.free, true)
  })

  it('is not free while others wait: nobody overtakes', () => {
    const house = new House()
    house.turns.turn.enter()
    house.wait('stranger', 1)
    assert.equal(house.entrance.free, false)
    house.nextTurn()
    assert.equal(house.entrance.free, true)
  })

  it('lets in as many a turn as fit into 2 ms, all in order, at least one', () => {
    const house = new House()
    house.wait('known', 9)
    assert.deepEqual(
      house.untilEmpty().map(({ length }) => length),
      [4, 4, 1],
    )
    house.wait('known', 3, 30)
    assert.deepEqual(
      house.untilEmpty().map(({ length }) => length),
      [1, 1, 1],
    )
  })

  it('counts a handshake for half a millisecond at least: it is worked on out of its sight', () => {
    const house = new House()
    house.wait('handshake', 10, 0)
    assert.deepEqual(
      house.untilEmpty().map(({ length }) => length),
      [4, 4, 2],
    )
  })

  it('serves known ones before strangers, and strangers all the same', () => {
    const house = new House()
    house.wait('stranger', 100)
    house.wait('handshake', 100)
    house.wait('known', 100)
    const order = house.untilEmpty().flat()
    const among = (lane: string, first: number): number =>
      order.slice(0, first).filter((one) => one === lane).length
    assert.deepEqual(
      [among('known', 100), among('handshake', 100), among('stranger', 100)],
      [40, 40, 20],
    )
    assert.equal(order.length, 300)
    house.wait('stranger', 8)
    assert.deepEqual(house.nextTurn().length, 4, 'a lane without others has all of the time')
  })

  it('keeps the order of a lane over many that come and leave between', () => {
    const house = new House()
    const names = Array.from({ length: 500 }, (_, i) => `${i}`)
    const all = names.map((name) => house.newcomer(name))
    all.forEach((one, i) => {
      house.entrance.wait(one, 'known')
      if (i % 5 === 4) house.nextTurn()
      if (i % 7 === 6) house.entrance.leave(all[i] as (typeof all)[number])
    })
    house.untilEmpty()
    const sorted = [...house.entered].sort((a, b) => Number(a) - Number(b))
    assert.deepEqual(house.entered, sorted)
    const stayed = names.filter((_, i) => i % 7 !== 6 || house.entered.includes(`${i}`))
    assert.deepEqual(house.entered, stayed)
    assert.ok(house.entered.length < 500)
  })

  it('takes no more than its bound', () => {
    const house = new House(3)
    const one = house.newcomer('one')
    assert.equal(house.entrance.wait(one, 'known'), true)
    house.wait('handshake', 2)
    assert.equal(house.entrance.wait(house.newcomer('late'), 'known'), false)
    house.entrance.leave(one)
    assert.equal(house.entrance.wait(house.newcomer('again'), 'known'), true)
    assert.deepEqual(house.untilEmpty().flat().sort(), ['again', 'handshake', 'handshake'])
  })
})
