/** A client that keeps to nothing: a bare socket, and the packets that the oracle library makes. */
import { connect, type Socket } from 'node:net'
import mqttPacket, { type Packet } from 'mqtt-packet'
import WebSocket from 'ws'
import { type DeviceTriple, deviceCredentials } from './device-credentials.ts'

export function packetBytes(packet: Packet, protocolVersion: 4 | 5 = 4): Buffer {
  return mqttPacket.generate(packet, { protocolVersion })
}

export function connectBytes(triple: DeviceTriple, protocolVersion: 4 | 5 = 4): Buffer {
  const { clientId, username, password } = deviceCredentials(triple)
  return packetBytes({
    cmd: 'connect',
    protocolVersion,
    clientId,
    username,
    password: Buffer.from(password),
    keepalive: 60,
    clean: true,
  })
}

export interface RawClient {
  send(bytes: Buffer): void
  /** Everything received so far. */
  received(): Buffer
  /** Resolves when the server has closed. */
  readonly closed: Promise<void>
  /** Reads no more. */
  pause(): void
  destroy(): void
}

export function rawTcp(port: number): RawClient {
  const socket: Socket = connect({ host: '127.0.0.1', port })
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  return {
    send: (bytes) => void socket.write(bytes),
    received: () => Buffer.concat(chunks),
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
    pause: () => socket.pause(),
    destroy: () => socket.destroy(),
  }
}

/** Resolves once it is open. */
export async function rawWebSocket(port: number): Promise<RawClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, 'mqtt')
  const chunks: Buffer[] = []
  socket.on('message', (chunk) => chunks.push(chunk as Buffer))
  socket.on('error', () => {})
  await new Promise<void>((resolve) => socket.once('open', () => resolve()))
  return {
    send: (bytes) => socket.send(bytes),
    received: () => Buffer.concat(chunks),
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
    pause: () => socket.pause(),
    destroy: () => socket.terminate(),
  }
}

/**
 * One connection that is left open: the code of its CONNACK, or -1 where it was closed without one. Give it bytes of
 * MQTT 5.
 */
export function connectOnce(port: number, connectPacket: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('error', () => {})
    socket.once('data', (bytes) => resolve(bytes[3] as number))
    socket.once('close', () => resolve(-1))
    socket.write(connectPacket)
    socket.unref()
  })
}
