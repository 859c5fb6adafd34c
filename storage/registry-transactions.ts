/**
 * Changes of the registry, in the storage thread only. Each is one function within a commit: it checks
 * everything, then writes, so a refused change leaves nothing behind. Changes that are asked for
 * together share a commit, so that ten thousand registrations wait for few syncs.
 */
import { PlatformError, type PlatformErrorCode } from '../core/domain/errors.ts'
import type { DeviceNumber } from '../core/domain/identifiers.ts'
import type { AccessKey, Device, Product } from '../core/domain/registry.ts'
import type { Tsl } from '../core/domain/thing-model/tsl.ts'
import type { NewDevice, RegistryWriter } from '../core/ports/registry-writer.ts'
import type { Databases, Environment } from './environment.ts'
import { hashSecret } from './registry-store.ts'
import type { SecretBox } from './sealed-secret.ts'
import {
  DEVICE_COUNT,
  type DeviceRecord,
  deviceKey,
  LAST_DEVICE_NUMBER,
  type ProductValue,
  toAccessKey,
  toDevice,
  toProduct,
} from './stored-values.ts'

export class RegistryTransactions implements RegistryWriter {
  readonly #environment: Environment
  readonly #box: SecretBox
  readonly #maxDevices: number

  /** @param maxDevices  `limits.devices`: the greatest number that is ever given */
  constructor(environment: Environment, box: SecretBox, maxDevices: number) {
    this.#environment = environment
    this.#box = box
    this.#maxDevices = maxDevices
  }

  createProduct(product: Product): Promise<void> {
    const { productKey, name, validation, createdAt } = product
    return this.#change(({ products }) => {
      if (products.doesExist(productKey)) fail('product.exists', `product ${productKey} exists`)
      void products.put(productKey, { name, validation, createdAt, devices: 0 })
    })
  }

  updateProduct(
    productKey: string,
    patch: { readonly name?: string; readonly validation?: Product['validation'] },
  ): Promise<Product> {
    return this.#change((databases) => {
      const value = findProduct(databases, productKey)
      const { name = value.name, validation = value.validation } = patch
      const changed = { ...value, name, validation }
      void databases.products.put(productKey, changed)
      return toProduct(productKey, changed)
    })
  }

  deleteProduct(productKey: string): Promise<Product> {
    return this.#change((databases) => {
      const value = findProduct(databases, productKey)
      if (value.devices > 0) {
        throw new PlatformError('product.not-empty', `product ${productKey} has devices`, {
          details: { devices: value.devices },
        })
      }
      void databases.products.remove(productKey)
      void databases.models.remove(productKey)
      return toProduct(productKey, value)
    })
  }

  putModel(productKey: string, model: Tsl): Promise<void> {
    const text = JSON.stringify(model)
    return this.#change((databases) => {
      findProduct(databases, productKey)
      void databases.models.put(productKey, text)
    })
  }

  createDevice(device: NewDevice): Promise<Device> {
    const { productKey, deviceName, iotId, createdAt } = device
    const key = deviceKey(productKey, deviceName)
    return this.#change((databases) => {
      const { meta, products, devices, deviceRecords } = databases
      const product = findProduct(databases, productKey)
      if (devices.doesExist(key)) fail('device.exists', `device ${key} exists`)
      const number = (count(meta, LAST_DEVICE_NUMBER) + 1) as DeviceNumber
      if (number > this.#maxDevices) {
        fail('device.limit', `no more than ${this.#maxDevices} device numbers may be given`)
      }
      const secret = this.#box.seal(number, device.deviceSecret)
      const record = { productKey, deviceName, iotId, enabled: true, createdAt, secret }
      void devices.put(key, number)
      void deviceRecords.put(number, record)
      void meta.put(LAST_DEVICE_NUMBER, number)
      void meta.put(DEVICE_COUNT, count(meta, DEVICE_COUNT) + 1)
      void products.put(productKey, { ...product, devices: product.devices + 1 })
      return toDevice(number, record)
    })
  }

  updateDevice(
    productKey: string,
    deviceName: string,
    patch: { readonly enabled: boolean },
  ): Promise<Device> {
    return this.#change((databases) => {
      const { number, record } = findDevice(databases, productKey, deviceName)
      const changed = { ...record, enabled: patch.enabled }
      void databases.deviceRecords.put(number, changed)
      return toDevice(number, changed)
    })
  }

  deleteDevice(productKey: string, deviceName: string): Promise<Device> {
    return this.#change((databases) => {
      const { number, record } = findDevice(databases, productKey, deviceName)
      const { meta, products, devices, deviceRecords, states, online } = databases
      const product = products.get(productKey)
      void devices.remove(deviceKey(productKey, deviceName))
      void deviceRecords.remove(number)
      void states.remove(number)
      void online.remove(number)
      void meta.put(DEVICE_COUNT, count(meta, DEVICE_COUNT) - 1)
      if (product !== undefined) {
        void products.put(productKey, { ...product, devices: product.devices - 1 })
      }
      return toDevice(number, record)
    })
  }

  putAccessKey(key: AccessKey, secret: string): Promise<void> {
    const { id, note, api, mqtt, createdAt } = key
    const hash = hashSecret(secret)
    return this.#change(({ accessKeys }) => {
      void accessKeys.put(id, { note, api, mqtt, createdAt, hash })
    })
  }

  deleteAccessKey(id: string): Promise<AccessKey> {
    return this.#change(({ accessKeys }) => {
      const value = accessKeys.get(id) ?? fail('key.not-found', `no access key ${id}`)
      void accessKeys.remove(id)
      return toAccessKey(id, value)
    })
  }

  #change<T>(change: (databases: Databases) => T): Promise<T> {
    const { databases } = this.#environment
    return this.#environment.transaction(() => change(databases))
  }
}

function findProduct({ products }: Databases, productKey: string): ProductValue {
  return products.get(productKey) ?? fail('product.not-found', `no product ${productKey}`)
}

function findDevice(
  { devices, deviceRecords }: Databases,
  productKey: string,
  deviceName: string,
): { readonly number: number; readonly record: DeviceRecord } {
  const key = deviceKey(productKey, deviceName)
  const number = devices.get(key)
  const record = number === undefined ? undefined : deviceRecords.get(number)
  if (number === undefined || record === undefined) fail('device.not-found', `no device ${key}`)
  return { number, record }
}

function count(meta: Databases['meta'], name: string): number {
  return (meta.get(name) as number | undefined) ?? 0
}

function fail(code: PlatformErrorCode, message: string): never {
  throw new PlatformError(code, message)
}
