import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PACKET } from '../../../protocol/mqtt/packet-type.ts'
import { INVALID_CONNECT } from './connect-cases.ts'
import { MemoryBroker } from './memory-broker.ts'
import type { MemoryClient } from './memory-client.ts'
import { INVALID_CONTROL, INVALID_PUBLISH, type InvalidPacket } from './packet-cases.ts'
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

describe('a packet that no client may send ends its connection', () => {
  for (const one of [...INVALID_PUBLISH, ...INVALID_CONTROL, ...INVALID_CONNECT]) {
    for (const level of one.levels) {
      it(`${one.says}, MQTT ${level}: ${Buffer.from(one.bytes).toString('hex')}`, () => {
        assertRefused(one, level, one.bytes.length)
        assertRefused(one, level, 1)
      })
    }
  }
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
