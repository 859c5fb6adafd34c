/**
 * Listeners as URLs: `auto://127.0.0.1:1883?profile=alibaba&auth=device`. Read once, at the start; what is
 * wrong is told as one sentence. Which addresses are loopback is decided here, too.
 */
import { nearestWord } from './nearest-word.ts'
import type { ListenerAuth, ListenerProfile, ListenerProtocol, ListenerSpec } from './settings.ts'

export const LISTENER_PROTOCOLS: readonly ListenerProtocol[] = [
  'auto',
  'mqtt',
  'mqtts',
  'ws',
  'wss',
  'http',
]

/** The port where a URL names none, and where the default listeners are. */
export const DEFAULT_PORTS: Readonly<Record<ListenerProtocol, number>> = {
  auto: 1883,
  mqtt: 1883,
  mqtts: 8883,
  ws: 8083,
  wss: 8084,
  http: 8080,
}

const PROFILES: readonly ListenerProfile[] = ['alibaba', 'plain']
const AUTHS: readonly ListenerAuth[] = ['device', 'anonymous', 'password', 'hook']
const PARAMETERS = ['profile', 'auth'] as const
const EXAMPLE = 'auto://127.0.0.1:1883?profile=alibaba&auth=device'

const SHAPE = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?(#.*)?$/i
const AUTHORITY = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/
const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/
const IPV6 = /^[0-9a-f:]*:[0-9a-f:]*(?:\d{1,3}(?:\.\d{1,3}){3})?(?:%[\w.-]+)?$/i

export type ListenerParse =
  | { readonly kind: 'ok'; readonly spec: ListenerSpec }
  | { readonly kind: 'fault'; readonly message: string; readonly suggestion: string | undefined }

type Fault = Extract<ListenerParse, { kind: 'fault' }>

/** Auth by hook is for the library: only a program can bring the hook. */
export interface ListenerParseOptions {
  readonly hookAllowed: boolean
}

export function parseListenerUrl(
  url: string,
  { hookAllowed }: ListenerParseOptions,
): ListenerParse {
  const shape = SHAPE.exec(url)
  if (shape === null) return fault('is not a listener URL', EXAMPLE)
  const [, scheme = '', authority = '', path = '', query = '', fragment] = shape
  const protocol = oneOf(scheme.toLowerCase(), LISTENER_PROTOCOLS)
  if (protocol === undefined) return unknownWord('scheme', scheme, LISTENER_PROTOCOLS)
  if (authority.includes('@')) return fault('a listener URL takes no user name or password')
  if ((path !== '' && path !== '/') || fragment !== undefined) {
    return fault('a listener URL ends with its port and parameters; any path is served')
  }
  const address = readAddress(protocol, authority)
  if (address.kind === 'fault') return address
  const access = readAccess(protocol, query, hookAllowed)
  if (access.kind === 'fault') return access
  const { host, port } = address
  const { profile, auth } = access
  return { kind: 'ok', spec: { url, protocol, host, port, profile, auth, optional: false } }
}

/** A URL that `parseListenerUrl` reads as the same listener; parameters that are defaults are left out. */
export function formatListenerUrl(
  listener: Pick<ListenerSpec, 'protocol' | 'host' | 'port' | 'profile' | 'auth'>,
): string {
  const { protocol, host, port, profile, auth } = listener
  const address = `${protocol}://${host.includes(':') ? `[${host}]` : host}:${port}`
  const parameters = new URLSearchParams()
  if (protocol !== 'http') {
    if (profile !== 'alibaba') parameters.set('profile', profile)
    if (auth !== defaultAuth(profile)) parameters.set('auth', auth)
  }
  return parameters.size === 0 ? address : `${address}?${parameters.toString()}`
}

/** What is opened where nothing is asked for: every protocol, on loopback only. */
export function defaultListeners(): readonly ListenerSpec[] {
  const protocols = LISTENER_PROTOCOLS.filter((protocol) => protocol !== 'mqtt') // auto has its port
  return protocols.flatMap((protocol) =>
    ['127.0.0.1', '::1'].map((host) => {
      const listener = { protocol, host, port: DEFAULT_PORTS[protocol] }
      const access = { profile: 'alibaba', auth: 'device' } as const
      const url = formatListenerUrl({ ...listener, ...access })
      return { url, ...listener, ...access, optional: host === '::1' }
    }),
  )
}

/** True for addresses that only this machine reaches. A name other than `localhost` may lead anywhere. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true
  const v4 = bare.replace(/^(?:::|(?:0{1,4}:){5})ffff:/, '')
  if (/^127(?:\.\d{1,3}){3}$/.test(v4)) return true
  return /^(?:0{0,4}:){1,7}0{0,3}1$/.test(bare) && bare.includes(':')
}

/** Anyone on the network could come in. */
export function isAnonymousBeyondLoopback(listener: ListenerSpec): boolean {
  return listener.auth === 'anonymous' && !isLoopback(listener.host)
}

function readAddress(
  protocol: ListenerProtocol,
  authority: string,
): Fault | { readonly kind: 'ok'; readonly host: string; readonly port: number } {
  const [, rawHost = '', rawPort] = AUTHORITY.exec(authority) ?? []
  const bracketed = rawHost.startsWith('[')
  const host = bracketed ? rawHost.slice(1, -1) : rawHost
  if (bracketed ? !IPV6.test(host) : !HOST_NAME.test(host)) {
    if (/:.*:/.test(authority) && IPV6.test(authority))
      return fault('an IPv6 address stands in brackets', `[${authority}]`)
    return fault(
      host === '' || host === '*'
        ? 'names no address to listen on: 0.0.0.0 is every IPv4 address, [::] every address'
        : `${JSON.stringify(host)} is not an address to listen on`,
    )
  }
  const port = rawPort === undefined ? DEFAULT_PORTS[protocol] : Number(rawPort)
  if ((rawPort !== undefined && !/^\d{1,5}$/.test(rawPort)) || port > 65_535) {
    return fault(`port ${JSON.stringify(rawPort)} is not a number from 0 (any free one) to 65535`)
  }
  return { kind: 'ok', host, port }
}

function readAccess(
  protocol: ListenerProtocol,
  query: string,
  hookAllowed: boolean,
): Fault | { readonly kind: 'ok'; readonly profile: ListenerProfile; readonly auth: ListenerAuth } {
  const parameters = new URLSearchParams(query)
  const given = new Set<string>()
  for (const name of parameters.keys()) {
    if (protocol === 'http') return fault('http:// is the management API and takes no parameters')
    if (oneOf(name, PARAMETERS) === undefined) return unknownWord('parameter', name, PARAMETERS)
    if (given.has(name)) return fault(`parameter ${name} is given twice`)
    given.add(name)
  }
  const rawProfile = parameters.get('profile') ?? 'alibaba'
  const profile = oneOf(rawProfile, PROFILES)
  if (profile === undefined) return unknownWord('profile', rawProfile, PROFILES)
  const rawAuth = parameters.get('auth') ?? defaultAuth(profile)
  const auth = oneOf(rawAuth, AUTHS)
  if (auth === undefined) return unknownWord('auth', rawAuth, AUTHS)
  if (auth === 'hook' && !hookAllowed) {
    return fault('auth=hook is for programs that embed Tidegate and bring the hook')
  }
  if ((auth === 'anonymous' || auth === 'hook') && profile !== 'plain') {
    return fault(`auth=${auth} goes with profile=plain only`)
  }
  return { kind: 'ok', profile, auth }
}

/** Devices where they are at home; elsewhere nobody without an access key. */
function defaultAuth(profile: ListenerProfile): ListenerAuth {
  return profile === 'alibaba' ? 'device' : 'password'
}

function oneOf<Word extends string>(text: string, words: readonly Word[]): Word | undefined {
  return words.find((word) => word === text)
}

function unknownWord(what: string, text: string, known: readonly string[]): Fault {
  return fault(
    `unknown ${what} ${JSON.stringify(text)}; known: ${known.join(', ')}`,
    nearestWord(text, known),
  )
}

function fault(message: string, suggestion?: string): Fault {
  return { kind: 'fault', message, suggestion }
}
