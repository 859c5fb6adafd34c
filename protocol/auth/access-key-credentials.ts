/**
 * Is this CONNECT from a back end? Its user name is the id of an access key, its password the secret;
 * what it may publish and subscribe is the key's own policy.
 */
import type { AccessPolicy } from '../../core/domain/access-policy.ts'
import type { AccessKey } from '../../core/domain/registry.ts'
import type { RegistryReader } from '../../core/ports/registry-reader.ts'

export type AccessKeyRefusal = 'missing-credentials' | 'bad-credentials' | 'no-mqtt-policy'

/** A key that opens MQTT. */
type MqttAccessKey = AccessKey & { readonly mqtt: AccessPolicy }

export type AccessKeyLogin =
  | { readonly kind: 'client'; readonly key: MqttAccessKey }
  | { readonly kind: 'refused'; readonly reason: AccessKeyRefusal; readonly message: string }

/** Nothing longer is a key: it is refused before the registry is asked. */
const MAX_ID_CHARS = 64
const MAX_SECRET_BYTES = 128

/** An unknown id and a wrong secret get one answer, at the same cost (`accessKeyMatches`). */
export function authenticateAccessKey(
  registry: RegistryReader,
  userName: string | undefined,
  password: Uint8Array | undefined,
): AccessKeyLogin {
  if (!userName || password === undefined || password.length === 0) {
    const message = 'send the id of an access key as user name and its secret as password'
    return { kind: 'refused', reason: 'missing-credentials', message }
  }
  const fits = userName.length <= MAX_ID_CHARS && password.length <= MAX_SECRET_BYTES
  if (!fits || !registry.accessKeyMatches(userName, textOf(password))) return BAD_CREDENTIALS
  const key = registry.accessKey(userName)
  if (key === undefined) return BAD_CREDENTIALS // deleted between the two reads
  const { mqtt } = key
  if (mqtt === undefined) {
    const message = `access key ${key.id} has no MQTT policy; make a key with one, or use this key on the management API`
    return { kind: 'refused', reason: 'no-mqtt-policy', message }
  }
  return { kind: 'client', key: { ...key, mqtt } }
}

const BAD_CREDENTIALS: AccessKeyLogin = {
  kind: 'refused',
  reason: 'bad-credentials',
  message: 'no access key has this id and secret; a device sends {deviceName}&{productKey} instead',
}

function textOf(password: Uint8Array): string {
  return Buffer.from(password.buffer, password.byteOffset, password.length).toString('utf8')
}
