/** Reads of the registry: synchronous, from any thread, of what is committed. Storage implements it. */
import type { DeviceState } from '../domain/device-state.ts'
import type { DeviceNumber } from '../domain/identifiers.ts'
import type { AccessKey, Device, Page, Product } from '../domain/registry.ts'
import type { Tsl } from '../domain/thing-model/tsl.ts'

export interface RegistryReader {
  product(productKey: string): Product | undefined
  device(productKey: string, deviceName: string): Device | undefined
  /** The device secret, unsealed; `undefined` where the device is gone. Never keep or log it. */
  deviceSecret(number: DeviceNumber): string | undefined
  model(productKey: string): Tsl | undefined
  accessKey(id: string): AccessKey | undefined
  /** Constant-time check of a key's secret; false for an unknown id, at the same cost. */
  accessKeyMatches(id: string, secret: string): boolean
  /** The checkpointed row, which may be up to a checkpoint interval behind its live actor. */
  state(number: DeviceNumber): DeviceState | undefined
  /** The next numbers whose checkpointed row says online, rising: after a crash they are not. */
  onlineNumbers(after: number, limit: number): readonly DeviceNumber[]
  onlineCount(): number
  /** The identity of a number; `undefined` where it was deleted. */
  deviceByNumber(number: DeviceNumber): Device | undefined

  /** In key order; `after` is the `next` of the page before. Limit 1 to 1,000. */
  products(after: string | undefined, limit: number): Page<Product>
  devices(productKey: string, after: string | undefined, limit: number): Page<Device>
  accessKeys(after: string | undefined, limit: number): Page<AccessKey>
  deviceCount(): number
}
