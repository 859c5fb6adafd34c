/**
 * Notices a wrong secret key at start, before every device fails to authenticate: the store keeps a
 * fixed text sealed under its key. In the storage thread only.
 */

import { PlatformError } from '../core/domain/errors.ts'
import type { DeviceNumber } from '../core/domain/identifiers.ts'
import type { Environment } from './environment.ts'
import type { SecretBox } from './sealed-secret.ts'

const NAME = 'secretCheck'
const TEXT = 'tidegate'
const NO_DEVICE = 0 as DeviceNumber

/**
 * Binds a new store to the key; an old one must have been bound to the same.
 *
 * @throws data.unreadable where the store was sealed with another key
 */
export function checkSecretKey(environment: Environment, box: SecretBox): void {
  const { meta } = environment.databases
  const sealed = meta.get(NAME)
  if (sealed === undefined) {
    meta.putSync(NAME, box.seal(NO_DEVICE, TEXT))
    return
  }
  try {
    if (sealed instanceof Uint8Array && box.unseal(NO_DEVICE, sealed) === TEXT) return
  } catch (cause) {
    throw wrongKey(cause)
  }
  throw wrongKey(undefined)
}

function wrongKey(cause: unknown): PlatformError {
  return new PlatformError(
    'data.unreadable',
    'the secret key is not the one that this store was sealed with: restore secret.key or TIDEGATE_SECRET_KEY',
    { cause },
  )
}
