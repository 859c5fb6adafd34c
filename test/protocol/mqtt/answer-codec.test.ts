/** All that the server writes but PUBLISH: mqtt-packet reads what was meant, and nothing is larger than the client takes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Output } from '../../../protocol/mqtt/output.ts'
import {
  type Acknowledgement,
  PACKET,
  type ProtocolLevel,
} from '../../../protocol/mqtt/packet-type.ts'
import {
  type ConnackFacts,
  writeAcknowledgement,
  writeAuth,
  writeConnack,
  writeDisconnect,
  writePingresp,
  writePubacks,
  writeSuback,
  writeUnsuback,
} from '../../../protocol/mqtt/packet-writer.ts'
import { REASON } from '../../../protocol/mqtt/reason-code.ts'
import { GrowingOutput } from './growing-output.ts'
import * as random from './random-packets.ts'
import { content, decode, plain } from './random-packets.ts'

/** Bytes that a client takes: few, many, or no matter how many. */
const bounds = fc.oneof(
  fc.integer({ min: 16, max: 200 }),
  fc.integer({ min: 900, max: 1100 }),
  fc.constant(Number.POSITIVE_INFINITY),
)
const reasons = fc.option(fc.string({ unit: 'grapheme', maxLength: 300 }), { nil: undefined })
const option = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(of, { nil: undefined })

interface Written {
  readonly packets: unknown[]
  readonly bytes: number
}

function written(
  level: ProtocolLevel,
  write: (output: Output) => unknown,
): Written & { readonly said: unknown } {
  const output = new GrowingOutput()
  const said = write(output)
  return { packets: decode(output.bytes(), level).map(content), bytes: output.length, said }
}

/** What became of a reason: all of it, the beginning of a long one, or nothing where the client takes little. */
function shortened(reason: string | undefined, bound: number): { reasonString?: string } {
  if (reason === undefined || bound < 1024) return {}
  const short = reason.length <= 200 ? reason : `${reason.slice(0, 199)}…`
  return { reasonString: Buffer.from(short).toString() } // half a character is written as U+FFFD
}

function withProperties(packet: object, properties: object): unknown {
  return Object.keys(properties).length === 0 ? packet : { ...packet, properties }
}

/** Written as expected where it is not too large; else not at all, which the writer says. */
function assertBounded(
  { packets, bytes, said }: ReturnType<typeof written>,
  bound: number,
  whole: Written,
  expected: unknown,
): void {
  const fits = whole.bytes <= bound
  assert.deepEqual([said, bytes], [fits, fits ? whole.bytes : 0])
  assert.deepEqual(packets, fits ? [expected] : [])
}

describe('what the server writes is read by the oracle as it was meant', () => {
  const facts: fc.Arbitrary<ConnackFacts> = fc.record({
    maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
    receiveMaximum: random.packetId,
    topicAliasMaximum: fc.nat(0xffff),
    grants: fc.record({
      maximumQos: fc.constantFrom(1 as const, 2 as const),
      subscriptionIdentifiers: fc.boolean(),
      sharedSubscriptions: fc.boolean(),
    }),
    serverKeepAlive: option(fc.nat(0xffff)),
    authentication: option(fc.record({ method: random.text, data: option(random.binary) })),
    assignedClientIdentifier: option(random.text),
    sessionExpiryInterval: option(random.four),
    sessionPresent: fc.boolean(),
  })

  it('CONNACK of a client that is accepted [MQTT-3.1.2-24]', () => {
    const read = fc.property(random.levels, facts, bounds, (level, said, bound) => {
      const { grants, authentication, sessionPresent, ...rest } = said
      const write = (limit: number) =>
        written(level, (output) => writeConnack(output, level, 0, said, undefined, limit))
      if (level !== 5) {
        const present = level === 4 && sessionPresent
        const expected = { cmd: 'connack', returnCode: 0, sessionPresent: present }
        assert.deepEqual(write(bound).packets, [expected])
        return
      }
      const properties = {
        ...rest,
        ...(grants.maximumQos === 2 ? {} : { maximumQoS: 1 }),
        ...(grants.subscriptionIdentifiers ? {} : { subscriptionIdentifiersAvailable: false }),
        ...(grants.sharedSubscriptions ? {} : { sharedSubscriptionAvailable: false }),
        authenticationMethod: authentication?.method,
        authenticationData: authentication?.data,
      }
      const expected = plain({ cmd: 'connack', reasonCode: 0, sessionPresent, properties })
      assertBounded(write(bound), bound, write(Number.POSITIVE_INFINITY), expected)
    })
    fc.assert(read, { numRuns: 400 })
  })

  it('CONNACK of a client that is refused [MQTT-3.2.2-6] [MQTT-3.2.2-19] [MQTT-3.2.2-20]', () => {
    const codes = fc.constantFrom(...Object.values(REASON).filter((code) => code >= 0x80))
    const delays = fc.option(fc.nat(), { nil: undefined })
    const all = [random.levels, codes, reasons, delays, bounds] as const
    const read = fc.property(...all, (level, code, why, retryAfterMs, bound) => {
      const sent = level === 5 ? code : (code & 3) + 2
      const told = why === undefined ? undefined : { reason: why, retryAfterMs }
      const { packets, bytes } = written(level, (output) =>
        writeConnack(output, level, sent, undefined, told, bound),
      )
      const named = level === 5 ? { reasonCode: sent } : { returnCode: sent }
      const refusal = { cmd: 'connack', ...named, sessionPresent: false }
      const delay =
        told?.retryAfterMs === undefined || bound < 1088 // no room is left for it
          ? {}
          : { userProperties: { 'retry-after-ms': [String(told.retryAfterMs)] } }
      const properties = level === 5 ? { ...shortened(why, bound), ...delay } : {}
      assert.deepEqual(packets, [withProperties(refusal, properties)])
      assert.ok(bytes <= bound)
    })
    fc.assert(read, { numRuns: 200 })
  })

  it('SUBACK and UNSUBACK [MQTT-3.8.4-6] [MQTT-3.9.2-1] [MQTT-3.9.3-1] [MQTT-3.11.3-1]', () => {
    const known = { 3: [0, 1, 2, 0x80], 4: [0, 1, 2, 0x80], 5: [0, 1, 2, 0x87, 0x8f, 0x97, 0x9e] }
    const picks = fc.array(fc.nat(), { minLength: 1, maxLength: 400 })
    const read = fc.property(
      random.levels,
      random.packetId,
      picks,
      reasons,
      bounds,
      (level, messageId, chosen, why, bound) => {
        const granted = chosen.map((pick) => known[level][pick % known[level].length] as number)
        const suback = (limit: number) =>
          written(level, (output) => writeSuback(output, level, messageId, granted, why, limit))
        const properties = level === 5 ? shortened(why, bound) : {}
        const whole = suback(properties.reasonString === undefined ? 1023 : 1e9) // as long as what is due
        assertBounded(
          suback(bound),
          bound,
          whole,
          withProperties({ cmd: 'suback', messageId, granted }, properties),
        )
        const gone = chosen.map((pick) => (pick % 2 === 0 ? 0 : 0x11))
        const unsuback = (limit: number) =>
          written(level, (output) => writeUnsuback(output, level, messageId, gone, limit))
        const codes = level === 5 ? { granted: gone } : {}
        assertBounded(unsuback(bound), bound, unsuback(1e9), {
          cmd: 'unsuback',
          messageId,
          ...codes,
        })
      },
    )
    fc.assert(read, { numRuns: 300 })
  })

  it('PUBACK, PUBREC, PUBREL, PUBCOMP and PINGRESP [MQTT-2.2.1-5] [MQTT-3.4.2-2] [MQTT-3.5.2-2] [MQTT-3.6.2-2] [MQTT-3.7.2-2]', () => {
    const received = [0, 0x10, 0x87, 0x90, 0x97, 0x99]
    const kinds = fc.constantFrom(
      ...received.map((code) => ({ type: PACKET.puback, cmd: 'puback', code })),
      ...received.map((code) => ({ type: PACKET.pubrec, cmd: 'pubrec', code })),
      ...[0, 0x92].map((code) => ({ type: PACKET.pubrel, cmd: 'pubrel', code })),
      ...[0, 0x92].map((code) => ({ type: PACKET.pubcomp, cmd: 'pubcomp', code })),
    )
    const read = fc.property(
      random.levels,
      kinds,
      random.packetId,
      reasons,
      bounds,
      (level, { type, cmd, code }, messageId, why, bound) => {
        const { packets, bytes } = written(level, (output) => {
          writeAcknowledgement(output, type as Acknowledgement, level, messageId, code, why, bound)
          writePingresp(output)
        })
        const explained = level === 5 && code !== 0 ? shortened(why, bound) : {}
        const named = level === 5 ? { reasonCode: code } : {}
        const answer = withProperties({ cmd, messageId, ...named }, explained)
        assert.deepEqual(packets, [answer, { cmd: 'pingresp' }])
        assert.ok(bytes - 2 <= bound)
      },
    )
    fc.assert(read, { numRuns: 400 })
  })

  it('PUBACKs of one read', () => {
    const ids = fc.array(random.packetId, { minLength: 1, maxLength: 100 })
    const read = fc.property(random.levels, ids, (level, packetIds) => {
      const { packets } = written(level, (output) =>
        writePubacks(output, Uint16Array.from([...packetIds, 0]), packetIds.length),
      )
      const named = level === 5 ? { reasonCode: 0 } : {}
      assert.deepEqual(
        packets,
        packetIds.map((messageId) => ({ cmd: 'puback', messageId, ...named })),
      )
    })
    fc.assert(read)
  })

  it('AUTH [MQTT-3.1.2-24]', () => {
    const codes = fc.constantFrom(REASON.success, REASON.continueAuthentication)
    const answers = fc.record({ method: random.text, data: option(random.binary) })
    const read = fc.property(codes, answers, bounds, (reasonCode, answer, bound) => {
      const write = (limit: number) =>
        written(5, (output) => writeAuth(output, reasonCode, answer, limit))
      const properties = { authenticationMethod: answer.method, authenticationData: answer.data }
      const expected = plain({ cmd: 'auth', reasonCode, properties })
      assertBounded(write(bound), bound, write(Number.POSITIVE_INFINITY), expected)
    })
    fc.assert(read, { numRuns: 200 })
  })

  it('DISCONNECT, to MQTT 5 alone [MQTT-3.14.2-2] [MQTT-3.14.2-3]', () => {
    const codes = fc.constantFrom(
      REASON.malformedPacket,
      REASON.protocolError,
      REASON.keepAliveTimeout,
      REASON.sessionTakenOver,
      REASON.serverShuttingDown,
      REASON.packetTooLarge,
      REASON.quotaExceeded,
    )
    const read = fc.property(
      random.levels,
      codes,
      random.text,
      bounds,
      (level, code, message, bound) => {
        const long = message.repeat(30)
        const fault = { code, reason: 'word', message: long }
        const { packets, bytes } = written(level, (output) =>
          writeDisconnect(output, level, fault, bound),
        )
        const goodbye = withProperties(
          { cmd: 'disconnect', reasonCode: code },
          shortened(long, bound),
        )
        assert.deepEqual(packets, level === 5 ? [goodbye] : [])
        assert.ok(bytes <= bound)
      },
    )
    fc.assert(read, { numRuns: 200 })
  })
})
