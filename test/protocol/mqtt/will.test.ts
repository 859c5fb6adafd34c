import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IPublishPacket } from 'mqtt-packet'
import { MemoryBroker } from './memory-broker.ts'
import { connect, field, list, NONE, T } from './packet-bytes.ts'
import { subscribe } from './packets.ts'

const ME = field('me')
const PAIRS = [
  0x26,
  ...field('b'),
  ...field('1'),
  0x26,
  ...field('a'),
  ...field('2'),
  0x26,
  ...field('b'),
  ...field('3'),
]

/** What a client that reads raw bytes hears of the Will of a CONNECT that is then broken off. */
function willOf(bytes: Uint8Array): Buffer {
  const broker = new MemoryBroker()
  const mourner = broker.join({ protocolVersion: 5 })
  mourner.send(subscribe(1, ['t', 2]))
  mourner.received()
  const client = broker.accept()
  client.send(bytes)
  client.transport.takeWritten()
  client.transport.hangUp()
  broker.settle()
  return mourner.transport.takeWritten()
}

describe('a Will', () => {
  it('is forwarded with its properties as they came, but for its delay [MQTT-3.1.3-10]', () => {
    const expiry = [2, 0, 0, 0, 9]
    for (const properties of [
      [0x18, 0, 0, 0, 0, ...expiry, ...PAIRS],
      [...expiry, 0x18, 0, 0, 0, 0, ...PAIRS],
      [...expiry, ...PAIRS, 0x18, 0, 0, 0, 0],
      [...expiry, ...PAIRS],
    ]) {
      const written = willOf(connect(5, 6, NONE, ME, list(...properties), T, field('bye')))
      const body = [...T, ...list(...expiry, ...PAIRS), ...Buffer.from('bye')]
      assert.deepEqual([...written], [0x30, body.length, ...body])
    }
  })

  it('keeps its QoS, and expires as any message', () => {
    const broker = new MemoryBroker({ limits: { inflight: 1 } })
    const mourner = broker.join({ protocolVersion: 5 })
    mourner.send(subscribe(1, ['t', 2]))
    mourner.received()
    for (const [i, interval] of [100, 5, 100].entries()) {
      const client = broker.accept()
      const properties = [0x18, 0, 0, 0, 0, 2, 0, 0, 0, interval]
      client.send(connect(5, 0x16, NONE, field(`c${i}`), list(...properties), T, field(`${i}`)))
      client.transport.hangUp()
    }
    const [first] = mourner.received() as IPublishPacket[]
    assert.deepEqual([first?.qos, first?.payload.toString()], [2, '0'])
    broker.passSeconds(10)
    mourner.send({ cmd: 'pubrec', messageId: 1 }, { cmd: 'pubcomp', messageId: 1 })
    const packets = mourner.received().filter(({ cmd }) => cmd === 'publish') as IPublishPacket[]
    assert.deepEqual(
      packets.map(({ payload }) => payload.toString()),
      ['2'],
    )
    assert.equal(packets[0]?.properties?.messageExpiryInterval, 90)
  })

  it('is retained where it says so, and only there [MQTT-3.1.2-14] [MQTT-3.1.2-15]', () => {
    const broker = new MemoryBroker()
    const will = { topic: 't', payload: Buffer.from('bye'), qos: 1 as const, retain: true }
    broker.join({ will }).transport.hangUp()
    const late = broker.join()
    late.send(subscribe(1, ['t', 1]))
    const [message] = late.received().filter(({ cmd }) => cmd === 'publish') as IPublishPacket[]
    assert.deepEqual([message?.payload.toString(), message?.retain, message?.qos], ['bye', true, 1])
    broker.join({ will: { ...will, topic: 'other', retain: false } }).transport.hangUp()
    late.send(subscribe(2, ['other', 1]))
    assert.deepEqual(late.heard(), ['suback 2 1'])
  })
})
