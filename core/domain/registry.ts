/** What the registry knows: products, devices, access keys. Values only; their store is `storage/`. */
import type { AccessPolicy } from './access-policy.ts'
import type { DeviceIdentity, DeviceName, DeviceNumber, ProductKey } from './identifiers.ts'

/**
 * How uplink values are held against the thing model (tsl.md §4): `weak`, the original's default,
 * checks identifier and type; `strong` also ranges and lengths; `none` checks nothing.
 */
export type Validation = 'none' | 'weak' | 'strong'

export interface Product {
  readonly productKey: ProductKey
  /** 1 to 64 characters, for people. */
  readonly name: string
  readonly validation: Validation
  /** Milliseconds since the epoch, as every `…At` of the registry. */
  readonly createdAt: number
}

export interface Device extends DeviceIdentity {
  readonly number: DeviceNumber
  readonly productKey: ProductKey
  readonly deviceName: DeviceName
  /** Opaque id that back ends see in normalised messages (tsl.md §6). */
  readonly iotId: string
  readonly enabled: boolean
  readonly createdAt: number
}

/** What a key may do on the management API. */
export type ApiRole = 'none' | 'read' | 'admin'

/** One credential of a back end: `id.secret` as bearer on the API, user name and password on MQTT. */
export interface AccessKey {
  readonly id: string
  /** What it is for, in its owner's words; at most 128 characters. */
  readonly note: string
  readonly api: ApiRole
  /** What it may publish and subscribe as an application client; `undefined`: no MQTT at all. */
  readonly mqtt: AccessPolicy | undefined
  readonly createdAt: number
}

/** One page of a listing; `next` asks for the page behind it, `undefined` at the end. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | undefined
}
