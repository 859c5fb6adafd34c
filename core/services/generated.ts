/**
 * Keys, secrets and ids that the platform makes, each character chosen evenly: a byte beyond the
 * last whole multiple of the alphabet is thrown away, never folded back (no modulo bias).
 */
import type { DeviceName, DeviceSecret, ProductKey } from '../domain/identifiers.ts'
import type { Random } from '../ports/random.ts'

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const LOWER_CASE = 'abcdefghijklmnopqrstuvwxyz0123456789'
const HEX = '0123456789abcdef'

/**
 * `length` characters of `alphabet` (2 to 256 of them), each equally likely.
 * Asks for bytes until it has enough: a source that is stuck on a rejected value would never end.
 */
export function randomText(random: Random, alphabet: string, length: number): string {
  const fair = 256 - (256 % alphabet.length)
  let text = ''
  while (text.length < length) {
    for (const byte of random.bytes(length - text.length)) {
      if (byte < fair) text += alphabet[byte % alphabet.length]
    }
  }
  return text
}

/** `k1` and nine characters: 53 bits, so that two never meet. */
export function newProductKey(random: Random): ProductKey {
  return `k1${randomText(random, ALPHANUMERIC, 9)}` as ProductKey
}

/** 16 lower-case characters: 82 bits, easy to read out. */
export function newDeviceName(random: Random): DeviceName {
  return randomText(random, LOWER_CASE, 16) as DeviceName
}

/** 32 hex characters: 128 bits. */
export function newDeviceSecret(random: Random): DeviceSecret {
  return randomText(random, HEX, 32) as DeviceSecret
}

/** 26 characters: the opaque id of a device towards back ends. */
export function newIotId(random: Random): string {
  return randomText(random, ALPHANUMERIC, 26)
}

export function newKeyId(random: Random): string {
  return `ak${randomText(random, ALPHANUMERIC, 14)}`
}

/** 40 characters: 238 bits. */
export function newKeySecret(random: Random): string {
  return randomText(random, ALPHANUMERIC, 40)
}
