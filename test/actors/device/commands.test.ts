import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CommandReply } from '../../../core/domain/device-message.ts'
import { DeviceHouse } from '../../support/device-house.ts'
import { RecordingLink } from '../../support/recording-link.ts'

const SET = { kind: 'property-set', values: { Count: 5 } } as const
const reply = (id: string | number): CommandReply => ({
  kind: 'command-reply',
  id,
  service: undefined,
  code: 200,
  message: 'success',
  data: { done: true },
})

async function online() {
  const house = await DeviceHouse.open()
  const meter = house.device('meter-1')
  const link = RecordingLink.to(house, meter)
  return { house, meter, link, session: link.session }
}

describe('commands', () => {
  it('are answered by the reply that carries their id, in any order', async () => {
    const { house, meter, link, session } = await online()
    const [first, second] = [1, 2].map(() => house.devices.command(meter, SET, 5000))
    const [one, two] = link.commands.map(({ id }) => id)
    assert.notEqual(one, two)
    session.uplink(reply(two as string))
    session.uplink(reply(one as string))
    const facts = { kind: 'answered', code: 200, message: 'success', data: { done: true } }
    assert.deepEqual(await second, { ...facts, id: two })
    assert.deepEqual(await first, { ...facts, id: one })
  })

  it('that nobody waits for are told as sent, and need no room', async () => {
    const { house, meter, link } = await online()
    for (let i = 0; i < 5; i++) {
      const outcome = await house.devices.command(meter, SET, 0)
      assert.deepEqual(outcome, { kind: 'sent', id: link.commands[i]?.id })
    }
  })

  it('fail when the wait is over, and not before; a late reply is recorded all the same', async () => {
    const { house, meter, link, session } = await online()
    let failed = false
    const waiting = house.devices.command(meter, SET, 2500)
    const settled = assert.rejects(waiting, { code: 'command.no-reply' }).then(() => {
      failed = true
    })
    house.passSeconds(2)
    await Promise.resolve()
    assert.equal(failed, false)
    house.passSeconds(3)
    await settled
    const id = link.commands[0]?.id as string
    assert.deepEqual(session.uplink(reply(id)), { kind: 'silent' })
    const replies = house.journal.entries.filter(({ kind }) => kind === 'reply')
    assert.deepEqual(
      replies.map(({ facts }) => (facts as CommandReply).id),
      [id],
    )
  })

  it('are refused beyond the bound of those that wait, until one is answered', async () => {
    const { house, meter, link, session } = await online()
    const waiting = [1, 2].map(() => house.devices.command(meter, SET, 1000))
    await assert.rejects(house.devices.command(meter, SET, 1000), {
      code: 'command.too-many-pending',
    })
    assert.equal(link.commands.length, 2, 'the third was not sent')
    session.uplink(reply(link.commands[0]?.id as string))
    await waiting[0]
    const third = house.devices.command(meter, SET, 1000)
    for (const { id } of link.commands.slice(1)) session.uplink(reply(id))
    await Promise.all([waiting[1], third])
  })

  it('are refused with the reason why the device cannot hear them', async () => {
    const { house, meter, link } = await online()
    link.delivery = 'not-subscribed'
    await assert.rejects(house.devices.command(meter, SET, 0), { code: 'device.not-subscribed' })
    link.delivery = 'full'
    await assert.rejects(house.devices.command(meter, SET, 1000), { code: 'device.busy' })
    const other = house.device('meter-2')
    await assert.rejects(house.devices.command(other, SET, 0), { code: 'device.offline' })
    link.session.closed()
    await assert.rejects(house.devices.command(meter, SET, 0), { code: 'device.offline' })
    const custom = { device: meter, suffix: 'user/a', payload: new Uint8Array(1), qos: 0 } as const
    await assert.rejects(house.devices.custom(meter, custom), { code: 'device.offline' })
    assert.equal(house.devices.deliverCustom(custom), 'offline')
  })

  it('survive a reconnect: the reply may come over the next connection', async () => {
    const { house, meter, link } = await online()
    const waiting = house.devices.command(meter, SET, 5000)
    const next = RecordingLink.to(house, meter)
    next.session.uplink(reply(link.commands[0]?.id as string))
    assert.equal((await waiting).kind, 'answered')
  })
})
