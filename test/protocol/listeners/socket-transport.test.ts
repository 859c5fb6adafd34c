import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import mqttPacket from 'mqtt-packet'
import type { ListenerProtocol } from '../../../core/domain/settings.ts'
import type { Login, LoginOutcome } from '../../../protocol/mqtt/login.ts'
import { connectPacket, publish, subscribe } from '../mqtt/packets.ts'
import { DoorHouse, tlsMaterial, until } from './door-house.ts'
import { CONNACK, type OpenOptions, open as openDoor, plain, secure } from './socket-peer.ts'

const connectAs = (clientId: string): Buffer => mqttPacket.generate(connectPacket({ clientId }))

for (const rawSockets of [true, false]) {
  const open = (t: TestContext, protocol: ListenerProtocol, options: OpenOptions = {}) =>
    openDoor(t, protocol, { ...options, rawSockets })

  describe(`socket transport${rawSockets ? ', by its handle' : ', by its stream'}`, () => {
    it('drops QoS 0 to a peer that does not read, and goes on when it does', async (t) => {
      const tls = await tlsMaterial(t)
      for (const protocol of ['mqtt', 'mqtts'] as const) {
        const house = new DoorHouse(t, 9, { backlogBytes: 65_536 })
        const { port } = await open(t, protocol, { house, tls })
        const join = () => (protocol === 'mqtt' ? plain(t, port) : secure(t, port, tls.ca))
        const [reader, writer] = [await join(), await join()]
        reader.socket.write(connectAs('reader'))
        reader.socket.write(mqttPacket.generate(subscribe(1, ['t', 0])))
        await reader.hears(`${CONNACK}9003000100`)
        reader.socket.pause()
        writer.socket.write(connectAs('writer'))
        const big = mqttPacket.generate(publish('t', 'x'.repeat(50_000)))
        while (house.count('delivery.dropped.slow-reader') === 0) {
          writer.socket.write(big)
          await new Promise((resolve) => setImmediate(resolve))
        }
        reader.socket.resume()
        const end = mqttPacket.generate(publish('t', 'the end'))
        await until(() => {
          writer.socket.write(end)
          return reader.hex.endsWith(end.toString('hex'))
        })
      }
    })

    it('reads nothing while a login takes its time, and misses nothing of it', async (t) => {
      const answers: ((outcome: LoginOutcome) => void)[] = []
      const slow: Login = (_request, done) => answers.push(done)
      const house = new DoorHouse(t, 9, {}, slow)
      const { port } = await open(t, 'mqtt', { house })
      const peer = await plain(t, port)
      peer.socket.write(connectAs('patient'))
      await until(() => answers.length === 1)
      const pings = Buffer.alloc(400_000, Buffer.from([0xc0, 0])) // more than may be deferred
      peer.socket.write(pings)
      for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
      answers[0]?.({ kind: 'client', owner: '', policy: { publish: [], subscribe: [] } })
      await until(() => peer.hex.length === CONNACK.length + pings.length * 2)
      assert.equal(house.count('connection.closed.too-eager'), 0)
    })
  })
}
