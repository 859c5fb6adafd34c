/**
 * Reads of the registry, on any thread: of what is committed at the moment of the call. Each call
 * begins with a fresh snapshot, so that a change which another thread has acknowledged is seen, also
 * within the same turn (about a microsecond; nothing here is on the path of a message).
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { DeviceState } from '../core/domain/device-state.ts'
import type { DeviceNumber } from '../core/domain/identifiers.ts'
import type { AccessKey, Device, Page, Product } from '../core/domain/registry.ts'
import type { Tsl } from '../core/domain/thing-model/tsl.ts'
import type { RegistryReader } from '../core/ports/registry-reader.ts'
import type { Environment } from './environment.ts'
import type { SecretBox } from './sealed-secret.ts'
import {
  DEVICE_COUNT,
  deviceKey,
  toAccessKey,
  toDevice,
  toProduct,
  toState,
} from './stored-values.ts'

const MAX_PAGE = 1000
const NO_HASH = new Uint8Array(32) // what an unknown key is compared with: no text is known to hash to it
const BEHIND_SLASH = '0' // the character after `/`: ends the range of a product's devices

export class RegistryStore implements RegistryReader {
  readonly #environment: Environment
  readonly #box: SecretBox

  constructor(environment: Environment, box: SecretBox) {
    this.#environment = environment
    this.#box = box
  }

  product(productKey: string): Product | undefined {
    const value = this.#fresh().products.get(productKey)
    return value === undefined ? undefined : toProduct(productKey, value)
  }

  device(productKey: string, deviceName: string): Device | undefined {
    const { devices, deviceRecords } = this.#fresh()
    const number = devices.get(deviceKey(productKey, deviceName))
    if (number === undefined) return undefined
    const record = deviceRecords.get(number)
    return record === undefined ? undefined : toDevice(number, record)
  }

  deviceSecret(number: DeviceNumber): string | undefined {
    const record = this.#fresh().deviceRecords.get(number)
    return record === undefined ? undefined : this.#box.unseal(number, record.secret)
  }

  model(productKey: string): Tsl | undefined {
    const text = this.#fresh().models.get(productKey)
    return text === undefined ? undefined : (JSON.parse(text) as Tsl)
  }

  accessKey(id: string): AccessKey | undefined {
    const value = this.#fresh().accessKeys.get(id)
    return value === undefined ? undefined : toAccessKey(id, value)
  }

  accessKeyMatches(id: string, secret: string): boolean {
    const stored = this.#fresh().accessKeys.get(id)
    const equal = timingSafeEqual(hashSecret(secret), stored?.hash ?? NO_HASH)
    return equal && stored !== undefined
  }

  state(number: DeviceNumber): DeviceState | undefined {
    const value = this.#fresh().states.get(number)
    return value === undefined ? undefined : toState(value)
  }

  onlineNumbers(after: number, limit: number): readonly DeviceNumber[] {
    return [...this.#fresh().online.getKeys({ start: after + 1, limit })] as DeviceNumber[]
  }

  onlineCount(): number {
    const { entryCount } = this.#fresh().online.getStats() as { readonly entryCount: number }
    return entryCount
  }

  deviceByNumber(number: DeviceNumber): Device | undefined {
    const record = this.#fresh().deviceRecords.get(number)
    return record === undefined ? undefined : toDevice(number, record)
  }

  products(after: string | undefined, limit: number): Page<Product> {
    const { products } = this.#fresh()
    const rows = products
      .getRange(from(after, limit))
      .map(({ key, value }) => toProduct(key, value))
    return page([...rows], limit, (product) => product.productKey)
  }

  devices(productKey: string, after: string | undefined, limit: number): Page<Device> {
    const { devices, deviceRecords } = this.#fresh()
    const start = deviceKey(productKey, after ?? '')
    const items: Device[] = []
    for (const { value } of devices.getRange({
      ...from(start, limit),
      end: productKey + BEHIND_SLASH,
    })) {
      const record = deviceRecords.get(value)
      if (record !== undefined) items.push(toDevice(value, record))
    }
    return page(items, limit, (device) => device.deviceName)
  }

  accessKeys(after: string | undefined, limit: number): Page<AccessKey> {
    const { accessKeys } = this.#fresh()
    const rows = accessKeys
      .getRange(from(after, limit))
      .map(({ key, value }) => toAccessKey(key, value))
    return page([...rows], limit, (key) => key.id)
  }

  deviceCount(): number {
    return (this.#fresh().meta.get(DEVICE_COUNT) as number | undefined) ?? 0
  }

  #fresh(): Environment['databases'] {
    this.#environment.refresh()
    return this.#environment.databases
  }
}

/** As it is stored: secrets are random and long, so a plain hash resists guessing. */
export function hashSecret(secret: string): Uint8Array {
  return createHash('sha256').update(secret, 'utf8').digest()
}

/** One row more than asked for tells whether there is a next page. */
function from(
  after: string | undefined,
  limit: number,
): { start?: string; exclusiveStart?: boolean; limit: number } {
  const rows = Math.min(Math.max(1, Math.trunc(limit)), MAX_PAGE) + 1
  return after === undefined ? { limit: rows } : { start: after, exclusiveStart: true, limit: rows }
}

function page<T>(rows: readonly T[], limit: number, key: (item: T) => string): Page<T> {
  const size = Math.min(Math.max(1, Math.trunc(limit)), MAX_PAGE)
  const items = rows.slice(0, size)
  const last = items.at(-1)
  return { items, next: rows.length > size && last !== undefined ? key(last) : undefined }
}
