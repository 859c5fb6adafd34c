/** The registry's two ports over plain maps: what a service may rely on, and nothing of a store. */
import { timingSafeEqual } from 'node:crypto'
import type { DeviceState } from '../../core/domain/device-state.ts'
import { PlatformError } from '../../core/domain/errors.ts'
import type { DeviceName, DeviceNumber, ProductKey } from '../../core/domain/identifiers.ts'
import type { AccessKey, Device, Page, Product } from '../../core/domain/registry.ts'
import type { Tsl } from '../../core/domain/thing-model/tsl.ts'
import type { RegistryReader } from '../../core/ports/registry-reader.ts'
import type { NewDevice, RegistryWriter } from '../../core/ports/registry-writer.ts'

export class MemoryRegistry implements RegistryReader, RegistryWriter {
  readonly #products = new Map<string, Product>()
  readonly #models = new Map<string, Tsl>()
  readonly #devices = new Map<string, Device>()
  readonly #secrets = new Map<number, string>()
  readonly #keys = new Map<string, { readonly key: AccessKey; readonly secret: string }>()
  readonly states: Map<number, DeviceState> = new Map()
  /** Most devices that may be registered. */
  limit = 10_000
  #numbers = 1
  /** What must never be: the number of a deleted device is given again. */
  reusesNumbers = false
  readonly #freed: DeviceNumber[] = []

  /** The greatest that was given. */
  get lastNumber(): number {
    return this.#numbers - 1
  }

  product(productKey: string): Product | undefined {
    return this.#products.get(productKey)
  }

  device(productKey: string, deviceName: string): Device | undefined {
    return this.#devices.get(`${productKey}/${deviceName}`)
  }

  deviceSecret(number: DeviceNumber): string | undefined {
    return this.#secrets.get(number)
  }

  model(productKey: string): Tsl | undefined {
    return this.#models.get(productKey)
  }

  accessKey(id: string): AccessKey | undefined {
    return this.#keys.get(id)?.key
  }

  accessKeyMatches(id: string, secret: string): boolean {
    const stored = Buffer.from(this.#keys.get(id)?.secret ?? '')
    const given = Buffer.from(secret)
    return stored.length === given.length && stored.length > 0 && timingSafeEqual(stored, given)
  }

  state(number: DeviceNumber): DeviceState | undefined {
    return this.states.get(number)
  }

  onlineNumbers(after: number, limit: number): readonly DeviceNumber[] {
    const online = [...this.states].filter(([number, row]) => row.online && number > after)
    const numbers = online.map(([number]) => number as DeviceNumber)
    return numbers.sort((a, b) => a - b).slice(0, limit)
  }

  onlineCount(): number {
    return this.onlineNumbers(0, Number.POSITIVE_INFINITY).length
  }

  deviceByNumber(number: DeviceNumber): Device | undefined {
    return [...this.#devices.values()].find((device) => device.number === number)
  }

  products(after: string | undefined, limit: number): Page<Product> {
    return page([...this.#products.values()], (p) => p.productKey, after, limit)
  }

  devices(productKey: string, after: string | undefined, limit: number): Page<Device> {
    const own = [...this.#devices.values()].filter((d) => d.productKey === productKey)
    return page(own, (d) => d.deviceName, after, limit)
  }

  accessKeys(after: string | undefined, limit: number): Page<AccessKey> {
    return page(
      [...this.#keys.values()].map(({ key }) => key),
      (k) => k.id,
      after,
      limit,
    )
  }

  deviceCount(): number {
    return this.#devices.size
  }

  async createProduct(product: Product): Promise<void> {
    if (this.#products.has(product.productKey)) throw new PlatformError('product.exists', 'exists')
    this.#products.set(product.productKey, product)
  }

  async updateProduct(
    productKey: string,
    patch: { readonly name?: string; readonly validation?: Product['validation'] },
  ): Promise<Product> {
    const changed = { ...this.#requireProduct(productKey), ...patch }
    this.#products.set(productKey, changed)
    return changed
  }

  async deleteProduct(productKey: string): Promise<Product> {
    const product = this.#requireProduct(productKey)
    const devices = this.devices(productKey, undefined, this.limit).items.length
    if (devices > 0) {
      throw new PlatformError('product.not-empty', 'has devices', { details: { devices } })
    }
    this.#products.delete(productKey)
    this.#models.delete(productKey)
    return product
  }

  async putModel(productKey: string, model: Tsl): Promise<void> {
    this.#requireProduct(productKey)
    this.#models.set(productKey, model)
  }

  async createDevice(device: NewDevice): Promise<Device> {
    this.#requireProduct(device.productKey)
    const path = `${device.productKey}/${device.deviceName}`
    if (this.#devices.has(path)) throw new PlatformError('device.exists', 'exists')
    if (this.#devices.size >= this.limit) throw new PlatformError('device.limit', 'no more')
    const made: Device = {
      number: this.#freed.pop() ?? (this.#numbers++ as DeviceNumber),
      productKey: device.productKey as ProductKey,
      deviceName: device.deviceName as DeviceName,
      iotId: device.iotId,
      enabled: true,
      createdAt: device.createdAt,
    }
    this.#devices.set(path, made)
    this.#secrets.set(made.number, device.deviceSecret)
    return made
  }

  async updateDevice(
    productKey: string,
    deviceName: string,
    patch: { readonly enabled: boolean },
  ): Promise<Device> {
    const changed = { ...this.#requireDevice(productKey, deviceName), ...patch }
    this.#devices.set(`${productKey}/${deviceName}`, changed)
    return changed
  }

  async deleteDevice(productKey: string, deviceName: string): Promise<Device> {
    const device = this.#requireDevice(productKey, deviceName)
    this.#devices.delete(`${productKey}/${deviceName}`)
    this.#secrets.delete(device.number)
    this.states.delete(device.number)
    if (this.reusesNumbers) this.#freed.push(device.number)
    return device
  }

  async putAccessKey(key: AccessKey, secret: string): Promise<void> {
    this.#keys.set(key.id, { key, secret })
  }

  async deleteAccessKey(id: string): Promise<AccessKey> {
    const found = this.#keys.get(id)
    if (found === undefined) throw new PlatformError('key.not-found', `no key ${id}`)
    this.#keys.delete(id)
    return found.key
  }

  #requireProduct(productKey: string): Product {
    const product = this.#products.get(productKey)
    if (product === undefined) throw new PlatformError('product.not-found', 'no product')
    return product
  }

  #requireDevice(productKey: string, deviceName: string): Device {
    const device = this.device(productKey, deviceName)
    if (device === undefined) throw new PlatformError('device.not-found', 'no device')
    return device
  }
}

function page<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  after: string | undefined,
  limit: number,
): Page<T> {
  const sorted = all
    .filter((item) => after === undefined || keyOf(item) > after)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  const items = sorted.slice(0, limit)
  const last = items.at(-1)
  return { items, next: sorted.length > limit && last !== undefined ? keyOf(last) : undefined }
}
