/**
 * TCP listeners of Node: plain (`mqtt`), TLS (`mqtts`), and both on one port (`auto`), told apart by the
 * first byte as the original does: a TLS handshake begins with 0x16, which is no MQTT packet type.
 */
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import type { ListenerSpec } from '../../core/domain/settings.ts'
import type { ConnectionGate } from './connection-gate.ts'
import type { TransportSurroundings } from './gathered-transport.ts'
import type { Listener, TlsMaterial } from './listener.ts'
import { listenShared } from './shared-port.ts'
import { type ReadBuffer, SocketTransport } from './socket-transport.ts'

const TLS_HANDSHAKE = 0x16 // content type of a TLS record (RFC 8446 §5.1)

/** By peer address and port: a TLS socket and the TCP socket below it have the same. They count as open. */
type EarlySockets = Map<string, Socket>

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}

export interface SocketListenerParts {
  readonly spec: ListenerSpec
  readonly gate: ConnectionGate
  readonly around: TransportSurroundings
  readonly read: ReadBuffer
  readonly tls: TlsMaterial | undefined
  /** Until the first bytes (auto) and the TLS handshake are complete. */
  readonly handshakeTimeoutSec: number
}

export async function openSocketListener(parts: SocketListenerParts): Promise<Listener> {
  const { spec } = parts
  const early: EarlySockets = new Map() // accepted, not yet connections; as many as may be open, as long as the time-out
  const tlsServer = spec.protocol === 'mqtt' ? undefined : createTls(parts, early)
  const accept = (socket: Socket): void => {
    socket.on('error', () => {})
    if (!parts.gate.admits(early.size)) {
      socket.destroy()
      return
    }
    const peer = peerOf(socket)
    early.set(peer, socket)
    socket.once('close', () => early.delete(peer))
    if (spec.protocol === 'mqtt') openPlain(socket, undefined, parts, early)
    else if (spec.protocol === 'mqtts') tlsServer?.emit('connection', socket)
    else tellApart(socket, tlsServer as TlsServer, parts, early)
  }
  const options = { noDelay: true, pauseOnConnect: spec.protocol === 'mqtt' }
  const make = (): Server => createServer(options, accept)
  const { servers, descriptors } = await listenShared(spec.host, spec.port, make)
  return {
    spec,
    port: (servers[0]?.address() as AddressInfo | null)?.port ?? spec.port,
    descriptors,
    close: async () => {
      for (const server of servers) server.close() // frees the port at once; its callback would wait for TLS connections
      for (const socket of early.values()) socket.destroy()
      tlsServer?.removeAllListeners('secureConnection')
    },
    abandon: () => {},
  }
}

function createTls(parts: SocketListenerParts, early: EarlySockets): TlsServer {
  const tls = parts.tls as TlsMaterial
  const server = createTlsServer({
    cert: readFileSync(tls.certFile),
    key: readFileSync(tls.keyFile),
    minVersion: tls.minVersion,
    ticketKeys: Buffer.from(tls.ticketKeys),
    handshakeTimeout: parts.handshakeTimeoutSec * 1000,
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    early.delete(peerOf(socket))
    const transport = SocketTransport.overStream(socket, true, parts.around)
    parts.gate.open(transport)
    transport.start(undefined)
  })
  server.on('tlsClientError', (_error, socket) => {
    parts.gate.refusedHandshake('tls-handshake')
    socket.destroy()
  })
  return server
}

function openPlain(
  accepted: Socket,
  first: Buffer | undefined,
  parts: SocketListenerParts,
  early: EarlySockets,
): void {
  early.delete(peerOf(accepted))
  const transport = SocketTransport.overHandle(accepted, parts.read, parts.around)
  parts.gate.open(transport)
  transport.start(first)
}

function tellApart(
  socket: Socket,
  tlsServer: TlsServer,
  parts: SocketListenerParts,
  early: EarlySockets,
): void {
  socket.setTimeout(parts.handshakeTimeoutSec * 1000, () => {
    parts.gate.refusedHandshake('connect-timeout')
    socket.destroy()
  })
  socket.once('data', (first: Buffer) => {
    socket.setTimeout(0)
    socket.pause()
    if (first[0] === TLS_HANDSHAKE) {
      socket.unshift(first)
      tlsServer.emit('connection', socket)
    } else {
      openPlain(socket, first, parts, early)
    }
  })
}
