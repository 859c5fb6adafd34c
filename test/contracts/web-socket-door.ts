/** What every WebSocket door does (MQTT 5.0 §6), whatever it is made of. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { it, type TestContext } from 'node:test'
import mqttPacket from 'mqtt-packet'
import { WebSocket } from 'ws'
import type { Listener } from '../../protocol/listeners/listener.ts'
import type { WebSocketListenerParts } from '../../protocol/listeners/uws-listener.ts'
import { DoorHouse, specOf, tlsMaterial, until } from '../protocol/listeners/door-house.ts'
import { connectPacket, publish, subscribe } from '../protocol/mqtt/packets.ts'
import { bind, joined, raw, refusal, upgrade } from './web-socket-peer.ts'

const CONNECT = mqttPacket.generate(connectPacket({ clientId: 'one' }))
const PINGREQ = Buffer.from([0xc0, 0])
const CONNACK = '20020000'

export type OpenDoor = (parts: WebSocketListenerParts) => Promise<Listener>

export function webSocketDoor(openDoor: OpenDoor): void {
  async function open(t: TestContext, house = new DoorHouse(t), messageBytes = 100_000, at = 0) {
    const parts = { spec: specOf('ws', at), gate: house.gate, around: house.around, tls: undefined }
    const listener = await openDoor({ ...parts, messageBytes })
    t.after(() => listener.close())
    return { house, listener, port: listener.port }
  }

  it('serves any path, by the sub-protocol of the standard where it is offered [MQTT-6.0.0-4]', async (t) => {
    const { port } = await open(t)
    for (const [path, offered, chosen] of [
      ['/mqtt', ['mqtt'], 'mqtt'],
      ['/', ['other', 'mqttv3.1', 'mqtt'], 'mqtt'],
      ['/', ['other', 'mqttv3.1'], 'mqttv3.1'],
      ['/a/b?c=d', ['mqtt', 'other'], 'mqtt'],
    ] as const) {
      const client = await joined(t, port, path, [...offered])
      assert.equal(client.socket.protocol, chosen)
      client.socket.send(CONNECT)
      await until(() => client.hex() === CONNACK)
    }
  })

  it('refuses an upgrade without a sub-protocol that it speaks [MQTT-6.0.0-3]', async (t) => {
    const { port, house } = await open(t)
    for (const offered of [[], ['soap']]) {
      assert.equal(await refusal(t, port, offered), 400)
    }
    assert.equal(house.open.count, 0)
  })

  it('closes a connection that sends text [MQTT-6.0.0-1]', async (t) => {
    const { port, house } = await open(t)
    const client = await joined(t, port)
    client.socket.send('text')
    await client.closed
    await until(() => house.open.count === 0)
  })

  it('takes several packets in a message, and one in several [MQTT-6.0.0-2]', async (t) => {
    const { port } = await open(t)
    const client = await joined(t, port)
    client.socket.send(Buffer.concat([CONNECT, PINGREQ, PINGREQ.subarray(0, 1)]))
    await until(() => client.hex() === `${CONNACK}d000`)
    client.socket.send(PINGREQ.subarray(1))
    await until(() => client.hex() === `${CONNACK}d000d000`)
  })

  it('closes a connection whose message is above the bound', async (t) => {
    const { port, house } = await open(t, undefined, 1000)
    const client = await joined(t, port)
    client.socket.send(Buffer.alloc(1001))
    await client.closed
    await until(() => house.open.count === 0)
  })

  it('answers plain HTTP with 426', async (t) => {
    const { port } = await open(t)
    const response = await fetch(`http://127.0.0.1:${port}/mqtt`)
    assert.equal(response.status, 426)
    assert.match(await response.text(), /WebSocket/)
  })

  it('refuses an upgrade at the bound of connections, and takes the next when one has gone', async (t) => {
    const { port, house } = await open(t, new DoorHouse(t, 1))
    const first = await joined(t, port)
    assert.equal(await refusal(t, port, ['mqtt']), 503)
    assert.equal(house.count('accept.refused.too-many-connections'), 1)
    first.socket.close()
    await until(() => house.open.count === 0)
    await joined(t, port)
  })

  it('is not harmed by a client that resets while it is refused', async (t) => {
    const { port } = await open(t)
    for (let i = 0; i < 20; i++) {
      const socket = await raw(t, port)
      socket.write(upgrade('soap'))
      if (i % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
      socket.resetAndDestroy()
    }
    await joined(t, port)
  })

  it('says its last words, closes with 1000, and is rid of a client that does not answer', async (t) => {
    const { port, house } = await open(t)
    const polite = await joined(t, port)
    polite.socket.send(Buffer.concat([CONNECT, Buffer.from([0xe0, 0])]))
    assert.equal(await polite.closed, 1000)
    assert.equal(polite.hex(), CONNACK)
    const deaf = await raw(t, port)
    deaf.write(upgrade('mqtt'))
    await once(deaf, 'data')
    await until(() => house.open.count === 1)
    const gone = once(deaf, 'close')
    house.open.closeAll()
    house.broker.timers.tick()
    house.open.destroyAll()
    await until(() => house.open.count === 0)
    deaf.on('error', () => {})
    const prod = setInterval(() => deaf.write('x'), 5) // a socket that is gone resets who writes to it
    t.after(() => clearInterval(prod))
    await gone
  })

  it('drops QoS 0 to a client that does not read, and goes on when it does', async (t) => {
    const { port, house } = await open(t, new DoorHouse(t, 9, { backlogBytes: 65_536 }))
    const reader = await joined(t, port)
    reader.socket.send(Buffer.concat([CONNECT, mqttPacket.generate(subscribe(1, ['t', 0]))]))
    await until(() => reader.hex().length > CONNACK.length)
    reader.socket.pause()
    const writer = await joined(t, port)
    writer.socket.send(mqttPacket.generate(connectPacket({ clientId: 'two' })))
    const big = mqttPacket.generate(publish('t', 'x'.repeat(50_000)))
    while (house.count('delivery.dropped.slow-reader') === 0) {
      writer.socket.send(big)
      await new Promise((resolve) => setImmediate(resolve))
    }
    reader.socket.resume()
    const end = mqttPacket.generate(publish('t', 'the end'))
    await until(() => {
      writer.socket.send(end)
      return reader.hex().endsWith(end.toString('hex'))
    })
  })

  it('closes: the port is free at once, also of connections that we ended; who is inside stays', async (t) => {
    const fixed = await bind(t, 0)
    const { port, listener } = await open(t, undefined, undefined, fixed)
    const [ended, client] = [await joined(t, port), await joined(t, port)]
    ended.socket.send(Buffer.concat([CONNECT, Buffer.from([0xe0, 0])]))
    await ended.closed
    await listener.close()
    assert.equal(await bind(t, port), port)
    client.socket.send(CONNECT)
    await until(() => client.hex() === CONNACK)
  })

  it('speaks TLS as wss', async (t) => {
    const house = new DoorHouse(t)
    const tls = await tlsMaterial(t)
    const parts = { spec: specOf('wss'), gate: house.gate, around: house.around, tls }
    const listener = await openDoor({ ...parts, messageBytes: 1000 })
    t.after(() => listener.close())
    const socket = new WebSocket(`wss://127.0.0.1:${listener.port}/`, ['mqtt'], { ca: tls.ca })
    t.after(() => socket.terminate())
    await once(socket, 'open')
    socket.send(CONNECT)
    const [data] = (await once(socket, 'message')) as [Buffer]
    assert.equal(data.toString('hex'), CONNACK)
  })
}
