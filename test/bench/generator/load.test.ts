import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import mqtt from 'mqtt-packet'
import type { MessageJob, MessageResult } from '../../../bench/generator/job.ts'
import { Load } from '../../../bench/generator/load.ts'

/** @param listeners  those that subscribed, in order */
type Answer = (packet: mqtt.IPublishPacket, socket: Socket, listeners: readonly Socket[]) => void

const acknowledge: Answer = (packet, socket) => {
  if (packet.qos === 1) send(socket, { cmd: 'puback', messageId: packet.messageId ?? 0 })
}

describe('load generator', () => {
  it('counts what a faithful server took, and misses nothing', async (t) => {
    const result = await run(t, acknowledge, {})
    assert.ok(result.published > 0)
    const { unacknowledged, undelivered, failures } = result
    assert.deepEqual({ unacknowledged, undelivered, failures }, NO_LOSS)
  })

  it('takes a PINGRESP for half a window where nothing else comes back', async (t) => {
    const result = await run(t, () => undefined, { qos: 0 })
    assert.ok(result.published > 0)
    assert.equal(result.unacknowledged, 0)
  })

  it('counts replies on the connection of the publisher as deliveries', async (t) => {
    const result = await run(
      t,
      (packet, socket, listeners) => {
        acknowledge(packet, socket, listeners)
        send(socket, { ...packet, topic: 'reply', qos: 0 })
      },
      { returns: 'reply' },
    )
    assert.ok(result.delivered > 0)
    assert.equal(result.undelivered, 0)
  })

  it('counts the copies of all subscribers, and sends more as they come', async (t) => {
    const result = await run(t, toAll, { ...COPIES, copies: 2 })
    assert.ok(result.published > 16, 'more than the windows of both at once')
    const inFlight = 2 * result.published - result.delivered
    assert.ok(Math.abs(inFlight) <= 2 * 16, `${inFlight} more or less than two copies each`)
    const { unacknowledged, undelivered, failures } = result
    assert.deepEqual({ unacknowledged, undelivered, failures }, NO_LOSS)
  })

  it('never has more in flight than the windows of all, where they are one', async (t) => {
    let received = 0
    await run(t, () => received++, { ...COPIES, copies: 2, seconds: 0.1 })
    assert.equal(received, 16)
  })

  it('reports a copy that never came, and one too many', async (t) => {
    let dropped = 0
    const one: Answer = (packet, socket, listeners) => {
      toAll(packet, socket, dropped++ === 0 ? listeners.slice(1) : listeners)
    }
    assert.equal((await run(t, one, { ...COPIES, copies: 2 })).undelivered, 1)
    const twice = await run(t, toAll, { ...COPIES, copies: 1 })
    assert.ok(twice.undelivered < 0)
  })

  it('offers a rate whatever comes back, and tells how long messages took', async (t) => {
    const late: Answer = (packet, socket, listeners) => {
      const copy = { ...packet, payload: Buffer.from(packet.payload) }
      setTimeout(() => toAll(copy, socket, listeners), 30)
    }
    const changes = { ...COPIES, copies: 2, rate: 500, payloads: ['x'.repeat(16)], seconds: 0.4 }
    const { published, seconds, latencyUs, undelivered } = await run(t, late, changes)
    assert.ok(Math.abs(published / seconds - 500) < 100, `${published} in ${seconds} s`)
    assert.ok((latencyUs?.p50 ?? 0) >= 29_000, `${latencyUs?.p50} µs`)
    assert.equal(undelivered, 0)
  })

  it('counts what was due in a stall as late, though it was sent behind it', async (t) => {
    let received = 0
    const stalls: Answer = (packet, socket, listeners) => {
      const until = performance.now() + (++received === 20 ? 100 : 0)
      while (performance.now() < until) continue // the generator is in the same thread: it stands still, too
      toAll(packet, socket, listeners)
    }
    const changes = { ...COPIES, copies: 2, rate: 500, payloads: ['x'.repeat(16)], window: 200 }
    const { latencyUs } = await run(t, stalls, { ...changes, seconds: 0.4 })
    assert.ok((latencyUs?.p99 ?? 0) > 50_000, `${latencyUs?.p99} µs`)
    assert.ok((latencyUs?.lateP99 ?? 0) > 50_000, `${latencyUs?.lateP99} µs`)
  })

  it('reports an open loop that a whole window was behind', async (t) => {
    const changes = { rate: 1000, payloads: ['x'.repeat(16)], window: 2, chunk: 1 }
    const { failures, reasons } = await run(t, () => undefined, changes)
    assert.ok(failures > 0)
    assert.match(reasons[0] ?? '', /whole window/)
  })

  it('reports a message that was never acknowledged', async (t) => {
    let dropped = false
    const result = await run(
      t,
      (packet, socket, listeners) => {
        if (dropped) acknowledge(packet, socket, listeners)
        dropped = true
      },
      {},
    )
    assert.equal(result.unacknowledged, 1)
  })

  it('reports a connection that is refused, and one that is lost', async (t) => {
    const refused = await run(t, acknowledge, {}, 5)
    assert.equal(refused.failures, 2)
    assert.match(refused.reasons[0] ?? '', /refused with code 5/)
    const lost = await run(t, (_, socket) => socket.destroy(), {})
    assert.ok(lost.failures > 0)
    assert.match(lost.reasons[0] ?? '', /closed by the server/)
  })
})

const toAll: Answer = (packet, _, listeners) => {
  for (const listener of listeners) send(listener, { ...packet, qos: 0 })
}

/** Two publishers, two subscribers. */
const COPIES: Partial<MessageJob> = {
  returns: 'copies',
  qos: 0,
  subscribers: [1, 2].map((n) => ({ login: { clientId: `s${n}` }, filters: ['t/#'] })),
}

const NO_LOSS = { unacknowledged: 0, undelivered: 0, failures: 0 }

/** Two publishers for 0.1 s against a server that treats every PUBLISH as `answer` says. */
async function run(
  t: TestContext,
  answer: Answer,
  changes: Partial<MessageJob>,
  returnCode = 0,
): Promise<MessageResult> {
  const listeners: Socket[] = []
  const server = createServer((socket) => {
    const parser = mqtt.parser()
    parser.on('packet', (packet) => {
      if (packet.cmd === 'connect') {
        send(socket, { cmd: 'connack', returnCode, sessionPresent: false })
      } else if (packet.cmd === 'pingreq') send(socket, { cmd: 'pingresp' })
      else if (packet.cmd === 'publish') answer(packet, socket, listeners)
      else if (packet.cmd === 'subscribe') {
        listeners.push(socket)
        send(socket, { cmd: 'suback', messageId: packet.messageId ?? 1, granted: [0] })
      }
    })
    socket.on('data', (bytes) => parser.parse(bytes)).on('error', () => undefined)
  })
  t.after(() => server.close())
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  const job: MessageJob = {
    kind: 'message',
    host: '127.0.0.1',
    port,
    publishers: [1, 2].map((n) => ({ login: { clientId: `p${n}` }, topic: `t/${n}` })),
    subscribers: [],
    returns: 'nothing',
    payloads: ['21.5'],
    qos: 1,
    window: 8,
    chunk: 2,
    warmSec: 0,
    seconds: 0.1,
    serverPid: process.pid,
    ...changes,
  }
  return new Load(job).run()
}

function send(socket: Socket, packet: mqtt.Packet): void {
  socket.write(mqtt.generate(packet))
}
