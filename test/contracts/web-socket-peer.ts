/** Peers of a WebSocket door: a client, one that is refused, and one that only knows bytes. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { WebSocket } from 'ws'

export interface Client {
  readonly socket: WebSocket
  /** All that came, in hex. */
  hex(): string
  /** The code with which it was closed. */
  readonly closed: Promise<number>
}

export async function joined(
  t: TestContext,
  port: number,
  path = '/',
  offered: string[] = ['mqtt'],
): Promise<Client> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, offered)
  t.after(() => socket.terminate())
  const parts: Buffer[] = []
  socket.on('message', (data: Buffer) => parts.push(data))
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  await once(socket, 'open')
  return { socket, hex: () => Buffer.concat(parts).toString('hex'), closed }
}

/** The HTTP status with which an upgrade is refused. */
export async function refusal(t: TestContext, port: number, offered: string[]): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, offered)
  t.after(() => socket.terminate())
  socket.on('error', () => {})
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    { statusCode: number },
  ]
  return response.statusCode
}

/** Takes a port as nobody else does, and gives it back: its number. */
export async function bind(t: TestContext, port: number): Promise<number> {
  const server = createServer()
  t.after(() => server.close())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host: '127.0.0.1', exclusive: true }, resolve)
  })
  const taken = (server.address() as AddressInfo).port
  await new Promise((resolve) => server.close(resolve))
  return taken
}

export async function raw(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

export function upgrade(subProtocol: string): string {
  return [
    'GET / HTTP/1.1',
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Sec-WebSocket-Protocol: ${subProtocol}`,
    '\r\n',
  ].join('\r\n')
}
