/**
 * Is this CONNECT from a device of the registry? The device is who its user name says, and proves it
 * by a signature with its device secret (connect.md §2).
 *
 * Whoever does not hold the secret learns nothing from the time it takes: an unknown device is held
 * against a decoy, and a disabled one is told so only after its signature. Messages are for operators
 * and for the device; they carry what was signed, never a secret or a password.
 */
import { randomBytes } from 'node:crypto'
import { deviceName, productKey } from '../../core/domain/identifiers.ts'
import type { Device } from '../../core/domain/registry.ts'
import type { RegistryReader } from '../../core/ports/registry-reader.ts'
import {
  parseClientId,
  type SignedClientId,
  type SignMethod,
  signatureMatches,
  signContent,
  signMethod,
} from './sign-content.ts'

export interface DeviceConnect {
  /** The whole MQTT client identifier. */
  readonly clientId: string
  readonly userName: string | undefined
  readonly password: Uint8Array | undefined
  /** The connection is encrypted (TLS, WSS). */
  readonly secure: boolean
}

export type DeviceRefusal =
  | 'missing-credentials'
  | 'malformed-client-id'
  | 'malformed-user-name'
  | 'unsupported-auth-type'
  | 'unsupported-sign-method'
  | 'securemode-mismatch'
  | 'unknown-product'
  | 'unknown-device'
  | 'bad-signature'
  | 'device-disabled'

interface RefusedDevice {
  readonly kind: 'refused'
  readonly reason: DeviceRefusal
  /** What is wrong and what to do about it. */
  readonly message: string
}

export type DeviceLogin =
  | {
      readonly kind: 'device'
      readonly device: Device
      /** `_ss=1`: the device hears its system topics without subscribing (connect.md §2). */
      readonly systemTopicsSubscribed: boolean
      /** Something its owner should put right, though it is let in. */
      readonly hint: string | undefined
    }
  | RefusedDevice

/** Stands in for the secret of a device that does not exist; made per process, so nobody can sign with it. */
const DECOY_SECRET = randomBytes(16).toString('hex')
const MAX_PASSWORD_BYTES = 128 // hex of the longest digest is 64
const MAX_SHOWN_CHARS = 160

export function authenticateDevice(
  registry: RegistryReader,
  connect: DeviceConnect,
  options: { readonly strictSecureMode: boolean },
): DeviceLogin {
  const { userName, password } = connect
  if (!userName || password === undefined || password.length === 0) {
    const message = 'a device sends user name {deviceName}&{productKey} and a signature as password'
    return refused('missing-credentials', message)
  }
  const signed = parseClientId(connect.clientId)
  if (signed === undefined) {
    const message =
      'the client id must be {clientId}|securemode=2,signmethod=hmacsha256| with 1 to 64 characters before the first |'
    return refused('malformed-client-id', message)
  }
  const ampersand = userName.lastIndexOf('&')
  if (ampersand < 0) {
    return refused('malformed-user-name', 'the user name must be {deviceName}&{productKey}')
  }
  const authType = signed.ext.get('authType')
  if (authType !== undefined) {
    const message = `authType=${shown(authType)} is not offered; register the device and connect with its device secret`
    return refused('unsupported-auth-type', message)
  }
  const method = signMethod(signed.ext.get('signmethod'))
  if (method === undefined) {
    const message = `signmethod=${shown(signed.ext.get('signmethod'))} is unknown; use hmacsha256, hmacsha1 or hmacmd5`
    return refused('unsupported-sign-method', message)
  }
  const contradiction = secureModeFault(signed.ext.get('securemode'), connect.secure)
  if (contradiction !== undefined && options.strictSecureMode) {
    return refused('securemode-mismatch', contradiction)
  }
  const identity = {
    deviceName: userName.slice(0, ampersand),
    productKey: userName.slice(ampersand + 1),
  }
  const login = checkSignature(registry, identity, signed, method, password)
  if (login.kind === 'refused') return login
  const systemTopicsSubscribed = signed.ext.get('_ss') === '1'
  return { kind: 'device', device: login.device, systemTopicsSubscribed, hint: contradiction }
}

function checkSignature(
  registry: RegistryReader,
  identity: { readonly deviceName: string; readonly productKey: string },
  signed: SignedClientId,
  method: SignMethod,
  password: Uint8Array,
): { readonly kind: 'known'; readonly device: Device } | RefusedDevice {
  const device = wellFormed(identity)
    ? registry.device(identity.productKey, identity.deviceName)
    : undefined
  const secret = device === undefined ? undefined : registry.deviceSecret(device.number)
  const timestamp = signed.ext.get('timestamp')
  const content = signContent({ clientId: signed.clientId, ...identity, timestamp })
  const genuine = signatureMatches(secret ?? DECOY_SECRET, method, content, hexOf(password))
  if (device === undefined || secret === undefined) return unknown(registry, identity)
  if (!genuine) {
    const message = `the password is not the ${method} of "${shown(content)}" under the device secret; compare what the device signs, and its secret`
    return refused('bad-signature', message)
  }
  if (!device.enabled) {
    return refused('device-disabled', 'the device is disabled; enable it to let it connect')
  }
  return { kind: 'known', device }
}

function unknown(
  registry: RegistryReader,
  identity: { readonly deviceName: string; readonly productKey: string },
): RefusedDevice {
  const key = productKey(identity.productKey)
  if (key === undefined || registry.product(key) === undefined) {
    const message = `there is no product ${shown(identity.productKey)}; the user name must be {deviceName}&{productKey}`
    return refused('unknown-product', message)
  }
  const message = `product ${key} has no device ${shown(identity.deviceName)}; register it first`
  return refused('unknown-device', message)
}

/** Only keys of the right shape go to the registry: others could not even be looked up. */
function wellFormed(identity: {
  readonly deviceName: string
  readonly productKey: string
}): boolean {
  return (
    productKey(identity.productKey) !== undefined && deviceName(identity.deviceName) !== undefined
  )
}

/** How the securemode contradicts the transport, or `undefined` (connect.md §2: 2 is TLS, 3 is plain). */
function secureModeFault(mode: string | undefined, secure: boolean): string | undefined {
  if (mode === '2' && !secure) {
    return 'securemode=2 promises TLS, but this connection is plain; use securemode=3 or connect over TLS'
  }
  if (mode === '3' && secure) {
    return 'securemode=3 promises a plain connection, but this one is TLS; use securemode=2'
  }
  return undefined
}

function hexOf(password: Uint8Array): string {
  if (password.length > MAX_PASSWORD_BYTES) return ''
  return Buffer.from(password.buffer, password.byteOffset, password.length).toString('latin1')
}

function refused(reason: DeviceRefusal, message: string): RefusedDevice {
  return { kind: 'refused', reason, message }
}

/** Text of a stranger in a message: cut, and on one line. */
function shown(text: string | undefined): string {
  if (text === undefined) return ''
  const cut = text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text
  return cut.replace(/[\p{Cc}\u2028\u2029]/gu, ' ')
}
