import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openDemo } from '../../../protocol/cli/serve-demo.ts'
import { serviceHouse } from '../../support/service-house.ts'

describe('openDemo', () => {
  it('makes product, model and device at the first start', async () => {
    const { services, registry } = serviceHouse()
    const demo = await openDemo({ services, reader: registry })
    assert.equal(services.products.get(demo.productKey).name, 'demo-temp-sensor')
    const [temperature] = registry.model(demo.productKey)?.properties ?? []
    assert.equal(temperature?.identifier, 'temperature')
    assert.deepEqual(
      [temperature.dataType.type, temperature.dataType.specs],
      ['float', { min: '-200', max: '850', step: '0.1', unit: '°C', unitName: 'degree Celsius' }],
    )
    const device = registry.device(demo.productKey, 'device001')
    assert.equal(demo.deviceSecret, registry.deviceSecret(device?.number ?? assert.fail()))
  })

  it('finds them again, also behind more products than a page holds', async () => {
    const { services, registry } = serviceHouse()
    const others = Array.from({ length: 1100 }, (_, i) =>
      services.products.create({ name: `p${i}` }),
    )
    await Promise.all(others)
    const first = await openDemo({ services, reader: registry })
    assert.deepEqual(await openDemo({ services, reader: registry }), first)
    assert.equal(registry.deviceCount(), 1)
  })

  it('completes what an interrupted start left', async () => {
    const { services, registry } = serviceHouse()
    const { productKey } = await services.products.create({ name: 'demo-temp-sensor' })
    const demo = await openDemo({ services, reader: registry })
    assert.equal(demo.productKey, productKey)
    assert.notEqual(registry.model(productKey), undefined)
    await services.devices.delete(demo)
    const again = await openDemo({ services, reader: registry })
    assert.notEqual(again.deviceSecret, demo.deviceSecret)
  })

  it("leaves the operator's model as it is", async () => {
    const { services, registry } = serviceHouse()
    const demo = await openDemo({ services, reader: registry })
    await services.models.import(demo.productKey, { properties: [], events: [], services: [] })
    await openDemo({ services, reader: registry })
    assert.deepEqual(registry.model(demo.productKey)?.properties, [])
  })
})
