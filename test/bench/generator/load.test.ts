import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import mqtt from 'mqtt-packet'
import type { MessageJob, MessageResult } from '../../../bench/generator/job.ts'
import { Load } from '../../../bench/generator/load.ts'

type Answer = (packet: mqtt.IPublishPacket, socket: Socket) => void

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
      (packet, socket) => {
        acknowledge(packet, socket)
        send(socket, { ...packet, topic: 'reply', qos: 0 })
      },
      { returns: 'reply' },
    )
    assert.ok(result.delivered > 0)
    assert.equal(result.undelivered, 0)
  })

  it('reports a message that was never acknowledged', async (t) => {
    let dropped = false
    const result = await run(
      t,
      (packet, socket) => {
        if (dropped) acknowledge(packet, socket)
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

const NO_LOSS = { unacknowledged: 0, undelivered: 0, failures: 0 }

/** Two publishers for 0.1 s against a server that treats every PUBLISH as `answer` says. */
async function run(
  t: TestContext,
  answer: Answer,
  changes: Partial<MessageJob>,
  returnCode = 0,
): Promise<MessageResult> {
  const server = createServer((socket) => {
    const parser = mqtt.parser()
    parser.on('packet', (packet) => {
      if (packet.cmd === 'connect') {
        send(socket, { cmd: 'connack', returnCode, sessionPresent: false })
      } else if (packet.cmd === 'pingreq') send(socket, { cmd: 'pingresp' })
      else if (packet.cmd === 'publish') answer(packet, socket)
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
