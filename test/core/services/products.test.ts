import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NOW, serviceHouse } from '../../support/service-house.ts'

describe('products', () => {
  it('makes a key, takes it for a name and validates weakly unless told otherwise', async () => {
    const { services } = serviceHouse()
    const product = await services.products.create({})
    assert.match(product.productKey, /^k1/)
    assert.deepEqual(product, {
      productKey: product.productKey,
      name: product.productKey,
      validation: 'weak',
      createdAt: NOW,
    })
    assert.deepEqual(services.products.get(product.productKey), product)
  })

  it('takes a key from elsewhere and refuses one of the wrong shape, naming the field', async () => {
    const { services } = serviceHouse()
    const product = await services.products.create({ productKey: 'a1B2c3D4e5F', name: ' Meter ' })
    assert.equal(product.productKey, 'a1B2c3D4e5F')
    assert.equal(product.name, 'Meter')
    await assert.rejects(services.products.create({ productKey: 'short' }), {
      code: 'request.invalid',
      details: { errors: [{ path: '/productKey', message: 'must be 11 letters and digits' }] },
    })
    await assert.rejects(services.products.create({ productKey: 'a1B2c3D4e5F' }), {
      code: 'product.exists',
    })
  })

  it('holds names to 64 characters, counted as people count them', async () => {
    const { services } = serviceHouse()
    const longest = '🌡'.repeat(64)
    assert.equal((await services.products.create({ name: longest })).name, longest)
    for (const name of ['', '   ', `${longest}x`]) {
      await assert.rejects(services.products.create({ name }), { code: 'request.invalid' })
    }
  })

  it('tells the owners of devices when validation changes, and not when only the name does', async () => {
    const { services, owner } = serviceHouse()
    const { productKey } = await services.products.create({})
    assert.equal((await services.products.update(productKey, { name: 'New' })).name, 'New')
    assert.deepEqual(owner.told, [])
    await services.products.update(productKey, { validation: 'strong' })
    assert.deepEqual(owner.told, [`product ${productKey}`])
  })

  it('keeps a product with devices and says how many, and what to do', async () => {
    const { services } = serviceHouse()
    const { productKey } = await services.products.create({})
    await services.devices.register(productKey, { deviceName: 'meter-1' })
    await assert.rejects(services.products.delete(productKey), (error: Error) => {
      assert.match(error.message, /still has 1 device; delete them first/)
      return true
    })
    await services.devices.register(productKey, { deviceName: 'meter-2' })
    await assert.rejects(services.products.delete(productKey), {
      code: 'product.not-empty',
      details: { devices: 2 },
    })
  })

  it('removes an empty product and answers with it', async () => {
    const { services, owner } = serviceHouse()
    const product = await services.products.create({})
    assert.deepEqual(await services.products.delete(product.productKey), product)
    assert.throws(() => services.products.get(product.productKey), { code: 'product.not-found' })
    assert.deepEqual(owner.told, [`product ${product.productKey}`])
  })
})
