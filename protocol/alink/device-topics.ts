/**
 * Whose a topic is (topics.md §1, §7): a device uses only topics that carry its own product key and name,
 * each at its fixed place; what may stand there as a wildcard never stands for another device.
 */
import { type DeviceIdentity, deviceName, productKey } from '../../core/domain/identifiers.ts'

/** First levels that belong to the platform; everything below is spoken by devices and the platform alone. */
const PLATFORM_ROOTS = new Set(['sys', 'ext', 'shadow', 'ota', 'broadcast', 'as', '_thing'])

/** A device's own spaces below which it may subscribe, by the levels that lead to its identity. */
const OWN_PREFIXES: readonly (readonly string[])[] = [
  ['sys'],
  [],
  ['shadow', 'get'],
  ['ota', 'device', 'upgrade'],
  ['ota', 'device', 'request'],
  ['ext', 'ntp'],
  ['ext', 'session'],
  ['ext', 'error'],
]

/** Messages on these reach only the device they are meant for, so any device may listen. */
const ADDRESSED_ROOTS: readonly string[] = [
  '/ext/rrpc/',
  '/ext/register',
  '/ext/regnwl',
  '/ext/auth/identity/response',
  '/ext/network/probe/',
]

export function isPlatformTopic(topic: string): boolean {
  return topic.startsWith('/') && PLATFORM_ROOTS.has(topic.split('/', 2)[1] as string)
}

/** `/{pk}/{dn}/user/…`: the device and what follows `/{pk}/{dn}/`. */
export function customTopicOf(
  topic: string,
): { readonly identity: DeviceIdentity; readonly suffix: string } | undefined {
  const levels = topic.split('/')
  if (levels.length < 5 || levels[0] !== '' || levels[3] !== 'user') return undefined
  const pk = productKey(levels[1] as string)
  const dn = deviceName(levels[2] as string)
  if (pk === undefined || dn === undefined) return undefined
  const identity = { productKey: pk, deviceName: dn }
  return { identity, suffix: topic.slice(pk.length + dn.length + 3) }
}

/** May this device subscribe to the (well-formed) filter? */
export function deviceMaySubscribe(device: DeviceIdentity, filter: string): boolean {
  const levels = filter.split('/')
  if (levels[0] !== '') return false
  if (levels[1] === 'broadcast') return levels[2] === device.productKey && levels.length > 3
  if (ADDRESSED_ROOTS.some((root) => filter.startsWith(root))) return true
  return OWN_PREFIXES.some((prefix) => {
    const at = prefix.length + 1
    return (
      prefix.every((level, i) => levels[i + 1] === level) &&
      levels[at] === device.productKey &&
      levels[at + 1] === device.deviceName
    )
  })
}
