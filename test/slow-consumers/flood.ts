/**
 * Clients that stop reading while much is published to them, on a live server: what it holds, what others feel of it,
 * what it counts. Half of them subscribe at QoS 0, half at QoS 1.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { RunningServer } from '../support/running-server.ts'

const PAYLOAD_BYTES = 10_000
const LIMITS = { backlogBytes: 262_144, queueBytes: 1_048_576, drainTimeoutSec: 3 }
const SAMPLE_MS = 50
const MEGABYTE = 1_048_576

export interface FloodOptions {
  readonly clients: number
  /** Published, over all messages; each is meant for every client. */
  readonly bytes: number
  readonly onProgress?: (publishedBytes: number) => void
}

export interface FloodOutcome {
  readonly rssBeforeMb: number
  readonly rssMostMb: number
  /** What the settings allow them to hold. */
  readonly boundMb: number
  /** Of a client beside them, from its PUBLISH to its PUBACK. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly most: number }
  readonly counters: Readonly<Record<string, number>>
}

export async function flood(options: FloodOptions): Promise<FloodOutcome> {
  const { clients, bytes } = options
  const server = await RunningServer.start({
    listen: ['mqtt://127.0.0.1:0?profile=plain&auth=anonymous', 'http://127.0.0.1:0'],
    args: Object.entries(LIMITS).flatMap(([name, value]) => ['--set', `limits.${name}=${value}`]),
  })
  try {
    const port = server.port('mqtt')
    const slow = await Promise.all(Array.from({ length: clients }, (_, i) => slowReader(port, i)))
    const beside = await Beside.start(port)
    await wait(500)
    const rssBefore = rss(server.process.pid as number)
    let rssMost = rssBefore
    const sampler = setInterval(() => {
      rssMost = Math.max(rssMost, rss(server.process.pid as number))
    }, SAMPLE_MS)
    await publishAll(port, bytes, options.onProgress)
    await wait(500)
    clearInterval(sampler)
    const latencyMs = beside.stop()
    const counters = await countersOf(server)
    for (const socket of slow) socket.destroy()
    return {
      rssBeforeMb: Math.round(rssBefore / MEGABYTE),
      rssMostMb: Math.round(rssMost / MEGABYTE),
      boundMb: Math.round((clients * (LIMITS.backlogBytes + LIMITS.queueBytes)) / MEGABYTE),
      latencyMs,
      counters,
    }
  } finally {
    await server.dispose()
  }
}

function encode(packet: Packet): Buffer {
  return mqttPacket.generate(packet, { protocolVersion: 4 })
}

async function open(port: number, clientId: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  socket.on('error', () => {})
  socket.write(
    encode({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId,
      keepalive: 0,
    } as Packet),
  )
  await once(socket, 'data')
  return socket
}

async function slowReader(port: number, index: number): Promise<Socket> {
  const socket = await open(port, `slow-${index}`)
  const qos = (index % 2) as 0 | 1
  socket.write(
    encode({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'flood', qos }] } as Packet),
  )
  await once(socket, 'data')
  socket.pause()
  return socket
}

/** As fast as the server reads; a PINGREQ behind each few says that it has. */
async function publishAll(
  port: number,
  bytes: number,
  onProgress?: (bytes: number) => void,
): Promise<void> {
  const socket = await open(port, 'flooder')
  const frames = 20
  const payload = Buffer.alloc(PAYLOAD_BYTES, 'x')
  const one = (messageId: number): Buffer =>
    encode({
      cmd: 'publish',
      topic: 'flood',
      payload,
      qos: 1,
      messageId,
      dup: false,
      retain: false,
    })
  const batch = Buffer.concat([
    ...Array.from({ length: frames }, (_, i) => one(i + 1)),
    encode({ cmd: 'pingreq' }),
  ])
  let pongs = 0
  socket.on('data', (chunk) => {
    for (let at = 0; at < chunk.length; at++) if (chunk[at] === 0xd0) pongs += 1
  })
  for (let sent = 0, batches = 0; sent < bytes; sent += frames * PAYLOAD_BYTES) {
    socket.write(batch)
    batches += 1
    while (batches - pongs > 4) await wait(1)
    onProgress?.(sent)
  }
  socket.destroy()
}

/** A client that publishes now and then and waits for each acknowledgement. */
class Beside {
  readonly #socket: Socket
  readonly #taken: number[] = []
  #running = true

  private constructor(socket: Socket) {
    this.#socket = socket
    void this.#run()
  }

  static async start(port: number): Promise<Beside> {
    return new Beside(await open(port, 'beside'))
  }

  stop(): FloodOutcome['latencyMs'] {
    this.#running = false
    this.#socket.destroy()
    const sorted = this.#taken.sort((a, b) => a - b)
    const at = (share: number): number => {
      const index = Math.min(sorted.length - 1, Math.floor(sorted.length * share))
      return Math.round((sorted[index] ?? Number.NaN) * 10) / 10
    }
    return { p50: at(0.5), p99: at(0.99), most: at(1) }
  }

  async #run(): Promise<void> {
    const packet = { cmd: 'publish', topic: 'beside', payload: 'x', qos: 1, messageId: 1 } as const
    const bytes = encode({ ...packet, dup: false, retain: false })
    while (this.#running) {
      const from = performance.now()
      this.#socket.write(bytes)
      await once(this.#socket, 'data').catch(() => {})
      if (this.#running) this.#taken.push(performance.now() - from)
      await wait(10)
    }
  }
}

async function countersOf(server: RunningServer): Promise<Record<string, number>> {
  const { body } = await server.api('GET', '/status')
  const { shards } = body as {
    readonly shards: readonly { readonly refusals: Record<string, number> }[]
  }
  return shards[0]?.refusals ?? {}
}

/** Resident bytes of a process. */
function rss(pid: number): number {
  const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')
  return Number(pages) * 4096
}
