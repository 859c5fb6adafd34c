import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Packet } from 'mqtt-packet'
import { PACKET } from '../../../protocol/mqtt/packet-type.ts'
import { INVALID_CONNECT } from './connect-cases.ts'
import { MemoryBroker } from './memory-broker.ts'
import type { MemoryClient } from './memory-client.ts'
import { INVALID_CONTROL, INVALID_PUBLISH, type InvalidPacket } from './packet-cases.ts'
import { publish, subscribe } from './packets.ts'
import { VALID } from './valid-cases.ts'

/** In the phase in which the packet may stand. */
function clientFor(broker: MemoryBroker, first: number, level: 4 | 5): MemoryClient {
  return first >> 4 === PACKET.connect ? broker.accept() : broker.join({ protocolVersion: level })
}

function assertRefused(one: InvalidPacket, level: 4 | 5, chunkBytes: number): void {
  const broker = new MemoryBroker()
  const { bytes, reason } = one
  const client = clientFor(broker, bytes[0] as number, level)
  for (let at = 0; at < bytes.length; at += chunkBytes)
    client.send(bytes.subarray(at, at + chunkBytes))
  const ended =
    broker.count(`connection.closed.${reason}`) + broker.count(`connect.refused.${reason}`)
  assert.deepEqual([client.gone, ended], [true, 1], JSON.stringify(broker.tally.snapshot()))
}

describe('a packet that no client may send ends its connection [MQTT-4.13.1-1]', () => {
  for (const one of [...INVALID_PUBLISH, ...INVALID_CONTROL, ...INVALID_CONNECT]) {
    for (const level of one.levels) {
      it(`${one.says}, MQTT ${level}: ${Buffer.from(one.bytes).toString('hex')}`, () => {
        assertRefused(one, level, one.bytes.length)
        assertRefused(one, level, 1)
      })
    }
  }
})

describe('the clients of a shard', () => {
  it('do not suffer for a packet that another has sent', () => {
    for (const one of [...INVALID_PUBLISH, ...INVALID_CONTROL, ...INVALID_CONNECT]) {
      for (const level of one.levels) {
        const broker = new MemoryBroker()
        clientFor(broker, one.bytes[0] as number, level).send(one.bytes)
        const other = broker.join({ protocolVersion: level })
        other.send(
          subscribe(1, ['t', 1]),
          { cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['t'] },
          publish('t', '', 1, 3),
        )
        const answered = other.received().map(({ cmd }) => cmd)
        assert.deepEqual(answered, ['suback', 'unsuback', 'puback'], one.says)
        other.send({ cmd: 'disconnect' })
        assert.equal(broker.count('connection.closed.client-disconnect'), 1, one.says)
      }
    }
  })
})

/** Of CONNACK (§3.2.2.2) and DISCONNECT (§3.14.2.1). */
const CODES: ReadonlyMap<string, readonly number[]> = new Map([
  [
    'connack',
    [
      0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97,
      0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
    ],
  ],
  [
    'disconnect',
    [
      0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96,
      0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
    ],
  ],
])

describe('an MQTT 5 client', () => {
  it('is told why by a code that the packet may have [MQTT-3.2.2-8] [MQTT-3.14.2-1]', () => {
    const packets = [...INVALID_PUBLISH, ...INVALID_CONTROL, ...INVALID_CONNECT]
    const told = new Set<string>()
    for (const { bytes, says } of packets.filter(({ levels }) => levels.includes(5))) {
      const client = clientFor(new MemoryBroker(), bytes[0] as number, 5)
      client.level = 5
      client.send(bytes)
      const [packet] = client.received() as (Packet & { readonly reasonCode: number })[]
      if (packet === undefined) continue // a CONNECT that is no packet at all is not answered
      assert.ok(CODES.get(packet.cmd)?.includes(packet.reasonCode), says)
      told.add(packet.cmd)
    }
    assert.deepEqual([...told].sort(), ['connack', 'disconnect'])
  })
})

describe('a packet that is cut short', () => {
  for (const { level, bytes, alsoValid } of VALID) {
    const hex = Buffer.from(bytes).toString('hex')

    it(`waits for its rest, and is taken with it: MQTT ${level}, ${hex}`, () => {
      for (let cut = 1; cut < bytes.length; cut++) {
        const broker = new MemoryBroker()
        const client = clientFor(broker, bytes[0] as number, level)
        const before = JSON.stringify(broker.tally.snapshot())
        client.send(bytes.subarray(0, cut))
        assert.equal(client.transport.takeWritten().length, client.gone ? -1 : 0)
        assert.equal(JSON.stringify(broker.tally.snapshot()), before)
        client.send(bytes.subarray(cut))
        assert.equal(faults(broker).length, 0, faults(broker).join())
      }
    })

    it(`is not taken where its length says so: MQTT ${level}, ${hex}`, () => {
      for (let body = 0; body < bytes.length - 2; body++) {
        const broker = new MemoryBroker()
        const client = clientFor(broker, bytes[0] as number, level)
        const short = bytes.slice(0, body + 2)
        short[1] = body
        client.send(short)
        const expected = alsoValid.includes(body) ? 0 : 1
        assert.equal(faults(broker).length, expected, `${body} bytes: ${faults(broker).join()}`)
      }
    })
  }
})

describe('any bytes at all', () => {
  it('end in a counted reason or in packets that are valid, never in an exception', () => {
    const bases = [...VALID, ...[...INVALID_CONTROL, ...INVALID_PUBLISH].flatMap(levelsOf)]
    const mutation = fc.tuple(fc.nat(40), fc.nat(255))
    const calm = fc.property(
      fc.array(fc.constantFrom(...bases), { minLength: 1, maxLength: 4 }),
      fc.array(mutation, { maxLength: 3 }),
      fc.constantFrom(4, 5),
      (packets, mutations, level) => {
        const bytes = Buffer.concat(packets.map((one) => one.bytes))
        for (const [at, value] of mutations) bytes[at % bytes.length] = value
        const broker = new MemoryBroker()
        const client = clientFor(broker, bytes[0] as number, level as 4 | 5)
        client.send(bytes)
        assert.ok(faults(broker).length <= 1)
        if (faults(broker).length === 1) assert.ok(client.gone)
      },
    )
    fc.assert(calm, { numRuns: 2000 })
  })
})

function levelsOf({ levels, bytes }: InvalidPacket) {
  return levels.map((level) => ({ level, bytes, alsoValid: [] }))
}

/** Everything that ended a connection but for a DISCONNECT of the client. */
function faults(broker: MemoryBroker): string[] {
  return Object.keys(broker.tally.snapshot()).filter(
    (name) =>
      /^(connection\.closed|connect\.refused)/.test(name) && !name.endsWith('client-disconnect'),
  )
}
