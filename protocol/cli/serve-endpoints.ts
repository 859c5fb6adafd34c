/** Addresses of a running server as a client on this machine writes them. Pure. */
import { parseListenerUrl } from '../../core/domain/listener-url.ts'
import type { ListenerAuth } from '../../core/domain/settings.ts'
import type { ServedListener } from './serve-platform.ts'

/** Where the management API answers; `undefined` without an http listener. */
export function apiUrl(listeners: readonly ServedListener[]): string | undefined {
  const http = listeners.find(({ protocol }) => protocol === 'http')
  return http && `http://${inUrl(reachableHost(http.host))}:${http.port}`
}

/** A listener on every address is reached by loopback from here. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

/** Who a listener lets in, as its URL says. */
export function listenerAuth(listener: ServedListener): ListenerAuth {
  const parsed = parseListenerUrl(listener.url, { hookAllowed: true })
  return parsed.kind === 'ok' ? parsed.spec.auth : 'device'
}

export interface DeviceDoor {
  readonly host: string
  readonly port: number
  readonly secure: boolean
}

/** Where mosquitto_pub can play a device: plain where there is such a door, else by TLS. */
export function deviceDoor(listeners: readonly ServedListener[]): DeviceDoor | undefined {
  const doors = listeners.filter(
    (one) => one.profile === 'alibaba' && listenerAuth(one) === 'device',
  )
  const plain = doors.find(({ protocol }) => protocol === 'auto' || protocol === 'mqtt')
  const door = plain ?? doors.find(({ protocol }) => protocol === 'mqtts')
  return door && { host: reachableHost(door.host), port: door.port, secure: door !== plain }
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
