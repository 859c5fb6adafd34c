import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { meterHouse, stateOf } from '../../support/service-house.ts'

describe('properties', () => {
  it('shows current values with the name and unit of the model, by identifier', async () => {
    const { services, registry, meter } = await meterHouse()
    const properties = { temperature: { value: 21.5, time: 9 }, gone: { value: 'x', time: 8 } }
    registry.states.set(meter.number, stateOf({ properties }))
    assert.deepEqual(await services.properties.get(meter), [
      { identifier: 'gone', value: 'x', time: 8, name: undefined, unit: undefined },
      { identifier: 'temperature', value: 21.5, time: 9, name: 'Temperature', unit: '°C' },
    ])
  })

  it('shows none for a device that never spoke', async () => {
    const { services, meter } = await meterHouse()
    assert.deepEqual(await services.properties.get(meter), [])
  })

  it('sends what the model allows and hands back the outcome', async () => {
    const { services, owner, meter } = await meterHouse()
    const outcome = await services.properties.set(meter, { target: 21 }, 5000)
    assert.equal(outcome.kind, 'answered')
    assert.deepEqual(owner.commands, [
      {
        device: 'meter-1',
        command: { kind: 'property-set', values: { target: 21 } },
        waitMs: 5000,
      },
    ])
  })

  it('sends nothing that the model refuses, naming the property', async () => {
    const { services, owner, meter } = await meterHouse()
    for (const [values, path] of [
      [{ target: 31 }, '/values/target'], // out of range, though the product validates weakly
      [{ target: 'warm' }, '/values/target'],
      [{ temperature: 20 }, '/values/temperature'], // read only
      [{ unheard: 1 }, '/values/unheard'],
    ] as const) {
      await assert.rejects(services.properties.set(meter, values, 0), (error: unknown) => {
        const { code, details } = error as { code: string; details: { errors: { path: string }[] } }
        assert.deepEqual([code, details.errors[0]?.path], ['value.invalid', path])
        return true
      })
    }
    assert.deepEqual(owner.commands, [])
  })

  it('refuses an empty set, a wait beyond 30 s, a disabled device and a product without a model', async () => {
    const { services, meter } = await meterHouse()
    const values = { target: 20 }
    await assert.rejects(services.properties.set(meter, {}, 0), { code: 'request.invalid' })
    for (const waitMs of [-1, 30_001, 1.5, Number.NaN]) {
      await assert.rejects(services.properties.set(meter, values, waitMs), {
        code: 'request.invalid',
      })
    }
    await services.devices.disable(meter)
    await assert.rejects(services.properties.set(meter, values, 0), { code: 'device.disabled' })
    const other = await services.products.create({})
    const device = await services.devices.register(other.productKey, {})
    await assert.rejects(services.properties.set(device, values, 0), { code: 'model.missing' })
  })
})
