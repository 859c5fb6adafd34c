/**
 * Listening sockets of a port that other threads listen on, too: the kernel spreads connections over all of
 * them (SO_REUSEPORT). Node does it from 22.12 on; before, on Linux, the sockets are made by libc through
 * the optional package koffi. Each thread makes its own: a descriptor that two handles share would be closed
 * twice. ADR 6.
 */
import { lookup } from 'node:dns/promises'
import { createRequire } from 'node:module'
import { isIPv6, type Server } from 'node:net'
import { PlatformError } from '../../core/domain/errors.ts'

/**
 * libuv accepts one connection per loop turn and socket: a thousand that wait took 5.5 s by one socket of a
 * loop with turns of 5 ms, 0.8 s by eight.
 */
const SOCKETS_PER_PORT = 8
const BACKLOG = 4096 // the kernel cuts it at net.core.somaxconn

const AF_INET = 2
const AF_INET6 = 10
const SOCK_STREAM = 1
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SO_REUSEPORT = 15
const IPPROTO_IPV6 = 41
const IPV6_V6ONLY = 26
const SHUT_RDWR = 2

interface Libc {
  socket(domain: number, type: number, protocol: number): number
  setsockopt(fd: number, level: number, name: number, value: Buffer, length: number): number
  bind(fd: number, address: Buffer, length: number): number
  listen(fd: number, backlog: number): number
  close(fd: number): number
  shutdown(fd: number, how: number): number
  getsockname(fd: number, address: Buffer, length: Buffer): number
  inet_pton(family: number, text: string, target: Buffer): number
  errno(): number
}

let loaded: Libc | undefined | null

function libc(): Libc | undefined {
  if (loaded === undefined) loaded = loadLibc() ?? null
  return loaded ?? undefined
}

function loadLibc(): Libc | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const koffi = createRequire(import.meta.url)('koffi') as {
      load(path: string): { func(declaration: string): (...args: never[]) => number }
      errno(): number
    }
    const library = koffi.load('libc.so.6')
    const f = (declaration: string): never => library.func(declaration) as never
    return {
      socket: f('int socket(int, int, int)'),
      setsockopt: f('int setsockopt(int, int, int, void *, uint32_t)'),
      bind: f('int bind(int, void *, uint32_t)'),
      listen: f('int listen(int, int)'),
      close: f('int close(int)'),
      shutdown: f('int shutdown(int, int)'),
      getsockname: f('int getsockname(int, void *, void *)'),
      inet_pton: f('int inet_pton(int, const char *, void *)'),
      errno: () => koffi.errno(),
    }
  } catch {
    return undefined // not installed, or no build for this system
  }
}

function nodeShares(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return process.platform === 'linux' && (major > 22 || (major === 22 && minor >= 12))
}

/** Whether several threads can listen on one port here. */
export function canSharePorts(): boolean {
  return nodeShares() || libc() !== undefined
}

export interface SharedPort {
  readonly servers: readonly Server[]
  /** Of the listening sockets, where they are known. */
  readonly descriptors: readonly number[]
}

/**
 * Opens servers on the address, all of them made by `make`. Where ports cannot be shared, one.
 *
 * @throws listener.in-use, listener.unavailable
 */
export async function listenShared(
  host: string,
  port: number,
  make: () => Server,
): Promise<SharedPort> {
  const servers: Server[] = []
  const descriptors: number[] = []
  try {
    const count = port !== 0 && canSharePorts() ? SOCKETS_PER_PORT : 1
    const address = count > 1 && !nodeShares() ? (await lookup(host)).address : host
    for (let i = 0; i < count; i++) {
      const server = make()
      servers.push(server)
      if (count === 1) {
        await listening(server, { host, port, backlog: BACKLOG })
      } else if (nodeShares()) {
        await listening(server, { host, port, backlog: BACKLOG, reusePort: true })
        const { fd } = (server as unknown as { _handle: { fd?: number } })._handle
        if (fd !== undefined && fd >= 0) descriptors.push(fd)
      } else {
        const fd = listeningSocket(libc() as Libc, address, port)
        descriptors.push(fd)
        await listening(server, { fd }, BACKLOG)
      }
    }
    return { servers, descriptors }
  } catch (error) {
    for (const server of servers) server.close()
    throw error
  }
}

/**
 * Takes listening sockets of another thread out of their port: no new connection reaches them, and those that
 * wait there are reset. For a thread that stands still and cannot do it. False where nothing was done.
 */
export function stopListening(descriptors: readonly number[]): boolean {
  const c = libc()
  if (c === undefined) return false
  for (const fd of descriptors) c.shutdown(fd, SHUT_RDWR)
  return descriptors.length > 0
}

/** A port that the kernel chose, kept from everybody who does not share ports until `release`. */
export interface HeldPort {
  readonly port: number
  release(): void
}

/**
 * Has the kernel choose a port and keeps it, so that between the choice and the last thread that listens on it
 * nobody's outgoing connection takes it. Undefined where ports cannot be shared by way of libc.
 *
 * @throws listener.unavailable
 */
export async function holdAnyPort(host: string): Promise<HeldPort | undefined> {
  const c = libc()
  if (c === undefined) return undefined
  const { address } = await lookup(host)
  // Not with SO_REUSEADDR: two that set it share a port on which nobody listens yet.
  const fd = boundSocket(c, address, 0, false)
  const name = Buffer.alloc(28)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(name.length)
  const known = c.getsockname(fd, name, length) === 0
  if (!known) {
    const error = refused(c, address, 0)
    c.close(fd)
    throw error
  }
  return { port: name.readUInt16BE(2), release: () => void c.close(fd) }
}

function listeningSocket(c: Libc, address: string, port: number): number {
  const fd = boundSocket(c, address, port, true)
  if (c.listen(fd, BACKLOG) === 0) return fd
  const error = refused(c, address, port)
  c.close(fd)
  throw error
}

/** With SO_REUSEPORT; it does not listen yet. */
function boundSocket(c: Libc, address: string, port: number, reuseAddress: boolean): number {
  const v6 = isIPv6(address)
  const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC
  const fd = c.socket(v6 ? AF_INET6 : AF_INET, type, 0)
  if (fd < 0) throw refused(c, address, port)
  const set = (level: number, name: number, on: number): boolean => {
    const value = Buffer.alloc(4)
    value.writeInt32LE(on)
    return c.setsockopt(fd, level, name, value, 4) === 0
  }
  const name = socketAddress(c, v6, address, port)
  const made =
    (!reuseAddress || set(SOL_SOCKET, SO_REUSEADDR, 1)) &&
    set(SOL_SOCKET, SO_REUSEPORT, 1) &&
    (!v6 || set(IPPROTO_IPV6, IPV6_V6ONLY, 0)) &&
    c.bind(fd, name, name.length) === 0
  if (made) return fd
  const error = refused(c, address, port)
  c.close(fd)
  throw error
}

/** `sockaddr_in` and `sockaddr_in6` of Linux. */
function socketAddress(c: Libc, v6: boolean, address: string, port: number): Buffer {
  const bytes = Buffer.alloc(v6 ? 28 : 16)
  bytes.writeUInt16LE(v6 ? AF_INET6 : AF_INET, 0)
  bytes.writeUInt16BE(port, 2)
  const host = bytes.subarray(v6 ? 8 : 4, v6 ? 24 : 8)
  if (c.inet_pton(v6 ? AF_INET6 : AF_INET, address, host) !== 1) {
    throw new PlatformError('listener.unavailable', `${address} is no address`)
  }
  return bytes
}

function refused(c: Libc, address: string, port: number): PlatformError {
  return new PlatformError(
    'listener.unavailable',
    `${address}:${port} cannot be listened on (errno ${c.errno()})`,
  )
}

/** @param backlog  for a descriptor, where Node takes it from nowhere else: it listens anew, by default for 511 */
function listening(server: Server, options: object, backlog?: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options, backlog, () => {
      server.off('error', reject)
      // A socket that was taken out of its port from outside: its accepts fail, the others go on.
      server.on('error', () => {})
      resolve()
    })
  })
}
