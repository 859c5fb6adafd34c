/** What a start prints: endpoints, credentials, and commands to paste. Text only; stdout shows it. */
import { createHmac } from 'node:crypto'
import type { ListenerProtocol } from '../../core/domain/settings.ts'
import type { DemoDevice } from './serve-demo.ts'
import { apiUrl, deviceDoor, listenerAuth } from './serve-endpoints.ts'
import type { ServedPlatform } from './serve-platform.ts'
import { record, table } from './table.ts'

const DEFAULT_API_URL = 'http://127.0.0.1:8080'
const DEFAULT_DATA = './data'
const PLAIN_WORD = /^[\w@%+=:,./-]+$/ // what no shell reads as anything else

const SPOKEN: Readonly<Record<ListenerProtocol, string>> = {
  auto: 'MQTT over TCP and TLS',
  mqtt: 'MQTT over TCP',
  mqtts: 'MQTT over TLS',
  ws: 'MQTT over WebSocket',
  wss: 'MQTT over WebSocket, TLS',
  http: 'management API',
}

export interface BannerOptions {
  readonly version: string
  /** How this program is called: `node dist/main.js`, `tidegate`. */
  readonly invocation: string
  /** As the settings name it. */
  readonly data: string
  readonly demo: DemoDevice | undefined
}

type BannerPlatform = Pick<
  ServedPlatform,
  'listeners' | 'caFile' | 'adminKeyFile' | 'isNew' | 'adminKey'
>

export function banner(platform: BannerPlatform, options: BannerOptions): string {
  const { version, invocation, data, demo } = options
  const made = platform.isNew ? 'made now' : 'found'
  const key = platform.adminKey()
  const parts = [
    `Tidegate ${version}, data in ${data} (${made})`,
    endpoints(platform),
    record({
      'CA certificate': platform.caFile,
      'administrator key': key,
      'kept in': key && `${platform.adminKeyFile} (delete it once you have stored the key)`,
    }),
  ]
  if (demo !== undefined) {
    const { productKey, deviceName, deviceSecret } = demo
    parts.push(
      record({
        'demo product key': productKey,
        'device name': deviceName,
        'device secret': deviceSecret,
      }),
    )
    const report = reportCommand(platform, demo)
    if (report !== undefined) parts.push(`Report a temperature as ${deviceName}:\n  ${report}`)
    const look = lookCommand(platform, demo, invocation, data)
    if (look !== undefined) parts.push(`See what arrived:\n  ${look}`)
  }
  return `${parts.filter(Boolean).join('\n\n')}\n`
}

function endpoints({ listeners }: BannerPlatform): string {
  const rows = listeners.map((one) => {
    const access = one.protocol === 'http' ? ['', 'key'] : [one.profile, listenerAuth(one)]
    return [`${one.url.split('?')[0]}`, ...access, SPOKEN[one.protocol]]
  })
  return table(['LISTENER', 'PROFILE', 'AUTH', 'SPEAKS'], rows)
}

/** mosquitto_pub as the device, signed as firmware would (connect.md §2); no timestamp, so it never ages. */
function reportCommand(platform: BannerPlatform, demo: DemoDevice): string | undefined {
  const door = deviceDoor(platform.listeners)
  if (door === undefined) return undefined
  const { productKey, deviceName, deviceSecret } = demo
  const content = `clientId${deviceName}deviceName${deviceName}productKey${productKey}`
  const password = createHmac('sha256', deviceSecret).update(content).digest('hex')
  const body = {
    id: '1',
    version: '1.0',
    method: 'thing.event.property.post',
    params: { temperature: 21.5 },
  }
  const words = ['mosquitto_pub', '-h', door.host, '-p', String(door.port)]
  if (door.secure && platform.caFile !== undefined) words.push('--cafile', platform.caFile)
  words.push('-q', '1')
  words.push('-i', `${deviceName}|securemode=${door.secure ? 2 : 3},signmethod=hmacsha256|`)
  words.push('-u', `${deviceName}&${productKey}`, '-P', password)
  words.push('-t', `/sys/${productKey}/${deviceName}/thing/event/property/post`)
  words.push('-m', JSON.stringify(body))
  return words.map(quoted).join(' ')
}

function lookCommand(
  platform: BannerPlatform,
  demo: DemoDevice,
  invocation: string,
  data: string,
): string | undefined {
  const url = apiUrl(platform.listeners)
  if (url === undefined) return undefined
  const words = ['properties', 'get', demo.productKey, demo.deviceName]
  if (url !== DEFAULT_API_URL) words.push('--url', url)
  if (data !== DEFAULT_DATA) words.push('--data', data)
  return `${invocation} ${words.map(quoted).join(' ')}`
}

/** One word for a POSIX shell. */
function quoted(word: string): string {
  return PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
