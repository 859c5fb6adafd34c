/**
 * Sockets that have begun TLS: they wait at the entrance of the shard until there is room for what a handshake costs, more
 * than all else of a connect. Then they are the TLS server's.
 */
import type { Socket } from 'node:net'
import type { Server as TlsServer } from 'node:tls'
import type { Newcomer } from '../mqtt/entrance.ts'
import type { ConnectionGate } from './connection-gate.ts'
import type { SocketListenerParts } from './early-sockets.ts'

/** @param socket  paused; what came of it is pushed back */
export function beginHandshake(
  socket: Socket,
  server: TlsServer,
  { gate, around, handshakeTimeoutSec }: SocketListenerParts,
): void {
  const handshake = new Handshake(socket, server, gate)
  const { entrance } = gate
  around.turn.enter()
  if (entrance.free) {
    entrance.begin()
    handshake.enter()
    entrance.end('handshake')
    return
  }
  const refuse = (): void => {
    gate.refusedHandshake('connect-queue')
    socket.destroy()
  }
  if (!entrance.wait(handshake, 'handshake')) {
    refuse()
    return
  }
  socket.setTimeout(handshakeTimeoutSec * 1000, refuse)
  socket.once('close', () => entrance.leave(handshake))
}

class Handshake implements Newcomer {
  readonly #socket: Socket
  readonly #server: TlsServer
  readonly #gate: ConnectionGate

  constructor(socket: Socket, server: TlsServer, gate: ConnectionGate) {
    this.#socket = socket
    this.#server = server
    this.#gate = gate
  }

  enter(): void {
    this.#socket.setTimeout(0) // from now on the TLS server's
    this.#socket.removeAllListeners('timeout')
    if (this.#gate.sheds()) this.#socket.destroy()
    else this.#server.emit('connection', this.#socket)
  }
}
