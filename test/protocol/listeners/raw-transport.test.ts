/** What only sockets by their handles could do wrong. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import mqttPacket from 'mqtt-packet'
import { rawHandles } from '../../../protocol/listeners/raw-handle.ts'
import { connectPacket, publish, subscribe } from '../mqtt/packets.ts'
import { DoorHouse, tlsMaterial, until } from './door-house.ts'
import { CONNACK, open, plain } from './socket-peer.ts'

const connectAs = (clientId: string): Buffer => mqttPacket.generate(connectPacket({ clientId }))

describe('a socket by its handle', () => {
  it('can be had with this Node', async () => {
    assert.notEqual(await rawHandles(), undefined)
  })

  it('answers a peer that sends no more, and then closes', async (t) => {
    const tls = await tlsMaterial(t)
    for (const protocol of ['mqtt', 'auto'] as const) {
      const { house, port } = await open(t, protocol, { tls })
      const peer = await plain(t, port)
      peer.socket.end(Buffer.concat([connectAs('c'), mqttPacket.generate(subscribe(1, ['t', 0]))]))
      await until(() => peer.closed)
      assert.equal(peer.hex, `${CONNACK}9003000100`)
      assert.equal(house.open.count, 0)
    }
  })

  it('survives peers that reset while much is under way to them', async (t) => {
    const house = new DoorHouse(t, 100, { backlogBytes: 1_000_000 })
    const { port } = await open(t, 'mqtt', { house })
    const writer = await plain(t, port)
    writer.socket.write(connectAs('writer'))
    await writer.hears(CONNACK)
    const big = mqttPacket.generate(publish('t', 'x'.repeat(200_000)))
    for (let round = 0; round < 5; round++) {
      const readers = await Promise.all([1, 2, 3].map(() => plain(t, port)))
      for (const [i, { socket }] of readers.entries()) {
        socket.write(connectAs(`reader ${i}`))
        socket.write(mqttPacket.generate(subscribe(1, ['t', 0])))
      }
      await Promise.all(readers.map((reader) => reader.hears(`${CONNACK}9003000100`)))
      for (const { socket } of readers) socket.pause()
      for (let i = 0; i < 20; i++) writer.socket.write(big)
      await new Promise((resolve) => setTimeout(resolve, 10))
      readers[0]?.socket.resetAndDestroy()
      readers[1]?.socket.destroy()
      readers[2]?.socket.resume()
      await until(() => house.open.count === 2)
      readers[2]?.socket.destroy()
      await until(() => house.open.count === 1)
      // All of this round is read: nothing of it comes to the readers of the next one.
      writer.socket.write(Uint8Array.of(0xc0, 0))
      await until(() => writer.hex === CONNACK + 'd000'.repeat(round + 1))
    }
  })

  it('gives everyone its own bytes where many wait for the kernel', async (t) => {
    const house = new DoorHouse(t, 100, { backlogBytes: 50_000_000 })
    const { port } = await open(t, 'mqtt', { house })
    const readers = await Promise.all(Array.from({ length: 8 }, () => plain(t, port)))
    for (const [i, { socket }] of readers.entries()) {
      socket.write(connectAs(`reader ${i}`))
      socket.write(mqttPacket.generate(subscribe(1, [`t/${i}`, 0], ['all', 0])))
    }
    await Promise.all(readers.map((reader) => reader.hears(`${CONNACK}900400010000`)))
    for (const { socket } of readers) socket.pause()
    const writer = await plain(t, port)
    writer.socket.write(connectAs('writer'))
    const expected = readers.map(() => '')
    for (let n = 0; n < 60; n++) {
      const to = n % 9
      const packet = mqttPacket.generate(
        publish(to === 8 ? 'all' : `t/${to}`, `${n}`.repeat(20_000 + n * 100)),
      )
      for (const i of readers.keys()) {
        if (to === 8 || to === i) expected[i] += packet.toString('hex')
      }
      if (!writer.socket.write(packet)) await once(writer.socket, 'drain')
    }
    for (const { socket } of readers) socket.resume()
    const whole = expected.map((hex) => `${CONNACK}900400010000${hex}`)
    await until(() => readers.every(({ hex }, i) => hex.length >= (whole[i] as string).length))
    for (const [i, { hex }] of readers.entries()) {
      assert.ok(hex === whole[i], `reader ${i}`)
    }
  })
})
