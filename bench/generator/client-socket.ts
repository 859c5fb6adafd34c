/** The socket of a client: plain, read into one buffer for all, or TLS 1.3. */
import { connect, type Socket } from 'node:net'
import { connect as connectSecure, type TLSSocket } from 'node:tls'
import { READ_BYTES } from './frame-scanner.ts'

/**
 * Where libuv reads at once into the buffer it was given, all sockets share one: nothing of it is
 * kept beyond the callback. Windows reads behind our back.
 */
const sharedBuffer = Buffer.allocUnsafeSlow(READ_BYTES)
const readBuffer = (): Buffer =>
  process.platform === 'win32' ? Buffer.allocUnsafeSlow(READ_BYTES) : sharedBuffer

export interface SocketOptions {
  readonly host: string
  readonly port: number
  /** Over TLS 1.3; absent: plain TCP. */
  readonly tls?: TlsOptions
}

export interface TlsOptions {
  /** Of an earlier connection to the server; absent: a full handshake. */
  readonly session?: Buffer
}

export interface SocketEvents {
  /** @param resumed  its handshake was not a full one */
  opened(resumed: boolean): void
  /** With which a later connection resumes; TLS 1.3 gives it behind the handshake. */
  session(latest: Buffer): void
  /** Bytes are valid for this call only. Returns whether to read on. */
  read(size: number, bytes: Buffer): boolean
}

export function openSocket(options: SocketOptions, events: SocketEvents): Socket {
  const { host, port, tls } = options
  if (tls !== undefined) return openSecure(options, tls, events)
  const callback = (size: number, bytes: Uint8Array): boolean => events.read(size, bytes as Buffer)
  const onread = { buffer: readBuffer(), callback }
  return connect({ host, port, noDelay: true, onread }).on('connect', () => events.opened(false))
}

/** What the server's certificate says is not looked at: it was made for this run. */
function openSecure(
  { host, port }: SocketOptions,
  { session }: TlsOptions,
  events: SocketEvents,
): TLSSocket {
  const unverified = { rejectUnauthorized: false, minVersion: 'TLSv1.3' } as const
  const socket = connectSecure({ host, port, ...unverified, ...(session && { session }) })
  return socket
    .setNoDelay(true)
    .on('session', (latest: Buffer) => events.session(latest))
    .on('secureConnect', () => events.opened(socket.isSessionReused()))
    .on('data', (bytes: Buffer) => events.read(bytes.length, bytes))
}
