import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import mqtt from 'mqtt-packet'
import { FrameRing } from '../../../bench/generator/frame-ring.ts'
import { encodeConnect, encodeSubscribe } from '../../../bench/generator/frames.ts'

const payloads = ['a', 'bb', 'ccc'].map((text) => Buffer.from(text))

describe('frame ring', () => {
  it('gives the next messages with packet ids 1 to window, over and over', () => {
    const ring = new FrameRing({ topic: 'dev/1', payloads, qos: 1, window: 4, pingEvery: 0 })
    const ids = [0, 3, 4, 10].map((sent) => parsed(ring.slice(sent, 4)).map((p) => p.messageId))
    assert.deepEqual(ids, [
      [1, 2, 3, 4],
      [4, 1, 2, 3],
      [1, 2, 3, 4],
      [3, 4, 1, 2],
    ])
  })

  it('takes its payloads in turn', () => {
    const ring = new FrameRing({ topic: 'dev/1', payloads, qos: 0, window: 4, pingEvery: 0 })
    const texts = parsed(ring.slice(0, 4)).map((p) => p.cmd === 'publish' && String(p.payload))
    assert.deepEqual(texts, ['a', 'bb', 'ccc', 'a'])
  })

  it('stamps the payload of the message that is sent next, and of no other', () => {
    const long = [Buffer.alloc(16)]
    const ring = new FrameRing({ topic: 'dev/1', payloads: long, qos: 1, window: 4, pingEvery: 0 })
    ring.stamp(5, 1234.5)
    const stamps = parsed(ring.slice(4, 3)).map((p) =>
      p.cmd === 'publish' ? (p.payload as Buffer).readDoubleBE(0) : Number.NaN,
    )
    assert.deepEqual(stamps, [0, 1234.5, 0])
  })

  it('puts a PINGREQ behind every so many messages', () => {
    const ring = new FrameRing({ topic: 'dev/1', payloads, qos: 0, window: 4, pingEvery: 2 })
    const words = parsed(ring.slice(2, 4)).map((p) => p.cmd)
    assert.deepEqual(words, ['publish', 'publish', 'pingreq', 'publish', 'publish', 'pingreq'])
  })
})

describe('frames', () => {
  it('encodes CONNECT and SUBSCRIBE as an independent parser reads them', () => {
    const login = { clientId: 'd|x=1|', username: 'd&k', password: 'p'.repeat(200) }
    const [connect] = parsed(encodeConnect(login))
    assert.ok(connect?.cmd === 'connect')
    assert.equal(connect.clientId, login.clientId)
    assert.equal(connect.username, login.username)
    assert.equal(String(connect.password), login.password)
    assert.equal(connect.clean, true)
    const [subscribe] = parsed(encodeSubscribe(['dev/+/t', 'x'], 1))
    assert.ok(subscribe?.cmd === 'subscribe')
    assert.deepEqual(subscribe.subscriptions, [
      { topic: 'dev/+/t', qos: 1 },
      { topic: 'x', qos: 1 },
    ])
  })
})

function parsed(bytes: Buffer): mqtt.Packet[] {
  const packets: mqtt.Packet[] = []
  const parser = mqtt.parser()
  parser.on('packet', (packet) => packets.push(packet))
  assert.equal(parser.parse(bytes), 0, 'whole frames, and nothing behind them')
  return packets
}
