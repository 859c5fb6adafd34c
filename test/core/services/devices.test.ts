import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MAX_BATCH_DEVICES } from '../../../core/services/devices.ts'
import { type ServiceHouse, serviceHouse, stateOf } from '../../support/service-house.ts'

async function houseWithProduct(): Promise<ServiceHouse & { readonly productKey: string }> {
  const house = serviceHouse()
  const { productKey } = await house.services.products.create({})
  return { ...house, productKey }
}

describe('devices', () => {
  it('makes name and secret where none is given, and stores the secret it tells', async () => {
    const { services, registry, productKey } = await houseWithProduct()
    const made = await services.devices.register(productKey, {})
    assert.match(made.deviceName, /^[a-z0-9]{16}$/)
    assert.match(made.deviceSecret, /^[0-9a-f]{32}$/)
    assert.equal(registry.deviceSecret(made.number), made.deviceSecret)
    const shown = await services.devices.get(made)
    assert.ok(!('deviceSecret' in shown))
  })

  it('takes name and secret from elsewhere, within their shapes', async () => {
    const { services, productKey } = await houseWithProduct()
    const deviceSecret = 'FromElsewhere12345'
    const made = await services.devices.register(productKey, { deviceName: 'm@1:b', deviceSecret })
    assert.equal(made.deviceSecret, deviceSecret)
    for (const bad of [{ deviceName: 'abc' }, { deviceName: 'a/bcd' }, { deviceSecret: 'short' }]) {
      await assert.rejects(services.devices.register(productKey, bad), { code: 'request.invalid' })
    }
    await assert.rejects(services.devices.register(productKey, { deviceName: 'm@1:b' }), {
      code: 'device.exists',
    })
    await assert.rejects(services.devices.register('k1nothere00', {}), {
      code: 'product.not-found',
    })
  })

  it('tells inactive, online, offline and disabled apart', async () => {
    const { services, registry, productKey } = await houseWithProduct()
    const device = await services.devices.register(productKey, { deviceName: 'meter-1' })
    const status = async (): Promise<string> => (await services.devices.get(device)).status
    const listed = (): string | undefined =>
      services.devices.list(productKey, undefined, 10).items[0]?.status
    assert.deepEqual([await status(), listed()], ['inactive', 'inactive'])
    const seen = { activatedAt: 1, onlineAt: 1, address: '10.0.0.7' }
    registry.states.set(device.number, stateOf({ online: true, ...seen }))
    assert.deepEqual([await status(), listed()], ['online', 'online'])
    registry.states.set(device.number, stateOf({ online: false, ...seen, offlineAt: 2 }))
    assert.deepEqual([await status(), listed()], ['offline', 'offline'])
    const { activatedAt, onlineAt, offlineAt, address } = await services.devices.get(device)
    assert.deepEqual([activatedAt, onlineAt, offlineAt, address], [1, 1, 2, '10.0.0.7'])
    await services.devices.disable(device)
    assert.deepEqual([await status(), listed()], ['disabled', 'disabled'])
    await services.devices.enable(device)
    assert.equal(await status(), 'offline')
  })

  it('commits a change before it has the connection closed', async () => {
    const { services, owner, productKey } = await houseWithProduct()
    const device = await services.devices.register(productKey, { deviceName: 'meter-1' })
    assert.equal((await services.devices.disable(device)).enabled, false)
    assert.equal((await services.devices.enable(device)).enabled, true)
    await services.devices.delete(device)
    assert.deepEqual(owner.told, [
      'evict meter-1 disabled (disabled)',
      'evict meter-1 deleted (gone)',
    ])
  })

  it('answers a removal with the device and the properties that went with it', async () => {
    const { services, registry, productKey } = await houseWithProduct()
    const device = await services.devices.register(productKey, { deviceName: 'meter-1' })
    const properties = { temperature: { value: 21, time: 1 }, mode: { value: 1, time: 1 } }
    registry.states.set(device.number, stateOf({ properties }))
    const removed = await services.devices.delete(device)
    assert.equal(removed.device.deviceName, 'meter-1')
    assert.deepEqual(removed.properties, ['mode', 'temperature'])
    await assert.rejects(services.devices.get(device), { code: 'device.not-found' })
    await assert.rejects(services.devices.delete(device), { code: 'device.not-found' })
  })

  it('lets each device of a batch stand or fail alone, in order', async () => {
    const { services, productKey } = await houseWithProduct()
    await services.devices.register(productKey, { deviceName: 'meter-003' })
    const requests = Array.from({ length: 150 }, (_, i) => ({
      deviceName: i === 99 ? 'no/good' : `meter-${String(i).padStart(3, '0')}`,
    }))
    const { registered, failed } = await services.devices.registerMany(productKey, requests)
    assert.equal(registered.length, 148)
    assert.equal(registered[3]?.deviceName, 'meter-004')
    assert.deepEqual(
      failed.map(({ index, deviceName, code }) => [index, deviceName, code]),
      [
        [3, 'meter-003', 'device.exists'],
        [99, 'no/good', 'request.invalid'],
      ],
    )
  })

  it('refuses a batch beyond its bound whole, and tells the limit of devices per item', async () => {
    const { services, registry, productKey } = await houseWithProduct()
    const tooMany = Array.from({ length: MAX_BATCH_DEVICES + 1 }, () => ({}))
    await assert.rejects(services.devices.registerMany(productKey, tooMany), {
      code: 'request.invalid',
    })
    assert.equal(registry.deviceCount(), 0)
    registry.limit = 2
    const { registered, failed } = await services.devices.registerMany(productKey, [{}, {}, {}])
    assert.equal(registered.length, 2)
    assert.deepEqual(
      failed.map(({ code }) => code),
      ['device.limit'],
    )
  })
})
