import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Uplink } from '../../../core/domain/device-message.ts'
import { applyChange, BLANK_STATE, type StateChange } from '../../../core/domain/device-state.ts'
import { compareStamps } from '../../../core/domain/token.ts'
import { DeviceHouse } from '../../support/device-house.ts'
import { RecordingLink } from '../../support/recording-link.ts'

const post = (values: Record<string, number>, timeMs?: number): Uplink => ({
  kind: 'property-post',
  id: '1',
  values: Object.entries(values).map(([identifier, value]) => ({ identifier, value, timeMs })),
})

async function online() {
  const house = await DeviceHouse.open()
  const meter = house.device('meter-1')
  const link = RecordingLink.to(house, meter)
  return { house, meter, link, session: link.session }
}

describe('device actor', () => {
  it('stamps every entry once, rising, over connects, failures and passivation', async () => {
    const steps = fc.constantFrom('connect', 'post', 'custom', 'leave', 'fail', 'store', 'wait')
    const house = await DeviceHouse.open(100)
    let next = 0
    const rising = fc.property(fc.array(steps, { maxLength: 40 }), (script) => {
      next = (next % 100) + 1
      const meter = house.device(`meter-${next}`)
      let link: RecordingLink | undefined
      for (const step of script) {
        const granted = link?.claim?.kind === 'granted'
        if (step === 'connect') link = RecordingLink.to(house, meter)
        else if (step === 'post' && granted) link?.session.uplink(post({ Temp: 1 }))
        else if (step === 'custom' && granted) link?.session.custom('user/a', new Uint8Array(1), 0)
        else if (step === 'leave' && granted) link?.session.closed()
        else if (step === 'fail' && granted) {
          house.journal.failing = 'properties'
          link?.session.uplink(post({ Temp: 1 }))
          house.journal.failing = undefined
        } else if (step === 'store') house.checkpoint()
        else if (step === 'wait') house.passSeconds(1)
      }
      link?.close('shutdown')
      house.checkpoint()
      const own = house.journal.entries.filter(({ deviceName }) => deviceName === meter.deviceName)
      for (const [i, { stamp }] of own.entries()) {
        const before = own[i - 1]?.stamp
        if (before === undefined) continue
        assert.ok(compareStamps(stamp, before) > 0 && stamp.version > before.version)
      }
      const replayed = own.reduce(
        (state, { stamp, kind, facts }) => applyChange(state, stamp, changeOf(kind, facts)),
        BLANK_STATE,
      )
      if (own.length > 0) assert.deepEqual(house.registry.state(meter.number), replayed)
    })
    fc.assert(rising, { numRuns: 100 })
  })

  it('keeps good values of a post and tells which were held back, and why', async () => {
    const { house, meter, session } = await online()
    const answer = session.uplink(post({ Temp: 21, Nothing: 1 }))
    assert.ok(answer.kind === 'accepted')
    assert.deepEqual(
      answer.rejected.map(({ identifier, code }) => [identifier, code]),
      [['Nothing', 6304]],
    )
    assert.equal((await house.devices.state(meter.number))?.properties['Temp']?.value, 21)
    assert.equal(house.tally.snapshot()['uplink.rejected.property-value'], 1)
  })

  it('keeps the value with the latest time, and none dated more than a day ahead', async () => {
    const { house, meter, session } = await online()
    const now = house.clock.now()
    session.uplink(post({ Temp: 1 }, now))
    session.uplink(post({ Temp: 2 }, now - 1))
    session.uplink(post({ Count: 3 }, now + 86_400_000))
    const late = session.uplink(post({ Count: 4 }, now + 86_400_001))
    assert.ok(late.kind === 'accepted' && late.rejected[0]?.code === 6326)
    const { Temp, Count } = (await house.devices.state(meter.number))?.properties ?? {}
    assert.deepEqual([Temp?.value, Count?.value], [1, 3])
  })

  it('records an event with its name and type, and refuses one that the thing model lacks', async () => {
    const { house, session } = await online()
    const event = { kind: 'event-post', id: 5, timeMs: undefined } as const
    const value = { Celsius: 90 }
    const good = session.uplink({ ...event, identifier: 'OverTemp', value })
    const bad = session.uplink({ ...event, identifier: 'OverTemp', value: { Celsius: 'hot' } })
    const unknown = session.uplink({ ...event, identifier: 'Nothing', value })
    assert.deepEqual(good, { kind: 'accepted', rejected: [] })
    assert.ok(bad.kind === 'accepted' && bad.rejected.length === 1)
    assert.ok(unknown.kind === 'refused' && unknown.code === 6304)
    const [first, ...others] = house.journal.entries.filter(({ kind }) => kind === 'event')
    const at = house.clock.now()
    const facts = {
      id: 5,
      at,
      identifier: 'OverTemp',
      name: 'Over temperature',
      type: 'alert',
      time: at,
    }
    assert.deepEqual(first?.facts, { ...facts, value, rejected: [] })
    assert.equal(others.length, 1)
  })

  it('remembers when the device was first online, last online and last offline, and from where', async () => {
    const { house, meter, session } = await online()
    const first = house.clock.now()
    house.passSeconds(5)
    session.closed()
    house.passSeconds(5)
    RecordingLink.to(house, meter, '198.51.100.9')
    const state = await house.devices.state(meter.number)
    assert.deepEqual(
      [state?.activatedAt, state?.offlineAt, state?.onlineAt, state?.online, state?.address],
      [first, first + 5000, first + 10_000, true, '198.51.100.9'],
    )
  })
})

function changeOf(kind: string, facts: unknown): StateChange {
  if (kind === 'status') return { kind: 'status', ...(facts as object) } as StateChange
  if (kind === 'properties') return { kind: 'properties', items: (facts as { items: never }).items }
  return { kind: 'none' }
}
