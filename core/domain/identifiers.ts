/**
 * The identifiers of the platform, each checked once at the edge and never again inside.
 * Shapes: `docs/formats.md`, "Identifiers".
 */
import type { Brand } from './brand.ts'

/** Product key: 11 characters, `k1` and nine of `[A-Za-z0-9]`, where we make it; imported ones have 10 to 20. */
export type ProductKey = Brand<string, 'ProductKey'>
/** Device name: 4 to 32 of `[A-Za-z0-9_\-@.:]`, unique in its product (limits.md). */
export type DeviceName = Brand<string, 'DeviceName'>
/** Device secret: 32 hex characters that we make; imported ones may be 16 to 64 of `[A-Za-z0-9]`. */
export type DeviceSecret = Brand<string, 'DeviceSecret'>
/** Dense number of a device, given at registration and never given again. */
export type DeviceNumber = Brand<number, 'DeviceNumber'>
/** Decimal string of at most 19 digits, unique and rising per shard. */
export type MessageId = Brand<string, 'MessageId'>

const PRODUCT_KEY = /^[A-Za-z0-9]{10,20}$/
const DEVICE_NAME = /^[A-Za-z0-9_\-@.:]{4,32}$/
const DEVICE_SECRET = /^[A-Za-z0-9]{16,64}$/

export function productKey(raw: string): ProductKey | undefined {
  return PRODUCT_KEY.test(raw) ? (raw as ProductKey) : undefined
}

export function deviceName(raw: string): DeviceName | undefined {
  return DEVICE_NAME.test(raw) ? (raw as DeviceName) : undefined
}

export function deviceSecret(raw: string): DeviceSecret | undefined {
  return DEVICE_SECRET.test(raw) ? (raw as DeviceSecret) : undefined
}

/** What names a device everywhere: its session, its topics, its row. Never the raw MQTT client id. */
export interface DeviceIdentity {
  readonly productKey: ProductKey
  readonly deviceName: DeviceName
}
