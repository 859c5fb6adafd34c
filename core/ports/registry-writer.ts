/**
 * Changes of the registry: each is one transaction of the storage thread, and resolves once it is
 * committed. Checks that need the stored state (does it exist, is it empty) are made inside the
 * transaction and rejected as `PlatformError`.
 */
import type { AccessKey, Device, Product } from '../domain/registry.ts'
import type { Tsl } from '../domain/thing-model/tsl.ts'

export interface NewDevice {
  readonly productKey: string
  readonly deviceName: string
  readonly iotId: string
  readonly deviceSecret: string
  readonly createdAt: number
}

export interface RegistryWriter {
  /** @throws product.exists */
  createProduct(product: Product): Promise<void>
  /** @throws product.not-found */
  updateProduct(
    productKey: string,
    patch: { readonly name?: string; readonly validation?: Product['validation'] },
  ): Promise<Product>
  /** @throws product.not-found, product.not-empty (details.devices: how many) */
  deleteProduct(productKey: string): Promise<Product>
  /** @throws product.not-found */
  putModel(productKey: string, model: Tsl): Promise<void>
  /** Gives the device its number. @throws product.not-found, device.exists, device.limit */
  createDevice(device: NewDevice): Promise<Device>
  /** @throws device.not-found */
  updateDevice(
    productKey: string,
    deviceName: string,
    patch: { readonly enabled: boolean },
  ): Promise<Device>
  /** Removes the device, its secret and its row. @throws device.not-found */
  deleteDevice(productKey: string, deviceName: string): Promise<Device>
  putAccessKey(key: AccessKey, secret: string): Promise<void>
  /** @throws key.not-found */
  deleteAccessKey(id: string): Promise<AccessKey>
}
