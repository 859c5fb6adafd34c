/**
 * The CONNACK code of a refused login. Devices know few codes in 3.x (C firmware: 1, 3, 4 and 5), so
 * everything about credentials is 4 and everything about permission 5 (connect.md §3); MQTT 5.0 says
 * the same in its own table (§3.2.2.2).
 */
import type { AccessKeyRefusal } from './access-key-credentials.ts'
import type { DeviceRefusal } from './device-credentials.ts'

/** `hook-…`: what an embedding program decided, or failed to. */
export type LoginRefusal =
  | DeviceRefusal
  | AccessKeyRefusal
  | 'hook-refused'
  | 'hook-failed'
  | 'auth-method'

export interface ConnackCode {
  /** MQTT 3.1 and 3.1.1, §3.2.2.3. */
  readonly v3: number
  /** MQTT 5.0, §3.2.2.2. */
  readonly v5: number
}

const IDENTIFIER: ConnackCode = { v3: 2, v5: 0x85 }
const CREDENTIALS: ConnackCode = { v3: 4, v5: 0x86 }
const PERMISSION: ConnackCode = { v3: 5, v5: 0x87 }
const UNAVAILABLE: ConnackCode = { v3: 3, v5: 0x88 }
const METHOD: ConnackCode = { v3: 5, v5: 0x8c } // MQTT 5 only

const CODES: Readonly<Record<LoginRefusal, ConnackCode>> = {
  'missing-credentials': CREDENTIALS,
  'malformed-client-id': IDENTIFIER,
  'malformed-user-name': CREDENTIALS,
  'unsupported-auth-type': CREDENTIALS,
  'unsupported-sign-method': CREDENTIALS,
  'securemode-mismatch': PERMISSION,
  'unknown-product': CREDENTIALS,
  'unknown-device': CREDENTIALS,
  'bad-signature': CREDENTIALS,
  'device-disabled': PERMISSION,
  'bad-credentials': CREDENTIALS,
  'no-mqtt-policy': PERMISSION,
  'hook-refused': PERMISSION,
  'hook-failed': UNAVAILABLE,
  'auth-method': METHOD,
}

export function connackCode(reason: LoginRefusal): ConnackCode {
  return CODES[reason]
}
