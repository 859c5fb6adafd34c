import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { BLANK_STATE } from '../../core/domain/device-state.ts'
import type { DeviceNumber, ProductKey } from '../../core/domain/identifiers.ts'
import { emptyItems } from '../../core/domain/property-items.ts'
import type { AccessKey, Product } from '../../core/domain/registry.ts'
import type { NewDevice } from '../../core/ports/registry-writer.ts'
import { CheckpointStore } from '../../storage/checkpoint-store.ts'
import type { Environment } from '../../storage/environment.ts'
import { RegistryStore } from '../../storage/registry-store.ts'
import { RegistryTransactions } from '../../storage/registry-transactions.ts'
import { START, secretBox, writableEnvironment } from './support.ts'

const PUMP = 'k1pumpaaaaa'
const METER = 'k1meterbbbb'
const SECRET = '0123456789abcdef0123456789abcdef'

interface Registry {
  readonly environment: Environment
  readonly reader: RegistryStore
  readonly writer: RegistryTransactions
}

function registry(t: TestContext, maxDevices = 1000): Registry {
  const environment = writableEnvironment(t)
  const box = secretBox()
  return {
    environment,
    reader: new RegistryStore(environment, box),
    writer: new RegistryTransactions(environment, box, maxDevices),
  }
}

function product(productKey: string): Product {
  return {
    productKey: productKey as ProductKey,
    name: 'Pumps',
    validation: 'weak',
    createdAt: START,
  }
}

function device(productKey: string, deviceName: string): NewDevice {
  const iotId = `iot-${deviceName}`
  return { productKey, deviceName, iotId, deviceSecret: SECRET, createdAt: START }
}

function accessKey(id: string): AccessKey {
  return { id, note: 'test', api: 'admin', mqtt: undefined, createdAt: START }
}

describe('the registry', () => {
  it('keeps products, and refuses a second one of the same key', async (t) => {
    const { reader, writer } = registry(t)
    assert.equal(reader.product(PUMP), undefined)
    await writer.createProduct(product(PUMP))
    assert.deepEqual(reader.product(PUMP), product(PUMP))
    await assert.rejects(writer.createProduct(product(PUMP)), { code: 'product.exists' })
    const changed = await writer.updateProduct(PUMP, { name: 'New' })
    assert.deepEqual(changed, { ...product(PUMP), name: 'New' })
    await writer.updateProduct(PUMP, { validation: 'strong' })
    assert.deepEqual(reader.product(PUMP), { ...changed, validation: 'strong' })
    await assert.rejects(writer.updateProduct(METER, {}), { code: 'product.not-found' })
  })

  it('deletes a product with its model, once it is empty', async (t) => {
    const { reader, writer } = registry(t)
    await writer.createProduct(product(PUMP))
    const model = { properties: [{ identifier: '__proto__', toJSON: 1 }] } as never
    await writer.putModel(PUMP, model)
    assert.deepEqual(reader.model(PUMP), model)
    await assert.rejects(writer.putModel(METER, model), { code: 'product.not-found' })
    await writer.createDevice(device(PUMP, 'pump-1'))
    await writer.createDevice(device(PUMP, 'pump-2'))
    const full = { code: 'product.not-empty', details: { devices: 2 } }
    await assert.rejects(writer.deleteProduct(PUMP), full)
    await writer.deleteDevice(PUMP, 'pump-1')
    await writer.deleteDevice(PUMP, 'pump-2')
    assert.deepEqual(await writer.deleteProduct(PUMP), product(PUMP))
    assert.equal(reader.product(PUMP), undefined)
    assert.equal(reader.model(PUMP), undefined)
    await assert.rejects(writer.deleteProduct(PUMP), { code: 'product.not-found' })
  })

  it('numbers devices from 1 without a gap, and gives no number again', async (t) => {
    const { reader, writer } = registry(t)
    await writer.createProduct(product(PUMP))
    const first = await writer.createDevice(device(PUMP, 'pump-1'))
    const second = await writer.createDevice(device(PUMP, 'pump-2'))
    assert.deepEqual([first.number, second.number], [1, 2])
    const twice = writer.createDevice(device(PUMP, 'pump-2'))
    await assert.rejects(twice, { code: 'device.exists' })
    await assert.rejects(writer.createDevice(device(METER, 'x')), { code: 'product.not-found' })
    await writer.deleteDevice(PUMP, 'pump-2')
    const third = await writer.createDevice(device(PUMP, 'pump-2'))
    assert.equal(third.number, 3)
    assert.deepEqual(reader.device(PUMP, 'pump-2'), third)
    assert.deepEqual(reader.deviceByNumber(third.number), third)
    assert.equal(reader.deviceByNumber(second.number), undefined)
    assert.equal(reader.deviceCount(), 2)
  })

  it('gives no more numbers than its limit, deleted ones included', async (t) => {
    const { writer } = registry(t, 2)
    await writer.createProduct(product(PUMP))
    await writer.createDevice(device(PUMP, 'pump-1'))
    await writer.createDevice(device(PUMP, 'pump-2'))
    await writer.deleteDevice(PUMP, 'pump-1')
    await assert.rejects(writer.createDevice(device(PUMP, 'pump-3')), { code: 'device.limit' })
  })

  it('tells a secret only when asked for it, and stores it sealed', async (t) => {
    const { environment, reader, writer } = registry(t)
    await writer.createProduct(product(PUMP))
    const { number } = await writer.createDevice(device(PUMP, 'pump-1'))
    assert.equal(reader.deviceSecret(number), SECRET)
    assert.equal(JSON.stringify(reader.device(PUMP, 'pump-1')).includes(SECRET), false)
    const row = environment.databases.deviceRecords.getBinary(number)
    assert.equal(row?.includes(SECRET), false)
    await writer.deleteDevice(PUMP, 'pump-1')
    assert.equal(reader.deviceSecret(number), undefined)
  })

  it('disables and enables a device', async (t) => {
    const { reader, writer } = registry(t)
    await writer.createProduct(product(PUMP))
    const made = await writer.createDevice(device(PUMP, 'pump-1'))
    const disabled = await writer.updateDevice(PUMP, 'pump-1', { enabled: false })
    assert.deepEqual(disabled, { ...made, enabled: false })
    assert.deepEqual(reader.device(PUMP, 'pump-1'), disabled)
    assert.equal(reader.deviceSecret(made.number), SECRET)
    const missing = writer.updateDevice(PUMP, 'pump-2', { enabled: true })
    await assert.rejects(missing, { code: 'device.not-found' })
  })

  it('forgets all of a deleted device', async (t) => {
    const { environment, reader, writer } = registry(t)
    await writer.createProduct(product(PUMP))
    const { number } = await writer.createDevice(device(PUMP, 'pump-1'))
    const online = { ...BLANK_STATE, token: { incarnation: 1, epoch: 0 }, version: 1, online: true }
    await new CheckpointStore(environment).checkpoint([{ number, state: online }], undefined)
    assert.deepEqual(reader.onlineNumbers(0, 10), [number])
    await writer.deleteDevice(PUMP, 'pump-1')
    assert.equal(reader.state(number), undefined)
    assert.deepEqual(reader.onlineNumbers(0, 10), [])
    assert.equal(reader.deviceCount(), 0)
    await assert.rejects(writer.deleteDevice(PUMP, 'pump-1'), { code: 'device.not-found' })
  })

  it('registers ten thousand devices that are asked for together in few commits', async (t) => {
    const { environment, reader, writer } = registry(t, 20_000)
    await writer.createProduct(product(PUMP))
    const before = lastTransaction(environment)
    const started = performance.now()
    const made = await Promise.all(
      Array.from({ length: 10_000 }, (_, i) => writer.createDevice(device(PUMP, `pump-${i}`))),
    )
    const elapsed = performance.now() - started
    t.diagnostic(`${Math.round(elapsed)} ms`)
    assert.ok(elapsed < 10_000, `${elapsed} ms`)
    assert.ok(lastTransaction(environment) - before < 20)
    assert.equal(new Set(made.map(({ number }) => number)).size, 10_000)
    assert.equal(Math.max(...made.map(({ number }) => number)), 10_000)
    assert.equal(reader.deviceCount(), 10_000)
  })

  it('refuses the second of two equal registrations in one commit, and keeps the rest', async (t) => {
    const { reader, writer } = registry(t)
    await writer.createProduct(product(PUMP))
    const names = ['same', 'same', 'other']
    const outcomes = await Promise.allSettled(
      names.map((name) => writer.createDevice(device(PUMP, name))),
    )
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.equal(reader.deviceCount(), 2)
    assert.equal(reader.device(PUMP, 'other')?.number, 2)
  })

  it('lists in key order, page by page, each product for itself', async (t) => {
    const { reader, writer } = registry(t)
    const names = ['a.b1', 'A-1x', 'a@b1', 'a:b1', 'zzzz', '0000', 'z_1234']
    for (const key of [PUMP, METER, 'k1pumpaaaab']) {
      await writer.createProduct(product(key))
      for (const name of names) await writer.createDevice(device(key, name))
    }
    const sizes = fc.integer({ min: 1, max: 9 })
    fc.assert(
      fc.property(sizes, (limit) => {
        const seen: string[] = []
        let after: string | undefined
        do {
          const page = reader.devices(PUMP, after, limit)
          assert.ok(page.items.length <= limit)
          assert.ok(page.items.every(({ productKey }) => productKey === PUMP))
          seen.push(...page.items.map(({ deviceName }) => deviceName))
          after = page.next
        } while (after !== undefined)
        assert.deepEqual(seen, [...names].sort())
      }),
    )
    const first = reader.products(undefined, 2)
    assert.deepEqual(
      first.items.map(({ productKey }) => productKey),
      [METER, PUMP],
    )
    assert.equal(first.next, PUMP)
    assert.equal(reader.products(first.next, 2).next, undefined)
    assert.deepEqual(reader.devices('k1nobodyxxx', undefined, 10), { items: [], next: undefined })
  })

  it('knows access keys by their secret, and stores none', async (t) => {
    const { environment, reader, writer } = registry(t)
    const secret = 'S3cretS3cretS3cretS3cretS3cret12'
    const mqtt = { publish: ['a/#'], subscribe: ['#'] }
    await writer.putAccessKey({ ...accessKey('one'), mqtt }, secret)
    await writer.putAccessKey(accessKey('two'), 'another')
    assert.deepEqual(reader.accessKey('one'), { ...accessKey('one'), mqtt })
    assert.deepEqual(reader.accessKey('two'), accessKey('two'))
    assert.equal(reader.accessKeyMatches('one', secret), true)
    assert.equal(reader.accessKeyMatches('one', `${secret}x`), false)
    assert.equal(reader.accessKeyMatches('two', secret), false)
    assert.equal(reader.accessKeyMatches('three', secret), false)
    assert.equal(environment.databases.accessKeys.getBinary('one')?.includes(secret), false)
    assert.deepEqual(
      reader.accessKeys(undefined, 1).items.map(({ id }) => id),
      ['one'],
    )
    assert.deepEqual(reader.accessKeys('one', 5).items, [accessKey('two')])
    assert.deepEqual(await writer.deleteAccessKey('two'), accessKey('two'))
    await assert.rejects(writer.deleteAccessKey('two'), { code: 'key.not-found' })
  })
})

describe('CheckpointStore', () => {
  it('keeps a row as it was, free names of properties included', async (t) => {
    const { environment, reader, writer } = registry(t)
    await writer.createProduct(product(PUMP))
    const { number } = await writer.createDevice(device(PUMP, 'pump-1'))
    const properties = Object.assign(emptyItems(), {
      constructor: { value: { toJSON: 1, constructor: 2 }, time: 1 },
      ['__proto__x']: { value: [1.5, 'ä', null, true], time: 2 },
    })
    Object.defineProperty(properties, '__proto__', {
      value: { value: 3, time: 3 },
      enumerable: true,
    })
    const state = {
      token: { incarnation: 2, epoch: 5 },
      version: 2 ** 40,
      online: true,
      activatedAt: START,
      onlineAt: START + 1,
      offlineAt: undefined,
      address: '10.0.0.1',
      properties,
    }
    const store = new CheckpointStore(environment)
    await store.checkpoint([{ number, state }], { log: 3, sequence: 17 })
    assert.deepEqual(reader.state(number), state)
    assert.equal(Object.keys(reader.state(number)?.properties ?? {}).includes('__proto__'), true)
    assert.equal(store.position(3), 17)
    assert.equal(store.position(4), 0)
  })

  it('stores only what is newer, and only for devices that exist', async (t) => {
    const { environment, reader, writer } = registry(t)
    await writer.createProduct(product(PUMP))
    const { number } = await writer.createDevice(device(PUMP, 'pump-1'))
    const store = new CheckpointStore(environment)
    const state = { ...BLANK_STATE, token: { incarnation: 2, epoch: 5 }, version: 9, online: true }
    await store.checkpoint([{ number, state }], { log: 0, sequence: 10 })
    for (const older of [
      { ...state, online: false },
      { ...state, version: 8, online: false },
      { ...state, token: { incarnation: 2, epoch: 4 }, version: 99, online: false },
      { ...state, token: { incarnation: 1, epoch: 9 }, version: 99, online: false },
    ]) {
      await store.checkpoint([{ number, state: older }], { log: 0, sequence: 5 })
    }
    assert.deepEqual(reader.state(number)?.online, true)
    assert.deepEqual(reader.onlineNumbers(0, 10), [number])
    assert.equal(store.position(0), 10)
    const missing = 77 as DeviceNumber
    await store.checkpoint([{ number: missing, state }], undefined)
    assert.equal(reader.state(missing), undefined)
    await store.checkpoint([{ number, state: { ...state, version: 10, online: false } }], undefined)
    assert.deepEqual(reader.onlineNumbers(0, 10), [])
  })
})

function lastTransaction(environment: Environment): number {
  return (environment.databases.meta.getStats() as { lastTxnId: number }).lastTxnId
}
