/** Real sockets that all speak at once: how many come in within one turn is counted, not how long it takes. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import mqttPacket from 'mqtt-packet'
import type { Login } from '../../../protocol/mqtt/login.ts'
import { connectPacket } from '../mqtt/packets.ts'
import { DoorHouse, tlsMaterial, until } from './door-house.ts'
import { CONNACK, open, type Peer, plain } from './socket-peer.ts'

const CLIENTS = 60
const AT_ONCE = 2 // of a millisecond each fit into a turn

/** Each login takes a millisecond of the shard's thread; `turns`: the turn of each. */
function slowHouse(t: TestContext): { readonly house: DoorHouse; readonly turns: number[] } {
  const turns: number[] = []
  const login: Login = (request, done) => {
    turns.push(house.around.turn.serial)
    const until = performance.now() + 1
    while (performance.now() < until);
    house.broker.welcome(request, done)
  }
  const house = new DoorHouse(t, 1000, {}, login)
  return { house, turns }
}

function mostInOne(turns: readonly number[]): number {
  return Math.max(...turns.map((turn) => turns.filter((other) => other === turn).length))
}

describe('a storm at a listener', () => {
  it('comes in a few connects a turn, and all of them come in', async (t) => {
    const { house, turns } = slowHouse(t)
    const { port } = await open(t, 'mqtt', { house })
    const peers: Peer[] = []
    for (let i = 0; i < CLIENTS; i++) peers.push(await plain(t, port))
    await until(() => house.open.count === CLIENTS)
    for (const { socket } of peers) socket.write(mqttPacket.generate(connectPacket({})))
    await until(() => peers.every(({ hex }) => hex === CONNACK))
    assert.equal(turns.length, CLIENTS)
    assert.ok(mostInOne(turns) <= AT_ONCE, `${mostInOne(turns)} in one turn`)
  })

  it('waits in front of the TLS handshake', async (t) => {
    const tls = await tlsMaterial(t)
    for (const protocol of ['mqtts', 'auto'] as const) {
      const { house, port } = await open(t, protocol, { tls })
      const lanes: string[] = []
      const wait = house.entrance.wait.bind(house.entrance)
      t.mock.method(house.entrance, 'wait', (...given: Parameters<typeof wait>) => {
        lanes.push(given[1])
        return wait(...given)
      })
      let accepted = 0
      const admits = house.gate.admits.bind(house.gate)
      t.mock.method(house.gate, 'admits', (...given: Parameters<typeof admits>) => {
        accepted += 1
        return admits(...given)
      })
      const peers: Peer[] = []
      for (let i = 0; i < 20; i++) peers.push(await plain(t, port))
      await until(() => accepted === peers.length)
      let connacks = 0
      for (const { socket } of peers) {
        socket.removeAllListeners('data')
        const encrypted = connectTls({ socket, host: '127.0.0.1', ca: tls.ca })
        encrypted.on('error', () => {})
        encrypted.on('data', () => (connacks += 1))
        encrypted.write(mqttPacket.generate(connectPacket({})))
      }
      await until(() => connacks === peers.length)
      const handshakes = lanes.filter((lane) => lane === 'handshake')
      assert.ok(handshakes.length >= peers.length - 4, `${handshakes.length} have waited`)
      assert.equal(house.entrance.waiting, 0)
    }
  })

  it('closes the sockets above the bound before their handshake, and counts them', async (t) => {
    const tls = await tlsMaterial(t)
    const house = new DoorHouse(t, 1000, { connectsWaiting: 1 })
    t.mock.getter(house.entrance, 'free', () => false)
    t.mock.method(house.entrance, 'wait', () => false)
    const { port } = await open(t, 'mqtts', { house, tls })
    const peer = await plain(t, port)
    peer.socket.write(Uint8Array.of(0x16, 3, 1))
    await until(() => peer.closed)
    assert.equal(house.count('accept.refused.connect-queue'), 1)
  })

  it('is held against the rate of an address when its sockets are accepted', async (t) => {
    const house = new DoorHouse(t, 100, { connectsPerSecOfAddress: 1 })
    const { port } = await open(t, 'mqtt', { house })
    const peers: Peer[] = []
    for (let i = 0; i < 20; i++) peers.push(await plain(t, port))
    await until(() => house.count('accept.refused.address-rate') > 0)
    await until(() => peers.some(({ closed }) => closed))
    assert.ok(house.open.count >= 1)
  })
})
