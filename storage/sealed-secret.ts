/**
 * Secrets at rest: AES-256-GCM under a key that lives beside the store, or with the operator. Each
 * sealed secret is bound to its device's number, so that one row's cannot be moved into another.
 *
 *     u8 format (1), 12 bytes nonce, ciphertext, 16 bytes tag; additional data: u32 LE number
 *
 * The key is read once per thread and never logged.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { PlatformError } from '../core/domain/errors.ts'
import type { DeviceNumber } from '../core/domain/identifiers.ts'
import type { Random } from '../core/ports/random.ts'
import { writeSecretFile } from './data-directory.ts'
import { isMissing } from './log/log-files.ts'

const KEY_BYTES = 32
const FORMAT = 1
const NONCE_BYTES = 12 // random: safe for 2^32 secrets under one key (NIST SP 800-38D §8.3)
const TAG_BYTES = 16
const HEX = /^[0-9a-fA-F]{64}$/
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/

export class SecretBox {
  readonly #key: Uint8Array
  readonly #random: Random

  /** @param key  32 bytes */
  constructor(key: Uint8Array, random: Random) {
    if (key.byteLength !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes`)
    this.#key = key
    this.#random = random
  }

  seal(number: DeviceNumber, secret: string): Uint8Array {
    const nonce = this.#random.bytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce)
    cipher.setAAD(boundTo(number))
    const text = cipher.update(secret, 'utf8')
    return Buffer.concat([Buffer.of(FORMAT), nonce, text, cipher.final(), cipher.getAuthTag()])
  }

  /** @throws data.unreadable for another key, another number, or changed bytes */
  unseal(number: DeviceNumber, sealed: Uint8Array): string {
    try {
      if (sealed[0] !== FORMAT) throw new Error(`format ${sealed[0]}`)
      const textAt = 1 + NONCE_BYTES
      const tagAt = sealed.byteLength - TAG_BYTES
      const nonce = sealed.subarray(1, textAt)
      const options = { authTagLength: TAG_BYTES }
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, options)
      decipher.setAAD(boundTo(number))
      decipher.setAuthTag(sealed.subarray(tagAt))
      const text = decipher.update(sealed.subarray(textAt, tagAt))
      return Buffer.concat([text, decipher.final()]).toString('utf8')
    } catch (cause) {
      throw new PlatformError(
        'data.unreadable',
        `the secret of device ${number} cannot be unsealed`,
        {
          cause,
        },
      )
    }
  }
}

/**
 * The key of the sealed secrets: the given one, else the file's, which is made where it is missing.
 *
 * @param given  64 hex digits or 32 bytes in base64, as `TIDEGATE_SECRET_KEY` has it
 * @throws config.invalid for a given key of another form, data.unreadable for such a file
 */
export function loadSecretKey(path: string, given: string | undefined, random: Random): Uint8Array {
  if (given !== undefined) {
    const key = parseKey(given)
    if (key !== undefined) return key
    throw new PlatformError('config.invalid', 'the secret key must be 32 bytes, as hex or base64')
  }
  const text = readKeyFile(path)
  if (text === undefined) {
    const key = random.bytes(KEY_BYTES)
    writeSecretFile(path, `${Buffer.from(key).toString('hex')}\n`)
    return key
  }
  const key = parseKey(text)
  if (key !== undefined) return key
  throw new PlatformError('data.unreadable', `${path} does not hold a key of 32 bytes`, {
    details: { file: path },
  })
}

function readKeyFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function parseKey(text: string): Uint8Array | undefined {
  const trimmed = text.trim()
  if (HEX.test(trimmed)) return Buffer.from(trimmed, 'hex')
  if (BASE64.test(trimmed)) return Buffer.from(trimmed, 'base64')
  return undefined
}

function boundTo(number: DeviceNumber): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(number)
  return bytes
}
