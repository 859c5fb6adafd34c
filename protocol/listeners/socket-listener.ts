/**
 * TCP listeners of Node: plain (`mqtt`), TLS (`mqtts`), and both on one port (`auto`), told apart by the
 * first byte as the original does: a TLS handshake begins with 0x16, which is no MQTT packet type.
 */
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { type EarlySockets, type SocketListenerParts, TLS_HANDSHAKE } from './early-sockets.ts'
import { beginHandshake } from './handshakes.ts'
import type { Listener, TlsMaterial } from './listener.ts'
import { RawDoor } from './raw-door.ts'
import { rawHandles } from './raw-handle.ts'
import { listenShared } from './shared-port.ts'
import { SocketTransport } from './socket-transport.ts'

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}

export async function openSocketListener(parts: SocketListenerParts): Promise<Listener> {
  const { spec, gate } = parts
  const early: EarlySockets = new Map() // accepted, not yet connections; as many as may be open, as long as the time-out
  const tlsServer = spec.protocol === 'mqtt' ? undefined : createTls(parts, early)
  const secure = (socket: Socket): void => {
    keepEarly(socket, early)
    beginHandshake(socket, tlsServer as TlsServer, parts)
  }
  const raw = parts.rawSockets ? await rawHandles() : undefined
  const door = raw && new RawDoor(raw, parts, early, secure)
  const accept = (socket: Socket): void => {
    socket.on('error', () => {})
    if (!gate.admits(early.size, () => socket.remoteAddress ?? '')) {
      socket.destroy()
      return
    }
    keepEarly(socket, early)
    if (spec.protocol === 'mqtt') openPlain(socket, undefined, parts, early)
    else hearFirst(socket, tlsServer as TlsServer, parts, early)
  }
  const options = { noDelay: true, pauseOnConnect: spec.protocol === 'mqtt' }
  const make = (): Server => createServer(options, accept)
  const { servers, descriptors } = await listenShared(spec.host, spec.port, make)
  if (raw !== undefined && door !== undefined) {
    for (const server of servers) raw.accept(server, door.accept)
  }
  return {
    spec,
    port: (servers[0]?.address() as AddressInfo | null)?.port ?? spec.port,
    descriptors,
    close: async () => {
      for (const server of servers) server.close() // frees the port at once; its callback would wait for TLS connections
      for (const socket of early.values()) socket.destroy()
      door?.close()
      tlsServer?.removeAllListeners('secureConnection')
    },
    abandon: () => {},
  }
}

function keepEarly(socket: Socket, early: EarlySockets): void {
  const peer = peerOf(socket)
  early.set(peer, socket)
  socket.once('close', () => early.delete(peer))
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
    const transport = new SocketTransport(socket, true, parts.around)
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
  const transport = new SocketTransport(accepted, false, parts.around)
  parts.gate.open(transport)
  transport.start(first)
}

/** What it is, and whether it comes alone. */
function hearFirst(
  socket: Socket,
  tlsServer: TlsServer,
  parts: SocketListenerParts,
  early: EarlySockets,
): void {
  const { spec, gate, handshakeTimeoutSec } = parts
  socket.setTimeout(handshakeTimeoutSec * 1000, () => {
    gate.refusedHandshake('connect-timeout')
    socket.destroy()
  })
  socket.once('data', (first: Buffer) => {
    socket.setTimeout(0)
    socket.removeAllListeners('timeout')
    socket.pause()
    if (spec.protocol === 'auto' && first[0] !== TLS_HANDSHAKE) {
      openPlain(socket, first, parts, early)
      return
    }
    socket.unshift(first)
    beginHandshake(socket, tlsServer, parts)
  })
}
