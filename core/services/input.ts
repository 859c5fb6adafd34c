/**
 * What every service does with what it was given: look up what a request names, and say which field
 * is wrong. Faults travel as `details.errors`, a list of {path, message}, up to the outside.
 */
import { PlatformError, type PlatformErrorCode } from '../domain/errors.ts'
import { type DeviceIdentity, deviceName, productKey } from '../domain/identifiers.ts'
import type { Device, Product } from '../domain/registry.ts'
import type { RegistryReader } from '../ports/registry-reader.ts'

/** A device as a request names it: not checked yet. */
export interface DeviceRef {
  readonly productKey: string
  readonly deviceName: string
}

/** Which part of the input is wrong, as a JSON pointer, and why. */
export interface FieldFault {
  readonly path: string
  readonly message: string
}

/** An error for wrong input: the first fault is told in its message, all of them in its details. */
export function faulty(
  code: Extract<PlatformErrorCode, 'request.invalid' | 'value.invalid' | 'model.invalid'>,
  errors: readonly [FieldFault, ...FieldFault[]],
): PlatformError {
  const [first] = errors
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  const at = first.path === '' ? '' : `${first.path}: `
  return new PlatformError(code, `${at}${first.message}${more}`, { details: { errors } })
}

/** @throws product.not-found */
export function requireProduct(reader: RegistryReader, key: string): Product {
  const product = productKey(key) === undefined ? undefined : reader.product(key)
  if (product !== undefined) return product
  throw new PlatformError('product.not-found', `There is no product ${JSON.stringify(key)}.`)
}

/** @throws product.not-found, device.not-found */
export function requireDevice(reader: RegistryReader, ref: DeviceRef): Device {
  const product = requireProduct(reader, ref.productKey)
  const device =
    deviceName(ref.deviceName) === undefined
      ? undefined
      : reader.device(product.productKey, ref.deviceName)
  if (device !== undefined) return device
  throw new PlatformError(
    'device.not-found',
    `Product ${product.productKey} has no device ${JSON.stringify(ref.deviceName)}.`,
  )
}

/** A device that may be spoken to. @throws product.not-found, device.not-found, device.disabled */
export function requireEnabled(reader: RegistryReader, ref: DeviceRef): Device {
  const device = requireDevice(reader, ref)
  if (device.enabled) return device
  throw new PlatformError(
    'device.disabled',
    `Device ${device.deviceName} is disabled; enable it before you send to it.`,
  )
}

/** @throws request.invalid */
export function requireIdentity(ref: DeviceRef): DeviceIdentity {
  const key = productKey(ref.productKey)
  const name = deviceName(ref.deviceName)
  if (key === undefined) {
    throw faulty('request.invalid', [
      { path: '/productKey', message: 'must be 11 letters and digits' },
    ])
  }
  if (name === undefined) {
    throw faulty('request.invalid', [
      { path: '/deviceName', message: 'must be 4 to 32 characters of A-Z a-z 0-9 _ - @ . :' },
    ])
  }
  return { productKey: key, deviceName: name }
}
