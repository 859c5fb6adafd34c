/** What a device says in CONNECT to prove its secret (connect.md §2), as firmware would say it. */
import { createHmac } from 'node:crypto'

export interface SimIdentity {
  readonly productKey: string
  readonly deviceName: string
  readonly deviceSecret: string
}

export interface SignIn {
  readonly clientId: string
  readonly username: string
  readonly password: string
}

/**
 * @param secure     over TLS: securemode 2, else 3
 * @param timestamp  milliseconds; signed, and checked by nobody
 */
export function signIn(identity: SimIdentity, secure: boolean, timestamp: number): SignIn {
  const { productKey, deviceName, deviceSecret } = identity
  const id = `${productKey}.${deviceName}`
  const content = `clientId${id}deviceName${deviceName}productKey${productKey}timestamp${timestamp}`
  const mode = secure ? 2 : 3
  return {
    clientId: `${id}|securemode=${mode},signmethod=hmacsha256,timestamp=${timestamp}|`,
    username: `${deviceName}&${productKey}`,
    password: createHmac('sha256', deviceSecret).update(content).digest('hex'),
  }
}
