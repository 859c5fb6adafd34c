import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CustomDownlink } from '../../../core/domain/device-message.ts'
import { BLANK_STATE } from '../../../core/domain/device-state.ts'
import type { Device } from '../../../core/domain/registry.ts'
import { DeviceHouse, METER_KEY } from '../../support/device-house.ts'
import { RecordingLink } from '../../support/recording-link.ts'

async function setUp() {
  const house = await DeviceHouse.open()
  const meter = house.device('meter-1')
  return { house, meter }
}

const SET = { kind: 'property-set', values: { Count: 5 } } as const
const POST = { kind: 'property-post', id: '1', values: [] } as const

describe('live devices', () => {
  it('give a device to the newest connection; the older one ends first and speaks no more', async () => {
    const { house, meter } = await setUp()
    const first = RecordingLink.to(house, meter)
    const second = RecordingLink.to(house, meter)
    assert.deepEqual(first.closes, ['taken-over'])
    assert.deepEqual(first.session.uplink(POST), { kind: 'silent' })
    first.session.custom('user/a', new Uint8Array(1), 0)
    first.session.closed()
    assert.deepEqual(house.journal.statuses, [
      'meter-1 online',
      'meter-1 offline',
      'meter-1 online',
    ])
    const epochs = house.journal.entries.map(({ stamp }) => stamp.token.epoch)
    assert.deepEqual(epochs, [1, 1, 2])
    assert.deepEqual([house.devices.online, house.presence.isOnline(meter.number)], [1, true])
    second.session.closed()
    assert.deepEqual([house.devices.online, house.presence.isOnline(meter.number)], [0, false])
  })

  it('know a device that was online: now, or at any time that the store tells of', async () => {
    const { house, meter } = await setUp()
    const knows = (name: string): boolean => house.devices.knows(METER_KEY, name)
    assert.deepEqual(['meter-1', 'meter-2', 'nobody'].map(knows), [false, false, false])
    RecordingLink.to(house, meter).session.closed()
    assert.deepEqual(['meter-1', 'meter-2', 'nobody'].map(knows), [true, false, false])
    house.registry.states.set(house.device('meter-2').number, BLANK_STATE)
    assert.deepEqual(['meter-1', 'meter-2', 'nobody'].map(knows), [true, true, false])
  })

  it('close a connection whose actor fails, answer busy for a second, and go on from the same row', async () => {
    const { house, meter } = await setUp()
    const link = RecordingLink.to(house, meter)
    const other = RecordingLink.to(house, house.device('meter-2'))
    house.journal.failing = 'properties'
    assert.deepEqual(link.session.uplink(POST), { kind: 'silent' })
    house.journal.failing = undefined
    assert.deepEqual([link.closes, other.closes], [['failed'], []])
    assert.equal(RecordingLink.to(house, meter).claim?.kind, 'busy')
    house.clock.advance(999)
    assert.equal(RecordingLink.to(house, meter).claim?.kind, 'busy')
    house.clock.advance(1)
    assert.equal(RecordingLink.to(house, meter).claim?.kind, 'granted')
    assert.equal(house.tally.snapshot()['actor.failed'], 1)
    assert.match(house.diagnostics.lines[0] ?? '', /^error a device actor failed.*meter-1/)
  })

  it('keep presence and count right where even the status cannot be recorded', async () => {
    const { house, meter } = await setUp()
    const link = RecordingLink.to(house, meter)
    house.journal.failing = 'status'
    link.session.closed()
    assert.deepEqual([house.devices.online, house.presence.isOnline(meter.number)], [0, false])
    house.clock.advance(1000)
    const refused = RecordingLink.to(house, meter)
    assert.deepEqual([refused.claim?.kind, refused.closes], ['busy', []])
    assert.equal(house.devices.deliverCustom(customFor(meter)), 'offline')
    assert.deepEqual([house.devices.online, house.presence.isOnline(meter.number)], [0, false])
    house.journal.failing = undefined
    house.clock.advance(1000)
    assert.equal(RecordingLink.to(house, meter).claim?.kind, 'granted')
    assert.equal(house.devices.online, 1)
  })

  it('do not stay busy when somebody sets the clock back', async () => {
    const { house, meter } = await setUp()
    const link = RecordingLink.to(house, meter)
    house.journal.failing = 'properties'
    link.session.uplink(POST)
    house.clock.stepWallClock(-3_600_000)
    assert.equal(RecordingLink.to(house, meter).claim?.kind, 'granted')
  })

  it('let an actor go once its row is stored and nothing lives in it', async () => {
    const { house, meter } = await setUp()
    const link = RecordingLink.to(house, meter)
    house.checkpoint()
    assert.ok(await isLive(house, meter.number), 'it is connected')
    const waiting = house.devices.command(meter, SET, 3000)
    link.session.closed()
    assert.ok(await isLive(house, meter.number), 'its row is not stored')
    house.checkpoint()
    assert.ok(await isLive(house, meter.number), 'somebody awaits its reply')
    house.passSeconds(6)
    await assert.rejects(waiting, { code: 'command.no-reply' })
    assert.equal(await isLive(house, meter.number), false)
  })

  it('make no actor for a message to a device that is away', async () => {
    const { house, meter } = await setUp()
    house.registry.states.set(meter.number, BLANK_STATE)
    await assert.rejects(house.devices.command(meter, SET, 0), { code: 'device.offline' })
    await assert.rejects(house.devices.custom(meter, customFor(meter)), { code: 'device.offline' })
    assert.equal(await isLive(house, meter.number), false)
  })

  it('tell the truth of devices that a crash left online, once', async () => {
    const { house, meter } = await setUp()
    const token = { incarnation: 2, epoch: 7 }
    const row = {
      ...BLANK_STATE,
      token,
      version: 41,
      online: true,
      onlineAt: 5,
      address: '10.1.1.1',
    }
    house.registry.states.set(meter.number, row)
    assert.equal(house.devices.settle(meter.number), true)
    house.checkpoint()
    assert.equal(house.devices.settle(meter.number), false)
    const [entry, ...others] = house.journal.entries
    assert.equal(others.length, 0)
    assert.deepEqual(entry?.stamp, { token: { incarnation: 3, epoch: 1 }, version: 42 })
    assert.deepEqual(house.journal.statuses, ['meter-1 offline'])
    assert.equal(house.registry.state(meter.number)?.online, false)
    assert.equal(house.registry.state(meter.number)?.address, '10.1.1.1')
    assert.equal(house.presence.isOnline(meter.number), false)
  })

  it('close the connection of a device that is disabled or deleted, and forget the deleted one', async () => {
    const { house, meter } = await setUp()
    const other = house.device('meter-2')
    const [one, two] = [RecordingLink.to(house, meter), RecordingLink.to(house, other)]
    await house.devices.evict(meter, 'disabled')
    await house.devices.evict(other, 'deleted')
    assert.deepEqual([one.closes, two.closes], [['disabled'], ['deleted']])
    assert.equal((await house.devices.state(meter.number))?.online, false)
    assert.equal(await house.devices.state(other.number), undefined)
    assert.equal(house.devices.online, 0)
    await house.devices.evict(other, 'deleted')
  })

  it('check by the thing model as it is now', async () => {
    const { house, meter } = await setUp()
    const { session } = RecordingLink.to(house, meter)
    const post = { ...POST, values: [{ identifier: 'Temp', value: 1, timeMs: undefined }] }
    const rejected = (): number => {
      const answer = session.uplink(post)
      return answer.kind === 'accepted' ? answer.rejected.length : -1
    }
    assert.equal(rejected(), 0)
    await house.registry.putModel(METER_KEY, { properties: [], events: [], services: [] })
    assert.equal(rejected(), 0)
    await house.devices.productChanged(METER_KEY)
    assert.equal(rejected(), 1)
  })

  it('close everything at shutdown', async () => {
    const { house, meter } = await setUp()
    const links = [RecordingLink.to(house, meter), RecordingLink.to(house, house.device('meter-2'))]
    house.devices.closeAll()
    assert.deepEqual(
      links.map(({ closes }) => closes),
      [['shutdown'], ['shutdown']],
    )
    assert.equal(house.devices.online, 0)
  })
})

function customFor(device: Device): CustomDownlink {
  return { device, suffix: 'user/a', payload: new Uint8Array(1), qos: 0 }
}

/** A live actor answers with its own row, whatever the store says meanwhile. */
async function isLive(house: DeviceHouse, number: Parameters<DeviceHouse['devices']['state']>[0]) {
  const stored = house.registry.states.get(number)
  const marked = { ...(stored ?? BLANK_STATE), version: -1 }
  house.registry.states.set(number, marked)
  const seen = await house.devices.state(number)
  if (stored === undefined) house.registry.states.delete(number)
  else house.registry.states.set(number, stored)
  return seen !== marked
}
