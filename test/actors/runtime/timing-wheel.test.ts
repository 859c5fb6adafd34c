import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { TimingWheel } from '../../../actors/runtime/timing-wheel.ts'
import type { TimerEntry } from '../../../core/ports/timers.ts'
import { FakeClock } from '../../support/fake-clock.ts'

class Alarm implements TimerEntry {
  timerSlot = -1
  timerRounds = 0
  timerNext: TimerEntry | undefined = undefined
  timerPrevious: TimerEntry | undefined = undefined
  ringsAt: number[] = []
  readonly #clock: FakeClock

  constructor(clock: FakeClock) {
    this.#clock = clock
  }

  onTimer(): void {
    this.ringsAt.push(this.#clock.monotonic())
  }
}

describe('timing wheel', () => {
  it('rings each armed entry once, never early, at most two ticks late, whatever the mix', () => {
    const step = fc.record({
      alarm: fc.nat(9),
      action: fc.constantFrom('arm', 'disarm', 'wait'),
      seconds: fc.integer({ min: 1, max: 1300 }),
    })
    const inTime = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new FakeClock(0)
      const wheel = new TimingWheel(clock)
      const alarms = Array.from({ length: 10 }, () => new Alarm(clock))
      const due = new Map<Alarm, number>()
      const second = (): void => {
        clock.advance(1000)
        wheel.tick()
        for (const alarm of alarms) {
          const at = due.get(alarm)
          if (alarm.ringsAt.length > 0) {
            assert.ok(at !== undefined, 'rang without being armed')
            const [rang] = alarm.ringsAt.splice(0)
            assert.ok(rang !== undefined && rang >= at, `rang at ${rang}, due ${at}`)
            due.delete(alarm)
          } else if (at !== undefined) {
            assert.ok(
              clock.monotonic() <= at + 2000,
              `due ${at}, still silent at ${clock.monotonic()}`,
            )
          }
        }
      }
      for (const { alarm: index, action, seconds } of steps) {
        const alarm = alarms[index] as Alarm
        if (action === 'arm') {
          wheel.arm(alarm, seconds)
          due.set(alarm, clock.monotonic() + seconds * 1000)
        } else if (action === 'disarm') {
          wheel.disarm(alarm)
          due.delete(alarm)
        } else for (let i = 0; i < seconds % 50; i++) second()
      }
      for (let i = 0; i < 1310; i++) second()
      assert.equal(due.size, 0)
    })
    fc.assert(inTime, { numRuns: 40 })
  })

  it('lets an entry disarm its neighbour of the same second', () => {
    const clock = new FakeClock(0)
    const wheel = new TimingWheel(clock)
    const second = new Alarm(clock)
    const first = new Alarm(clock)
    first.onTimer = () => wheel.disarm(second)
    second.onTimer = () => wheel.disarm(first)
    wheel.arm(second, 5)
    wheel.arm(first, 5)
    clock.advance(10_000)
    wheel.tick()
    assert.ok(first.timerSlot === -1 && second.timerSlot === -1)
  })
})
