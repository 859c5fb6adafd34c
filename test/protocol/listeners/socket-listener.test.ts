import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import mqttPacket from 'mqtt-packet'
import type { ListenerProtocol } from '../../../core/domain/settings.ts'
import { connectPacket, publish } from '../mqtt/packets.ts'
import { DoorHouse, tlsMaterial, until } from './door-house.ts'
import {
  CONNACK,
  type OpenOptions,
  open as openDoor,
  type Peer,
  plain,
  secure,
} from './socket-peer.ts'

const CONNECT = mqttPacket.generate(connectPacket({ clientId: 'one' }))
for (const rawSockets of [true, false]) {
  const open = (t: TestContext, protocol: ListenerProtocol, options: OpenOptions = {}) =>
    openDoor(t, protocol, { ...options, rawSockets })

  describe(`socket listener${rawSockets ? ', by its handle' : ', by its stream'}`, () => {
    it('tells TLS from plain on one port by the first byte, whenever and however it comes', async (t) => {
      const tls = await tlsMaterial(t)
      const { house, port } = await open(t, 'auto', { tls })
      const early = await plain(t, port)
      early.socket.write(CONNECT)
      const encrypted = await secure(t, port, tls.ca)
      encrypted.socket.write(CONNECT)
      const slow = await plain(t, port)
      await wait(20)
      for (const byte of CONNECT) {
        slow.socket.write(Uint8Array.of(byte))
        await wait(1)
      }
      for (const peer of [encrypted, slow]) await peer.hears(CONNACK)
      assert.equal(house.count('connection.closed.taken-over'), 2, 'all three were read')
      encrypted.socket.write(Uint8Array.of(0xc0, 0))
      slow.socket.write(Uint8Array.of(0xc0, 0))
      await slow.hears(`${CONNACK}d000`)
    })

    it('serves plain only, or TLS only, where that is asked for', async (t) => {
      const tls = await tlsMaterial(t)
      const { port } = await open(t, 'mqtt')
      const one = await plain(t, port)
      one.socket.write(CONNECT)
      await one.hears(CONNACK)
      const { port: tlsPort, house } = await open(t, 'mqtts', { tls })
      const two = await secure(t, tlsPort, tls.ca)
      two.socket.write(CONNECT)
      await two.hears(CONNACK)
      const wrong = await plain(t, tlsPort)
      wrong.socket.write(CONNECT)
      await until(() => wrong.closed)
      assert.equal(house.count('accept.refused.tls-handshake'), 1)
    })

    it('carries what is much larger than a read, both ways and in order', async (t) => {
      const tls = await tlsMaterial(t)
      for (const protocol of ['mqtt', 'mqtts'] as const) {
        const { port } = await open(t, protocol, { tls })
        const peer = protocol === 'mqtt' ? await plain(t, port) : await secure(t, port, tls.ca)
        const hear = mqttPacket.generate({
          cmd: 'subscribe',
          messageId: 1,
          subscriptions: [{ topic: 't', qos: 0 }],
        })
        const messages = Array.from({ length: 40 }, (_, i) => {
          return mqttPacket.generate(publish('t', String(i).padEnd(20_000, '.')))
        })
        peer.socket.write(Buffer.concat([CONNECT, hear, ...messages]))
        const expected = CONNACK + '9003000100' + Buffer.concat(messages).toString('hex')
        await until(() => peer.hex.length >= expected.length)
        assert.ok(peer.hex === expected)
      }
    })

    it('ends a client that never sends a byte, or never ends its handshake', async (t) => {
      const tls = await tlsMaterial(t)
      for (const protocol of ['auto', 'mqtts'] as const) {
        const { house, port } = await open(t, protocol, { tls, handshakeTimeoutSec: 0.05 })
        const silent = await plain(t, port)
        const stuck = await plain(t, port)
        stuck.socket.write(Uint8Array.of(0x16, 3, 1))
        await until(() => silent.closed && stuck.closed)
        assert.equal(house.open.count, 0)
        const snapshot = house.broker.tally.snapshot()
        const refused = Object.entries(snapshot).filter(([name]) =>
          name.startsWith('accept.refused'),
        )
        assert.equal(
          refused.reduce((sum, [, count]) => sum + count, 0),
          2,
        )
      }
    })

    it('closes one connection more of an address than it may have', async (t) => {
      const house = new DoorHouse(t, 100, { connectionsPerAddress: 2 })
      const { port } = await open(t, 'mqtt', { house })
      const peers: Peer[] = []
      for (let i = 0; i < 4; i++) peers.push(await plain(t, port))
      await until(() => peers.filter(({ closed }) => closed).length === 2)
      assert.equal(house.count('accept.refused.too-many-from-address'), 2)
      for (const peer of peers) peer.socket.destroy()
      await until(() => house.open.count === 0)
      const next = await plain(t, port)
      next.socket.write(CONNECT)
      await next.hears(CONNACK)
    })

    it('closes one connection more than may be open, also of those that have not spoken yet', async (t) => {
      const tls = await tlsMaterial(t)
      for (const protocol of ['auto', 'mqtt', 'mqtts'] as const) {
        const house = new DoorHouse(t, 3)
        const { port } = await open(t, protocol, { house, tls })
        const peers: Peer[] = []
        for (let i = 0; i < 6; i++) peers.push(await plain(t, port))
        await until(() => peers.filter(({ closed }) => closed).length === 3)
        assert.equal(house.count('accept.refused.too-many-connections'), 3)
        for (const peer of peers) peer.socket.destroy()
        await until(() => house.open.count === 0)
        await wait(10)
        const next = protocol === 'mqtts' ? await secure(t, port, tls.ca) : await plain(t, port)
        next.socket.write(CONNECT)
        await next.hears(CONNACK)
      }
    })

    it('knows where a peer comes from, and hears when it resets', async (t) => {
      const { house, port } = await open(t, 'mqtt')
      const peer = await plain(t, port)
      peer.socket.write(Uint8Array.of(0xc0, 0))
      await until(() => peer.closed)
      assert.match(house.broker.diagnostics.lines.join(), /not-connect.*127\.0\.0\.1/)
      const other = await plain(t, port)
      await until(() => house.open.count === 1)
      other.socket.resetAndDestroy()
      await until(() => house.open.count === 0)
    })

    it('closes: the port is free at once, who is inside stays, who had not spoken goes', async (t) => {
      const tls = await tlsMaterial(t)
      const { listener, port } = await open(t, 'auto', { tls })
      const inside = [await plain(t, port), await secure(t, port, tls.ca)]
      for (const [i, { socket }] of inside.entries()) {
        socket.write(mqttPacket.generate(connectPacket({ clientId: `inside-${i}` })))
      }
      for (const peer of inside) await peer.hears(CONNACK)
      const silent = await plain(t, port)
      await wait(10)
      await listener.close()
      await until(() => silent.closed)
      const { port: again } = await open(t, 'mqtt', { port })
      assert.equal(again, port)
      for (const { socket } of inside) socket.write(Uint8Array.of(0xc0, 0))
      for (const peer of inside) await peer.hears(`${CONNACK}d000`)
    })
  })
}
