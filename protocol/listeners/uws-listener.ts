/** MQTT over WebSocket by uWebSockets.js: any path, sub-protocol `mqtt` (MQTT 5.0 §6). */
import type { ListenerSpec } from '../../core/domain/settings.ts'
import type { ConnectionGate } from './connection-gate.ts'
import { GatheredTransport, type TransportSurroundings } from './gathered-transport.ts'
import type { Listener, TlsMaterial } from './listener.ts'
import type { Uws, UwsApp, UwsRequest, UwsResponse, UwsSocket } from './uws-loader.ts'
import { chooseSubProtocol } from './web-socket-protocol.ts'

export interface WebSocketListenerParts {
  readonly spec: ListenerSpec
  readonly gate: ConnectionGate
  readonly around: TransportSurroundings
  readonly tls: TlsMaterial | undefined
  /** Largest WebSocket message: may hold several packets, or a part of one. */
  readonly messageBytes: number
}

interface Data {
  transport: UwsTransport | undefined
}

class UwsTransport extends GatheredTransport {
  readonly remoteAddress: string
  readonly secure: boolean
  readonly #socket: UwsSocket

  constructor(socket: UwsSocket, secure: boolean, around: TransportSurroundings) {
    super(around)
    this.#socket = socket
    this.secure = secure
    this.remoteAddress = addressOf(socket)
  }

  onMessage(message: ArrayBuffer): void {
    const bytes = Buffer.from(message)
    this.received(bytes, bytes.length)
  }

  onDrain(): void {
    this.drained()
  }

  onClose(): void {
    this.closed()
  }

  protected override writeOut(bytes: Buffer): void {
    this.#socket.send(bytes, true, false) // copied by uWS before it returns
  }

  protected override unsentBytes(): number {
    return this.ended ? 0 : this.#socket.getBufferedAmount()
  }

  /** uWS cannot pause a WebSocket here: what it has read is handled, its own bound is one message. */
  protected override stopReading(): void {}

  protected override startReading(): void {}

  protected override endWriting(): void {
    if (!this.ended) this.#socket.end(1000)
  }

  override destroy(): void {
    if (!this.ended) this.#socket.close()
  }
}

export async function openUwsListener(uws: Uws, parts: WebSocketListenerParts): Promise<Listener> {
  const { spec, tls, gate, around } = parts
  const secure = spec.protocol === 'wss'
  const app: UwsApp =
    secure && tls !== undefined
      ? uws.SSLApp({ key_file_name: tls.keyFile, cert_file_name: tls.certFile })
      : uws.App()
  app.ws('/*', {
    maxPayloadLength: parts.messageBytes,
    maxBackpressure: 0, // ours is the bound: see GatheredTransport
    idleTimeout: 0, // MQTT has its own keep alive
    sendPingsAutomatically: false,
    compression: 0,
    upgrade: (response: UwsResponse, request: UwsRequest, context: unknown): void => {
      const protocol = chooseSubProtocol(request.getHeader('sec-websocket-protocol'))
      if (protocol === undefined || !gate.admits(0, () => addressOf(response))) {
        const status = protocol === undefined ? '400 Bad Request' : '503 Service Unavailable'
        response.writeStatus(status).end('the sub-protocol must be mqtt\n', true)
        return
      }
      const data: Data = { transport: undefined }
      const key = request.getHeader('sec-websocket-key')
      response.upgrade(data, key, protocol, '', context)
    },
    open: (socket: UwsSocket): void => {
      const transport = new UwsTransport(socket, secure, around)
      dataOf(socket).transport = transport
      gate.open(transport)
    },
    message: (socket: UwsSocket, message: ArrayBuffer, isBinary: boolean): void => {
      const { transport } = dataOf(socket)
      if (isBinary) transport?.onMessage(message)
      else transport?.destroy() // [MQTT-6.0.0-1]
    },
    drain: (socket: UwsSocket): void => dataOf(socket).transport?.onDrain(),
    close: (socket: UwsSocket): void => dataOf(socket).transport?.onClose(),
  })
  app.any('/*', (response) => {
    response.writeStatus('426 Upgrade Required').end('MQTT over WebSocket is spoken here\n', true)
  })
  const socket = await new Promise<unknown>((resolve) => app.listen(spec.host, spec.port, resolve))
  if (socket === false || socket === null || socket === undefined) {
    throw new Error(`cannot listen on ${spec.url}`)
  }
  return {
    spec,
    port: uws.us_socket_local_port(socket),
    descriptors: [], // uWebSockets.js keeps them to itself
    close: async () => {
      uws.us_listen_socket_close(socket)
    },
    abandon: () => app.close(),
  }
}

function addressOf(end: UwsSocket | UwsResponse): string {
  return Buffer.from(end.getRemoteAddressAsText()).toString('latin1')
}

function dataOf(socket: UwsSocket): Data {
  return socket.getUserData() as Data
}
