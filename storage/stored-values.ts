/**
 * Values of the LMDB databases, and what they stand for. Stored as msgpack maps with these field
 * names; what devices name freely (properties, TSL) is JSON text within. Layout: `docs/formats.md`.
 */
import type { AccessPolicy } from '../core/domain/access-policy.ts'
import type { DeviceState } from '../core/domain/device-state.ts'
import type { DeviceName, DeviceNumber, ProductKey } from '../core/domain/identifiers.ts'
import { emptyItems, type PropertyValue } from '../core/domain/property-items.ts'
import type { AccessKey, ApiRole, Device, Product, Validation } from '../core/domain/registry.ts'
import type { Stamp } from '../core/domain/token.ts'

/** Names in `meta`: devices there are, and the number given last. */
export const DEVICE_COUNT = 'deviceCount'
export const LAST_DEVICE_NUMBER = 'lastDeviceNumber'

export interface ProductValue {
  readonly name: string
  readonly validation: Validation
  readonly createdAt: number
  /** How many devices it has. */
  readonly devices: number
}

export interface DeviceRecord {
  readonly productKey: string
  readonly deviceName: string
  readonly iotId: string
  readonly enabled: boolean
  readonly createdAt: number
  /** Bytes of a `SecretBox`. */
  readonly secret: Uint8Array
}

export interface StateValue {
  readonly incarnation: number
  readonly epoch: number
  readonly version: number
  readonly online: boolean
  readonly activatedAt: number | undefined
  readonly onlineAt: number | undefined
  readonly offlineAt: number | undefined
  readonly address: string | undefined
  /** JSON: identifier to `{value, time}`. */
  readonly properties: string
}

export interface AccessKeyValue {
  readonly note: string
  readonly api: ApiRole
  readonly mqtt: AccessPolicy | undefined
  readonly createdAt: number
  /** SHA-256 of the secret, 32 bytes. */
  readonly hash: Uint8Array
}

export function deviceKey(productKey: string, deviceName: string): string {
  return `${productKey}/${deviceName}`
}

export function toProduct(productKey: string, value: ProductValue): Product {
  const { name, validation, createdAt } = value
  return { productKey: productKey as ProductKey, name, validation, createdAt }
}

export function toDevice(number: number, record: DeviceRecord): Device {
  return {
    number: number as DeviceNumber,
    productKey: record.productKey as ProductKey,
    deviceName: record.deviceName as DeviceName,
    iotId: record.iotId,
    enabled: record.enabled,
    createdAt: record.createdAt,
  }
}

export function toAccessKey(id: string, value: AccessKeyValue): AccessKey {
  const { note, api, mqtt, createdAt } = value
  return { id, note, api, mqtt, createdAt }
}

export function fromState(state: DeviceState): StateValue {
  return {
    incarnation: state.token.incarnation,
    epoch: state.token.epoch,
    version: state.version,
    online: state.online,
    activatedAt: state.activatedAt,
    onlineAt: state.onlineAt,
    offlineAt: state.offlineAt,
    address: state.address,
    properties: JSON.stringify(state.properties),
  }
}

export function stampOf({ incarnation, epoch, version }: StateValue): Stamp {
  return { token: { incarnation, epoch }, version }
}

export function toState(value: StateValue): DeviceState {
  const parsed = JSON.parse(value.properties) as Record<string, PropertyValue>
  return {
    token: { incarnation: value.incarnation, epoch: value.epoch },
    version: value.version,
    online: value.online,
    activatedAt: value.activatedAt,
    onlineAt: value.onlineAt,
    offlineAt: value.offlineAt,
    address: value.address,
    properties: Object.assign(emptyItems(), parsed),
  }
}
