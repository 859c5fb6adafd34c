/** The hand-written PUBLISH reader and writer against mqtt-packet, on packets that are valid. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import mqttPacket, { type IPublishPacket } from 'mqtt-packet'
import { FrameCutter } from '../../../protocol/mqtt/frame-cutter.ts'
import { IncomingPublish } from '../../../protocol/mqtt/incoming-publish.ts'
import { publishBytes, writePublish } from '../../../protocol/mqtt/packet-writer.ts'
import { GrowingOutput } from './growing-output.ts'
import { decode, text, topic } from './random-packets.ts'

const payload = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 20_000 }))
const properties = fc.record(
  {
    payloadFormatIndicator: fc.boolean(),
    messageExpiryInterval: fc.nat(0xffff_ffff),
    contentType: text,
    responseTopic: topic,
    correlationData: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    userProperties: fc.dictionary(
      text.filter((s) => s !== '__proto__'),
      fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 })),
      { minKeys: 1, maxKeys: 4 }, // the oracle writes nothing at all for none
    ),
  },
  { requiredKeys: [] },
)
/** What we add to a message that is forwarded. */
const headers = fc.record({
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  retain: fc.boolean(),
  dup: fc.boolean(),
  packetId: fc.integer({ min: 1, max: 0xffff }),
  identifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 3 }),
})
const aliases = fc.oneof(fc.constant(0), fc.integer({ min: -0xffff, max: 0xffff }))
const packets = fc
  .record({
    level: fc.constantFrom(4, 5),
    topic,
    payload,
    qos: fc.constantFrom(0, 1, 2),
    messageId: fc.integer({ min: 1, max: 0xffff }),
    dup: fc.boolean(),
    retain: fc.boolean(),
    properties,
  })
  .map(({ level, messageId, ...fields }) => {
    const packet = {
      cmd: 'publish',
      ...fields,
      payload: Buffer.from(fields.payload),
      ...(fields.qos > 0 ? { messageId } : { dup: false }),
      properties: level === 5 ? fields.properties : {},
    } as IPublishPacket
    const bytes = mqttPacket.generate(packet, { protocolVersion: level })
    return { level: level as 4 | 5, packet, bytes }
  })

function frameOf(bytes: Buffer, chunkBytes: number): { buffer: Buffer; body: number } {
  const cutter = new FrameCutter(1_000_000)
  const frames: { buffer: Buffer; body: number }[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes)
    cutter.cut(chunk, chunk.length, (buffer, start, body, end) => {
      frames.push({ buffer: Buffer.from(buffer.subarray(start, end)), body: body - start })
      return true
    })
  }
  assert.equal(frames.length, 1)
  return frames[0] as { buffer: Buffer; body: number }
}

describe('PUBLISH', () => {
  it('is read as the oracle reads it, wherever it was cut', () => {
    const same = fc.property(
      packets,
      fc.integer({ min: 1, max: 3000 }),
      ({ level, packet, bytes }, cut) => {
        const { buffer, body } = frameOf(bytes, cut)
        const incoming = new IncomingPublish(100)
        assert.equal(incoming.read(buffer, 0, body, buffer.length, level), undefined)
        const between = (start: number, end: number): Buffer => buffer.subarray(start, end)
        assert.equal(between(incoming.topicStart, incoming.topicEnd).toString(), packet.topic)
        assert.deepEqual(between(incoming.payloadStart, incoming.payloadEnd), packet.payload)
        assert.equal(incoming.payloadEnd, buffer.length)
        assert.equal(incoming.qos, packet.qos)
        assert.equal(incoming.packetId, packet.messageId ?? 0)
        assert.equal(incoming.retain, packet.retain)
      },
    )
    fc.assert(same, { numRuns: 500 })
  })

  it('is written so that the oracle reads the same message, with its properties byte for byte [MQTT-2.2.1-2] [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-20]', () => {
    const levels = fc.constantFrom(3, 4, 5)
    const same = fc.property(packets, levels, headers, aliases, (from, to, header, anyAlias) => {
      const { level, packet, bytes } = from
      const alias = to === 5 ? anyAlias : 0
      const { buffer, body } = frameOf(bytes, bytes.length)
      const incoming = new IncomingPublish(100)
      incoming.read(buffer, 0, body, buffer.length, level)
      const output = new GrowingOutput()
      writePublish(output, to as 3 | 4 | 5, incoming, header, alias)
      assert.equal(output.length, publishBytes(to as 3 | 4 | 5, incoming, header, alias))
      const raw = buffer.subarray(incoming.propertiesStart, incoming.propertiesEnd)
      if (to === 5) assert.ok(output.bytes().includes(raw), 'its properties, byte for byte')
      const read = oracle(output.bytes(), to)
      const { qos, packetId, identifiers, retain, dup } = header
      assert.equal(read.topic, alias > 0 ? '' : packet.topic)
      assert.deepEqual(read.payload, packet.payload)
      assert.deepEqual([read.qos, read.messageId], [qos, qos > 0 ? packetId : undefined])
      assert.deepEqual([read.retain, read.dup], [retain, dup])
      if (to !== 5) return
      const { subscriptionIdentifier, topicAlias, ...forwarded } = read.properties ?? {}
      const before = level === 5 ? (oracle(bytes, 5).properties ?? {}) : {}
      assert.deepEqual({ ...forwarded }, { ...before })
      assert.deepEqual([subscriptionIdentifier ?? []].flat(), identifiers)
      assert.equal(topicAlias ?? 0, Math.abs(alias))
    })
    fc.assert(same, { numRuns: 500 })
  })

  it('keeps the order of user properties, also of those that are spelled alike [MQTT-3.3.2-17] [MQTT-3.3.2-18]', () => {
    const pair = (name: string, value: string): Buffer =>
      Buffer.from([
        0x26,
        0,
        name.length,
        ...Buffer.from(name),
        0,
        value.length,
        ...Buffer.from(value),
      ])
    const list = Buffer.concat([pair('a', '1'), pair('b', '2'), pair('a', '3')])
    const frame = Buffer.from([0x30, 0, 0, 1, 0x74, list.length, ...list, 0x78])
    frame[1] = frame.length - 2
    const incoming = new IncomingPublish(100)
    assert.equal(incoming.read(frame, 0, 2, frame.length, 5), undefined)
    const output = new GrowingOutput()
    const header = { qos: 0, retain: false, dup: false, packetId: 0, identifiers: [] } as const
    writePublish(output, 5, incoming, header, 0)
    assert.deepEqual(output.bytes(), frame)
  })
})

describe('PUBLISH with a topic alias', () => {
  it('is forwarded without it, whatever stands around it [MQTT-3.1.2-27]', () => {
    const withAlias = fc.property(
      packets.filter(({ level }) => level === 5),
      fc.integer({ min: 1, max: 0xffff }),
      fc.boolean(),
      ({ packet, bytes }, topicAlias, first) => {
        const { properties } = packet
        const mixed = first ? { topicAlias, ...properties } : { ...properties, topicAlias }
        const aliased = mqttPacket.generate({ ...packet, properties: mixed } as IPublishPacket, {
          protocolVersion: 5,
        })
        const plain = frameOf(bytes, bytes.length)
        const one = new IncomingPublish(100)
        one.read(plain.buffer, 0, plain.body, plain.buffer.length, 5)
        const cut = frameOf(aliased, aliased.length)
        const other = new IncomingPublish(100)
        assert.equal(other.read(cut.buffer, 0, cut.body, cut.buffer.length, 5), undefined)
        assert.equal(other.alias, topicAlias)
        assert.deepEqual(partsOf(other), partsOf(one))
        other.setTopic(Buffer.from('another/topic'))
        assert.deepEqual(partsOf(other), { ...partsOf(one), topic: 'another/topic' })
      },
    )
    fc.assert(withAlias, { numRuns: 500 })
  })
})

function partsOf(p: IncomingPublish) {
  const { buffer } = p
  return {
    topic: buffer.toString('utf8', p.topicStart, p.topicEnd),
    properties: buffer.toString('hex', p.propertiesStart, p.propertiesEnd),
    payload: buffer.toString('hex', p.payloadStart, p.payloadEnd),
    expiry: p.expiryAt === 0 ? undefined : buffer.readUInt32BE(p.expiryAt),
  }
}

function oracle(bytes: Buffer, level: number): IPublishPacket {
  return decode(bytes, level as 3 | 4 | 5)[0] as IPublishPacket
}
