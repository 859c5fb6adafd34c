import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import mqtt from 'mqtt-packet'
import { ConnectStorm } from '../../../bench/generator/connect-storm.ts'
import type { ConnectJob, ConnectResult } from '../../../bench/generator/job.ts'

const CLIENTS = 200
const AT_A_TIME = 64
/** Of the server's answer: long enough for all that connect at a time to arrive. */
const ANSWER_MS = 20
const CLOSE_MS = 2000

describe('connect storm', () => {
  it('connects every client twice, the second time behind the end of the first', async (t) => {
    const server = new FakeServer()
    const result = await run(t, server)
    const { connected, failures } = result
    assert.deepEqual({ connected, failures }, { connected: CLIENTS, failures: 0 })
    assert.ok(result.seconds > 0)
    assert.deepEqual(server.filters.toSorted(), [...topics(), ...topics()].toSorted())
    const open = server.openAtConnect[CLIENTS] ?? CLIENTS
    assert.ok(open <= AT_A_TIME, `${open} are open: all of the first wave are gone`)
  })

  it('measures the first wave and the second, where both are asked for', async (t) => {
    const { again, connected } = await run(t, new FakeServer(), 'both')
    assert.equal(connected, CLIENTS)
    assert.ok((again?.seconds ?? 0) > 0)
    assert.equal(again?.resumed, 0, 'there is nothing to resume without TLS')
    assert.equal((await run(t, new FakeServer())).again, undefined)
  })

  it('has a bounded number under way at a time', async (t) => {
    const server = new FakeServer()
    await run(t, server)
    assert.equal(server.mostConnecting, AT_A_TIME)
  })

  it('reports a connect that is refused', async (t) => {
    const { failures, reasons } = await run(t, new FakeServer({ refuse: 'c7' }))
    assert.ok(failures > 0)
    assert.match(reasons[0] ?? '', /refused with code 5/)
  })

  it('reports a connection that is lost while the others still connect', async (t) => {
    const { connected, failures, reasons } = await run(t, new FakeServer({ drop: 'c7' }))
    assert.ok(failures > 0)
    assert.ok(connected < CLIENTS)
    assert.match(reasons[0] ?? '', /closed by the server/)
  })

  it('reports a first wave that the server does not close', async (t) => {
    const { connected, failures, reasons } = await run(t, new FakeServer({ keep: 'c7' }))
    assert.deepEqual({ connected, failures }, { connected: 0, failures: 1 })
    assert.match(reasons[0] ?? '', /did not close/)
  })

  it('reports a message that was not asked for', async (t) => {
    const { failures, reasons } = await run(t, new FakeServer({ tell: 'c7' }))
    assert.ok(failures > 0)
    assert.match(reasons[0] ?? '', /not asked for/)
  })
})

/** The client that is treated badly, in both waves. */
interface Badly {
  readonly refuse?: string
  readonly drop?: string
  readonly tell?: string
  readonly keep?: string
}

class FakeServer {
  readonly filters: string[] = []
  /** Sockets that were open at each CONNECT, its own included. */
  readonly openAtConnect: number[] = []
  mostConnecting = 0
  #connecting = 0
  #open = 0
  readonly #badly: Badly

  constructor(badly: Badly = {}) {
    this.#badly = badly
  }

  accept(socket: Socket): void {
    this.#open += 1
    this.#connecting += 1
    this.mostConnecting = Math.max(this.mostConnecting, this.#connecting)
    const parser = mqtt.parser()
    let clientId = ''
    parser.on('packet', (packet) => {
      if (packet.cmd === 'connect') {
        clientId = packet.clientId
        this.openAtConnect.push(this.#open)
        const returnCode = clientId === this.#badly.refuse ? 5 : 0
        setTimeout(() => {
          send(socket, { cmd: 'connack', returnCode, sessionPresent: false })
        }, ANSWER_MS)
      } else if (packet.cmd === 'subscribe') {
        this.filters.push(...packet.subscriptions.map(({ topic }) => topic))
        this.#connecting -= 1
        send(socket, { cmd: 'suback', messageId: packet.messageId ?? 0, granted: [1] })
        if (clientId === this.#badly.tell) send(socket, { ...MESSAGE, topic: clientId })
        if (clientId === this.#badly.drop) socket.end()
      }
    })
    socket
      .on('data', (bytes) => parser.parse(bytes))
      .on('end', () => {
        if (clientId !== this.#badly.keep) socket.end()
      })
      .on('error', () => undefined)
      .on('close', () => {
        this.#open -= 1
      })
  }
}

const MESSAGE = { cmd: 'publish', payload: '1', qos: 0, dup: false, retain: false } as const

async function run(
  t: TestContext,
  fake: FakeServer,
  measured: ConnectJob['measured'] = 'second',
): Promise<ConnectResult> {
  const server = createServer({ allowHalfOpen: true }, (socket) => fake.accept(socket))
  t.after(() => server.close())
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  const job: ConnectJob = {
    kind: 'connect',
    host: '127.0.0.1',
    port,
    clients: topics().map((filter, i) => ({ login: { clientId: `c${i}` }, filters: [filter] })),
    qos: 1,
    warmSec: 0.05,
    measured,
    tls: false,
    serverPid: process.pid,
  }
  return new ConnectStorm(job, CLOSE_MS).run()
}

function topics(): string[] {
  return Array.from({ length: CLIENTS }, (_, i) => `t/${i}`)
}

function send(socket: Socket, packet: mqtt.Packet): void {
  socket.write(mqtt.generate(packet))
}
