/**
 * What a device signs when it connects, and the check of its signature (connect.md §2).
 *
 *     client id = clientId "|" pair *( "," pair ) "|"
 *     password  = hex( HMAC( method, device secret, content ) )
 *     content   = "clientId" clientId "deviceName" dn "productKey" pk [ "timestamp" timestamp ]
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export type SignMethod = 'hmacmd5' | 'hmacsha1' | 'hmacsha256'

/** An MQTT client identifier in its parts; keys and values without the blanks around them. */
export interface SignedClientId {
  /** 1 to 64 characters, free choice of the device. */
  readonly clientId: string
  readonly ext: ReadonlyMap<string, string>
}

export interface SignedFields {
  readonly clientId: string
  readonly deviceName: string
  readonly productKey: string
  /** As sent, and signed only where it was sent. Held against no clock: firmware sends constants. */
  readonly timestamp: string | undefined
}

const MAX_CLIENT_ID_CHARS = 64
const DIGESTS = { hmacmd5: 'md5', hmacsha1: 'sha1', hmacsha256: 'sha256' } as const
const HEX = /^(?:[0-9a-fA-F]{2}){1,64}$/

/**
 * The ext part lasts from the first `|` to the last one, since a value may contain it (`lan=JS|Ali`).
 * A pair without `=` is passed over, as unknown keys are.
 *
 * @returns `undefined` where the id is not of this form
 */
export function parseClientId(raw: string): SignedClientId | undefined {
  const first = raw.indexOf('|')
  const last = raw.lastIndexOf('|')
  if (first < 1 || first > MAX_CLIENT_ID_CHARS || last === first) return undefined
  if (raw.slice(last + 1).trim() !== '') return undefined
  const ext = new Map<string, string>()
  for (const pair of raw.slice(first + 1, last).split(',')) {
    const equals = pair.indexOf('=')
    if (equals > 0) ext.set(pair.slice(0, equals).trim(), pair.slice(equals + 1).trim())
  }
  return { clientId: raw.slice(0, first), ext }
}

/** Absent means hmacmd5; `undefined`: none of ours. */
export function signMethod(raw: string | undefined): SignMethod | undefined {
  const method = raw === undefined ? 'hmacmd5' : raw.toLowerCase()
  return Object.hasOwn(DIGESTS, method) ? (method as SignMethod) : undefined
}

export function signContent(fields: SignedFields): string {
  const { clientId, deviceName, productKey, timestamp } = fields
  const content = `clientId${clientId}deviceName${deviceName}productKey${productKey}`
  return timestamp === undefined ? content : `${content}timestamp${timestamp}`
}

/** Lower-case hex. */
export function sign(secret: string, method: SignMethod, content: string): string {
  return createHmac(DIGESTS[method], secret).update(content, 'utf8').digest('hex')
}

/**
 * Constant time in the secret and in how much of the password is right; hex of either case.
 * The signature is computed even where the password cannot be one: both refusals cost the same.
 */
export function signatureMatches(
  secret: string,
  method: SignMethod,
  content: string,
  passwordHex: string,
): boolean {
  const expected = createHmac(DIGESTS[method], secret).update(content, 'utf8').digest()
  if (passwordHex.length !== expected.length * 2 || !HEX.test(passwordHex)) return false
  return timingSafeEqual(expected, Buffer.from(passwordHex, 'hex'))
}
