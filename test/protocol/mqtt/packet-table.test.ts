/** The packet table as decode, as encode, and through a socket. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IPublishPacket, Packet } from 'mqtt-packet'
import { ControlPackets, IncomingAcknowledgement } from '../../../protocol/mqtt/control-packets.ts'
import { IncomingPublish } from '../../../protocol/mqtt/incoming-publish.ts'
import type { Login } from '../../../protocol/mqtt/login.ts'
import { DoorHouse, until } from '../listeners/door-house.ts'
import { open, plain as plainPeer } from '../listeners/socket-peer.ts'
import { MemoryBroker } from './memory-broker.ts'
import { content, decode, encode, plain } from './random-packets.ts'
import { openingOf, VALID, VALID_AUTH, type ValidPacket } from './valid-cases.ts'

const TABLE = [...VALID, VALID_AUTH]
const HEADER = 2 // every packet of the table is short

/** Anyone may come in; what a client says to authenticate itself is said back to it. */
const login: Login = ({ authentication }, done) => {
  const policy = { publish: ['#'], subscribe: ['#'] }
  done({ kind: 'client', owner: 'key', policy, data: authentication?.data })
}

/** As the server reads it. */
function read({ bytes, level, packet: { cmd } }: ValidPacket): unknown {
  const frame = Buffer.from(bytes)
  const packets = new ControlPackets(10)
  switch (cmd) {
    case 'connect':
      return meaningOf(packets.connect(frame, HEADER))
    case 'subscribe':
      return meaningOf(packets.subscribe(frame, HEADER, level))
    case 'unsubscribe':
      return meaningOf(packets.unsubscribe(frame, HEADER, level))
    case 'disconnect':
      return meaningOf(packets.disconnect(frame, HEADER, level))
    case 'auth':
      return meaningOf(packets.auth(frame, HEADER))
    case 'publish':
      return readPublish(frame, level)
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp': {
      const acknowledgement = new IncomingAcknowledgement(10)
      assert.equal(acknowledgement.read(frame, 0, HEADER, frame.length, level), undefined)
      const { packetId: messageId, code: reasonCode } = acknowledgement
      return level === 5 ? { cmd, messageId, reasonCode } : { cmd, messageId }
    }
    case 'pingreq': // it has no fields
    case 'connack':
    case 'suback':
    case 'unsuback':
    case 'pingresp':
      return { cmd }
  }
}

function meaningOf(
  parsed: ReturnType<ControlPackets['connect' | 'auth' | 'disconnect']> | object,
): unknown {
  assert.ok('packet' in parsed)
  return content(parsed.packet as Packet)
}

function readPublish(frame: Buffer, level: 4 | 5): unknown {
  const incoming = new IncomingPublish(10)
  assert.equal(incoming.read(frame, 0, HEADER, frame.length, level), undefined)
  const { topicStart, topicEnd, payloadStart, payloadEnd, qos, retain, packetId } = incoming
  const topic = frame.toString('utf8', topicStart, topicEnd)
  const payload = frame.subarray(payloadStart, payloadEnd)
  const { alias, textPayload, expiryAt } = incoming
  const properties = {
    ...(textPayload ? { payloadFormatIndicator: true } : {}),
    ...(expiryAt > 0 ? { messageExpiryInterval: frame.readUInt32BE(expiryAt) } : {}),
    ...(alias > 0 ? { topicAlias: alias } : {}),
  }
  return plain({ cmd: 'publish', topic, payload, qos, retain, messageId: packetId, properties })
}

/** Of an acknowledgement the server keeps id and code; of a PUBLISH what concerns itself. */
function kept({ packet }: ValidPacket): unknown {
  if (packet.cmd === 'publish') {
    const { dup: _flag, properties = {}, ...rest } = packet
    const { payloadFormatIndicator, messageExpiryInterval, topicAlias } = properties
    return plain({
      ...rest,
      properties: { payloadFormatIndicator, messageExpiryInterval, topicAlias },
    })
  }
  if (!packet.cmd.startsWith('pub')) return content(packet)
  const { properties: _texts, ...rest } = packet as Packet & { properties?: object }
  return content(rest as Packet)
}

function withFlags(packet: Packet): unknown {
  if (packet.cmd !== 'publish') return content(packet)
  const { length: _bytes, ...rest } = packet as IPublishPacket
  return plain(rest)
}

describe('the packet table', () => {
  for (const row of TABLE) {
    const { level, bytes, packet, answer, answers } = row
    const name = `${packet.cmd}, MQTT ${level}: ${Buffer.from(bytes).toString('hex')}`

    it(`is decoded as the oracle decodes it, ${name}`, () => {
      assert.deepEqual(decode(bytes, level).map(withFlags), [withFlags(packet)])
      assert.deepEqual(read(row), kept(row))
      const withCode = answers.map((one) => content(withDefaultCode(one, level)))
      assert.deepEqual(decode(answer, level).map(content), withCode)
    })

    it(`is encoded by the oracle as it stands there, and answered byte for byte, ${name}`, () => {
      assert.deepEqual(encode(packet, level), Buffer.from(bytes))
      const [first, welcome] = openingOf(row)
      const client = new MemoryBroker().accept(login)
      client.send(first)
      assert.deepEqual(client.transport.takeWritten(), Buffer.from(welcome))
      client.send(bytes)
      assert.deepEqual(client.transport.takeWritten(), Buffer.from(answer))
      assert.equal(client.gone, packet.cmd === 'disconnect')
    })
  }

  it('is answered through a socket, in whatever pieces it comes', async (t) => {
    const house = new DoorHouse(t, 100, {}, login)
    const { port } = await open(t, 'mqtt', { house })
    for (const row of TABLE) {
      const [first, welcome] = openingOf(row)
      const expected = Buffer.concat([welcome, row.answer]).toString('hex')
      for (const whole of [true, false]) {
        const peer = await plainPeer(t, port)
        const stream = Buffer.concat([first, row.bytes])
        if (whole) peer.socket.write(stream)
        else {
          for (const byte of stream) {
            peer.socket.write(Uint8Array.of(byte))
            await new Promise(setImmediate)
          }
        }
        await peer.hears(expected)
        if (row.packet.cmd === 'disconnect') await until(() => peer.closed)
        else assert.equal(peer.closed, false)
        peer.socket.destroy()
        await until(() => peer.closed)
      }
    }
  })
})

/** The oracle names the code of success, which MQTT 5 leaves out. */
function withDefaultCode(packet: Packet, level: 4 | 5): Packet {
  const coded = level === 5 && packet.cmd.startsWith('pub')
  return coded ? ({ reasonCode: 0, ...packet } as Packet) : packet
}
