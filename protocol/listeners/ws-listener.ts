/** The WebSocket door where no build of uWebSockets.js fits: the same behaviour by `ws` over `node:http`. */
import { readFileSync } from 'node:fs'
import { createServer, type Server as HttpServer, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import { GatheredTransport, type TransportSurroundings } from './gathered-transport.ts'
import type { Listener } from './listener.ts'
import { listenShared } from './shared-port.ts'
import type { WebSocketListenerParts } from './uws-listener.ts'
import { chooseSubProtocol } from './web-socket-protocol.ts'

class WsTransport extends GatheredTransport {
  readonly remoteAddress: string
  readonly secure: boolean
  readonly #socket: WebSocket

  constructor(
    socket: WebSocket,
    remoteAddress: string,
    secure: boolean,
    around: TransportSurroundings,
  ) {
    super(around)
    this.#socket = socket
    this.remoteAddress = remoteAddress
    this.secure = secure
    socket.on('message', (data: RawData, isBinary: boolean) => {
      if (!isBinary)
        this.destroy() // [MQTT-6.0.0-1]
      else if (!this.received(data as Buffer, (data as Buffer).length)) socket.pause()
    })
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => this.closed())
  }

  protected override writeOut(bytes: Buffer): void {
    // `ws` keeps a reference until the kernel took the bytes; the slab is used again sooner.
    this.#socket.send(Buffer.from(bytes), { binary: true }, () => {
      if (this.#socket.bufferedAmount === 0) this.drained()
    })
  }

  protected override unsentBytes(): number {
    return this.#socket.bufferedAmount
  }

  protected override stopReading(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.pause()
  }

  protected override startReading(): void {
    this.#socket.resume()
  }

  protected override endWriting(): void {
    this.#socket.close(1000)
    this.#socket.resume()
  }

  override destroy(): void {
    this.#socket.terminate()
  }
}

export async function openWsListener(parts: WebSocketListenerParts): Promise<Listener> {
  const { spec, tls, gate, around } = parts
  const secure = spec.protocol === 'wss'
  const made: HttpServer[] = []
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: parts.messageBytes,
    handleProtocols: (offered) => chooseSubProtocol([...offered].join(',')) ?? false,
  })
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const offered = request.headers['sec-websocket-protocol'] ?? ''
    const spoken = chooseSubProtocol(offered) !== undefined
    const address = request.socket.remoteAddress ?? ''
    if (!spoken || !gate.admits(0, () => address)) {
      socket.on('error', () => {}) // on an upgrade the server takes its own listener away
      const status = spoken ? '503 Service Unavailable' : '400 Bad Request'
      const text = `HTTP/1.1 ${status}\r\nconnection: close\r\n\r\nthe sub-protocol must be mqtt\n`
      socket.end(text, () => socket.destroy()) // the client need not end its side
      return
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      gate.open(new WsTransport(webSocket, address, secure, around))
    })
  }
  const make = (): HttpServer => {
    const server =
      secure && tls !== undefined
        ? createTlsServer({
            key: readFileSync(tls.keyFile),
            cert: readFileSync(tls.certFile),
            minVersion: tls.minVersion,
            ticketKeys: Buffer.from(tls.ticketKeys),
          })
        : createServer()
    server.on('request', (_request, response) => {
      response.writeHead(426, { connection: 'close' }).end('MQTT over WebSocket is spoken here\n')
    })
    server.on('upgrade', onUpgrade)
    made.push(server)
    return server
  }
  const { descriptors } = await listenShared(spec.host, spec.port, make)
  return {
    spec,
    port: (made[0]?.address() as AddressInfo | null)?.port ?? spec.port,
    descriptors,
    close: async () => {
      for (const server of made) {
        server.close() // frees the port at once; its callback would wait for the connections
        server.closeIdleConnections()
      }
    },
    abandon: () => {},
  }
}
