/** A socket listener on a free port of loopback, and peers that talk to it in bytes. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { ListenerProtocol } from '../../../core/domain/settings.ts'
import type { Listener, TlsMaterial } from '../../../protocol/listeners/listener.ts'
import { openSocketListener } from '../../../protocol/listeners/socket-listener.ts'
import { DoorHouse, specOf, until } from './door-house.ts'

/** Of MQTT 3.x, in hex. */
export const CONNACK = '20020000'

export interface OpenOptions {
  readonly house?: DoorHouse
  readonly tls?: TlsMaterial
  readonly handshakeTimeoutSec?: number
  readonly port?: number
  readonly rawSockets?: boolean
}

interface OpenListener {
  readonly house: DoorHouse
  readonly listener: Listener
  readonly port: number
}

export async function open(
  t: TestContext,
  protocol: ListenerProtocol,
  options: OpenOptions = {},
): Promise<OpenListener> {
  const { house = new DoorHouse(t), tls, handshakeTimeoutSec = 5 } = options
  const { gate, around } = house
  const spec = specOf(protocol, options.port)
  const { rawSockets = true } = options
  const parts = { spec, gate, around, rawSockets, tls, handshakeTimeoutSec }
  const listener = await openSocketListener(parts)
  t.after(() => listener.close())
  return { house, listener, port: listener.port }
}

export class Peer {
  readonly socket: Socket
  closed = false
  #hex = ''

  constructor(t: TestContext, socket: Socket) {
    this.socket = socket
    t.after(() => socket.destroy())
    socket.on('data', (data) => (this.#hex += data.toString('hex')))
    socket.on('error', () => {})
    socket.on('close', () => (this.closed = true))
  }

  get hex(): string {
    return this.#hex
  }

  async hears(hex: string): Promise<void> {
    await until(() => this.hex === hex)
  }
}

export async function plain(t: TestContext, port: number): Promise<Peer> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return new Peer(t, socket)
}

export async function secure(t: TestContext, port: number, ca: string): Promise<Peer> {
  const socket = connectTls({ port, host: '127.0.0.1', ca })
  await once(socket, 'secureConnect')
  return new Peer(t, socket)
}
