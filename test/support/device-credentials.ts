/** What a device sends in CONNECT, computed as the SDKs do (connect.md §2). */
import { createHmac } from 'node:crypto'

export interface DeviceTriple {
  readonly productKey: string
  readonly deviceName: string
  readonly deviceSecret: string
}

export interface MqttCredentials {
  readonly clientId: string
  readonly username: string
  readonly password: string
}

export function deviceCredentials(triple: DeviceTriple, clientId = 'test-client'): MqttCredentials {
  const { productKey, deviceName, deviceSecret } = triple
  const timestamp = '1700000000123'
  const content = `clientId${clientId}deviceName${deviceName}productKey${productKey}timestamp${timestamp}`
  return {
    clientId: `${clientId}|securemode=3,signmethod=hmacsha256,timestamp=${timestamp}|`,
    username: `${deviceName}&${productKey}`,
    password: createHmac('sha256', deviceSecret).update(content).digest('hex'),
  }
}
