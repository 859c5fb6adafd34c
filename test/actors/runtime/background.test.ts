import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Background } from '../../../actors/runtime/background.ts'
import { FakeClock } from '../../support/fake-clock.ts'

function house() {
  const clock = new FakeClock()
  const slices: (() => void)[] = []
  const background = new Background(clock, (slice) => slices.push(slice))
  const done: string[] = []
  /** `count` steps of `ms` each. */
  const work = (name: string, count: number, ms: number): void => {
    let left = count
    background.add(() => {
      clock.advance(ms)
      done.push(name)
      left -= 1
      return left > 0
    })
  }
  return { background, slices, done, work }
}

describe('background work', () => {
  it('takes a step of each in turn, and no more in a slice than its time', () => {
    const { background, slices, done, work } = house()
    work('a', 3, 0.4)
    work('b', 2, 0.4)
    assert.equal(slices.length, 1, 'asked for once')
    slices.shift()?.()
    assert.deepEqual(done, ['a', 'b', 'a'])
    assert.equal(slices.length, 1)
    slices.shift()?.()
    assert.deepEqual(done, ['a', 'b', 'a', 'b', 'a'])
    assert.deepEqual([slices.length, background.size], [0, 0])
  })

  it('takes one step at least, however long it is, and goes on with the others first', () => {
    const { slices, done, work } = house()
    for (const name of ['a', 'b', 'c']) work(name, 2, 5)
    while (slices.length > 0) slices.shift()?.()
    assert.deepEqual(done, ['a', 'b', 'c', 'a', 'b', 'c'])
  })
})
