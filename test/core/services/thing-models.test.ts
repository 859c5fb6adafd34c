import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { METER_TSL, serviceHouse } from '../../support/service-house.ts'

describe('thing models', () => {
  it('counts what it imported, tells the owners, and exports the generated members too', async () => {
    const { services, owner } = serviceHouse()
    const { productKey } = await services.products.create({})
    const summary = await services.models.import(productKey, METER_TSL)
    assert.deepEqual(summary, { productKey, properties: 2, events: 0, services: 1 })
    assert.deepEqual(owner.told, [`product ${productKey}`])
    const exported = services.models.export(productKey)
    const ids = (exported['services'] as { identifier: string }[]).map((s) => s.identifier).sort()
    assert.deepEqual(ids, ['Reboot', 'get', 'set'])
  })

  it('refuses a faulty model whole, with the path of each fault', async () => {
    const { services } = serviceHouse()
    const { productKey } = await services.products.create({})
    const faulty = { properties: [{ identifier: 'no good' }], events: [], services: [] }
    await assert.rejects(services.models.import(productKey, faulty), (error: unknown) => {
      const { code, details } = error as { code: string; details: { errors: { path: string }[] } }
      assert.equal(code, 'model.invalid')
      assert.ok(details.errors.some(({ path }) => path.includes('properties')))
      return true
    })
    assert.throws(() => services.models.export(productKey), { code: 'model.missing' })
  })
})
