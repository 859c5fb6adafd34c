import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Packet } from 'mqtt-packet'
import type { Login } from '../../../protocol/mqtt/login.ts'
import { PACKET } from '../../../protocol/mqtt/packet-type.ts'
import { INVALID_AUTH, METHOD } from './auth-cases.ts'
import { INVALID_CONNECT } from './connect-cases.ts'
import { MemoryBroker } from './memory-broker.ts'
import type { MemoryClient } from './memory-client.ts'
import { INVALID_CONTROL, INVALID_PUBLISH, type InvalidPacket } from './packet-cases.ts'
import { publish, subscribe } from './packets.ts'
import { INVALID_PROPERTIES, VALID_PROPERTIES } from './property-cases.ts'
import { INVALID_SUBSCRIPTION } from './subscription-cases.ts'
import { TOLD_CODES } from './told-codes.ts'
import { VALID } from './valid-cases.ts'

const PACKETS = [
  ...INVALID_PUBLISH,
  ...INVALID_CONTROL,
  ...INVALID_SUBSCRIPTION,
  ...INVALID_CONNECT,
]

/** In the phase in which the packet may stand. */
function clientFor(broker: MemoryBroker, first: number, level: 4 | 5): MemoryClient {
  return first >> 4 === PACKET.connect ? broker.accept() : broker.join({ protocolVersion: level })
}

function assertRefused(
  one: InvalidPacket,
  level: 4 | 5,
  chunkBytes: number,
  makeClient: typeof clientFor = clientFor,
): void {
  const broker = new MemoryBroker()
  const { bytes, reason } = one
  const client = makeClient(broker, bytes[0] as number, level)
  for (let at = 0; at < bytes.length; at += chunkBytes)
    client.send(bytes.subarray(at, at + chunkBytes))
  const ended =
    broker.count(`connection.closed.${reason}`) + broker.count(`connect.refused.${reason}`)
  assert.deepEqual(
    [client.gone, ended],
    [true, 1],
    `${one.says} ${JSON.stringify(broker.tally.snapshot())}`,
  )
}

/** One of which an AUTH is awaited, before its CONNACK or behind it. */
function exchanging(broker: MemoryBroker, renewal: boolean): MemoryClient {
  const login: Login = ({ authentication }, done) => {
    const policy = { publish: [], subscribe: [] }
    if (authentication?.renews === renewal) done({ kind: 'continue', data: undefined })
    else done({ kind: 'client', owner: 'key', policy })
  }
  const properties = { authenticationMethod: METHOD }
  const client = broker.connect({ protocolVersion: 5, properties }, login)
  if (renewal) client.send({ cmd: 'auth', reasonCode: 0x19, properties })
  assert.equal(client.received().at(-1)?.cmd, 'auth')
  return client
}

describe('a packet that no client may send ends its connection [MQTT-4.13.1-1]', () => {
  for (const one of PACKETS) {
    for (const level of one.levels) {
      it(`${one.says}, MQTT ${level}: ${Buffer.from(one.bytes).toString('hex')}`, () => {
        assertRefused(one, level, one.bytes.length)
        assertRefused(one, level, 1)
      })
    }
  }
})

describe('an AUTH that no client may send ends its connection [MQTT-4.13.1-1]', () => {
  for (const one of INVALID_AUTH) {
    it(`${one.says}: ${Buffer.from(one.bytes).toString('hex')}`, () => {
      for (const renewal of [false, true]) {
        assertRefused(one, 5, one.bytes.length, (broker) => exchanging(broker, renewal))
        assertRefused(one, 5, 1, (broker) => exchanging(broker, renewal))
      }
    })
  }
})

describe('a property', () => {
  it('ends the connection where it may not stand, or stands twice', () => {
    for (const one of INVALID_PROPERTIES) assertRefused(one, 5, one.bytes.length)
  })

  it('is taken where it may stand', () => {
    for (const { says, bytes } of VALID_PROPERTIES) {
      const broker = new MemoryBroker()
      clientFor(broker, bytes[0] as number, 5).send(bytes)
      assert.deepEqual(faults(broker), [], says)
    }
  })
})

describe('the clients of a shard', () => {
  it('do not suffer for a packet that another has sent', () => {
    for (const one of [...PACKETS, ...INVALID_AUTH]) {
      for (const level of one.levels) {
        const broker = new MemoryBroker()
        const isAuth = INVALID_AUTH.includes(one)
        const bad = isAuth
          ? exchanging(broker, false)
          : clientFor(broker, one.bytes[0] as number, level)
        bad.send(one.bytes)
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

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82

/** Where the standard names the code. */
const CODE_OF: ReadonlyMap<string, number> = new Map([
  ['unexpected-property', MALFORMED], // §2.2.2.2
  ['repeated-property', PROTOCOL_ERROR], // §2.2.2.2, and each property
  ['property-value', PROTOCOL_ERROR], // §3.8.2.1.2
  ['invalid-utf8', MALFORMED], // §1.5.4
  ['null-character', MALFORMED], // §1.5.4
  ['malformed-length', MALFORMED], // §1.5.5
  ['truncated-packet', MALFORMED], // §4.13
  ['trailing-bytes', MALFORMED], // §4.13
  ['qos-3', MALFORMED], // §3.3.1.2
  ['subscription-options', PROTOCOL_ERROR], // §3.8.3.1
  ['no-filter', PROTOCOL_ERROR], // §3.8.3
  ['shared-no-local', PROTOCOL_ERROR], // §3.8.3.1
  ['topic-alias', 0x94], // §3.3.2.3.4
  ['unknown-alias', PROTOCOL_ERROR], // §3.3.2.3.4
  ['response-topic', PROTOCOL_ERROR], // §3.3.2.3.5
  ['expiry-raised', PROTOCOL_ERROR], // §3.14.2.2.2
  ['packet-too-large', 0x95], // §3.14.2.1
])

describe('an MQTT 5 client', () => {
  it('is told why by a code that the packet may have [MQTT-3.2.2-8] [MQTT-3.14.2-1]', () => {
    const packets = [...PACKETS, ...INVALID_PROPERTIES]
    const told = new Set<string>()
    for (const { bytes, says } of packets.filter(({ levels }) => levels.includes(5))) {
      const client = clientFor(new MemoryBroker(), bytes[0] as number, 5)
      client.level = 5
      client.send(bytes)
      const [packet] = client.received() as (Packet & { readonly reasonCode: number })[]
      if (packet === undefined) continue // a CONNECT that is no packet at all is not answered
      assert.ok(TOLD_CODES.get(packet.cmd)?.includes(packet.reasonCode), says)
      told.add(packet.cmd)
    }
    assert.deepEqual([...told].sort(), ['connack', 'disconnect'])
  })

  it('is told whether the packet was malformed or broke the protocol, as the standard has it', () => {
    const seen = new Set<string>()
    for (const { bytes, reason, says, levels } of [...PACKETS, ...INVALID_PROPERTIES]) {
      const expected = CODE_OF.get(reason)
      if (expected === undefined || bytes[0] === 0x10 || !levels.includes(5)) continue
      const client = clientFor(new MemoryBroker(), bytes[0] as number, 5)
      client.send(bytes)
      assert.deepEqual(client.heard(), [`disconnect ${expected}`], says)
      seen.add(reason)
    }
    assert.deepEqual([...seen].sort(), [...CODE_OF.keys()].sort())
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
    const bases = [...VALID, ...PACKETS.flatMap(levelsOf)]
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
