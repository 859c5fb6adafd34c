import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { meterHouse } from '../../support/service-house.ts'

describe('raw messages', () => {
  const payload = Buffer.from('on')

  it('go to custom topics, named whole or from user/ on', async () => {
    const { services, owner, meter } = await meterHouse()
    const whole = `/${meter.productKey}/meter-1/user/config`
    for (const topic of ['user/config', whole]) {
      assert.equal(await services.publisher.publish(meter, { topic, payload, qos: 1 }), whole)
    }
    assert.deepEqual(
      owner.customs.map(({ suffix, qos }) => [suffix, qos]),
      [
        ['user/config', 1],
        ['user/config', 1],
      ],
    )
  })

  it('never reach thing-model topics, other devices, or many topics at once', async () => {
    const { services, owner, meter } = await meterHouse()
    const pk = meter.productKey
    for (const topic of [
      `/sys/${pk}/meter-1/thing/service/property/set`,
      'thing/service/property/set',
      `/${pk}/meter-2/user/config`,
      'user/',
      'user',
      'user/+',
      'user/#',
      'user/a\u0000b',
      'user/a/b/c/d/e',
      `user/${'x'.repeat(120)}`,
    ]) {
      await assert.rejects(
        services.publisher.publish(meter, { topic, payload, qos: 0 }),
        { code: 'topic.invalid' },
        topic,
      )
    }
    assert.deepEqual(owner.customs, [])
  })

  it('carry up to 256 KiB', async () => {
    const { services, meter } = await meterHouse()
    const topic = 'user/big'
    await services.publisher.publish(meter, { topic, payload: Buffer.alloc(262_144), qos: 0 })
    const over = { topic, payload: Buffer.alloc(262_145), qos: 0 } as const
    await assert.rejects(services.publisher.publish(meter, over), { code: 'payload.too-large' })
  })
})
