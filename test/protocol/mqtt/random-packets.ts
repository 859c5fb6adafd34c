/** Valid packets at random for fast-check, and the oracle library on both of their sides. */
import fc from 'fast-check'
import mqttPacket, {
  type IConnectPacket,
  type ISubscribePacket,
  type IUnsubscribePacket,
  type Packet,
} from 'mqtt-packet'
import type { ProtocolLevel } from '../../../protocol/mqtt/packet-type.ts'

export const levels: fc.Arbitrary<ProtocolLevel> = fc.constantFrom(3, 4, 5)
export const text: fc.Arbitrary<string> = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .filter((s) => !s.includes('\0'))
export const topic: fc.Arbitrary<string> = text.filter((s) => s !== '' && !/[+#]|^\$/.test(s))
const filter: fc.Arbitrary<string> = fc
  .array(fc.oneof(topic, fc.constant('+'), fc.constant('')), { minLength: 2, maxLength: 5 })
  .chain((parts) => fc.constantFrom(parts.join('/'), `${parts.join('/')}/#`, '#', '+'))
export const binary: fc.Arbitrary<Buffer> = fc
  .uint8Array({ maxLength: 300 })
  .map((bytes) => Buffer.from(bytes))
export const packetId: fc.Arbitrary<number> = fc.integer({ min: 1, max: 0xffff })
export const four: fc.Arbitrary<number> = fc.nat(0xffff_ffff)

const userProperties = fc.dictionary(
  text.filter((s) => s !== '__proto__'),
  // the oracle forgets an empty value that another one of its name follows
  fc.oneof(
    text,
    fc.array(
      text.filter((s) => s !== ''),
      { minLength: 1, maxLength: 3 },
    ),
  ),
  { minKeys: 1, maxKeys: 4 }, // the oracle writes nothing at all for none
)

/** Properties of which any may be missing. */
function some<T>(properties: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record({ ...properties, userProperties }, { requiredKeys: [] }) as fc.Arbitrary<
    Partial<T>
  >
}

const MESSAGE = {
  messageExpiryInterval: fc.integer({ min: 1, max: 0xffff_ffff }),
  contentType: text,
  responseTopic: topic,
  correlationData: binary,
}
/** Properties and a payload that is text where they say so. */
const message = fc.oneof(
  fc.record({
    payload: text.map((s) => Buffer.from(s)),
    properties: some({ ...MESSAGE, payloadFormatIndicator: fc.constant(true) }),
  }),
  fc.record({
    payload: binary,
    properties: some({ ...MESSAGE, payloadFormatIndicator: fc.constant(false) }),
  }),
)
const will = fc
  .record({
    topic,
    message,
    qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
    retain: fc.boolean(),
    delay: fc.option(four, { nil: undefined }),
    delayFirst: fc.boolean(),
  })
  .map(({ message: { payload, properties }, delay, delayFirst, ...rest }) => {
    const willDelayInterval = delay === undefined ? {} : { willDelayInterval: delay }
    const both = delayFirst
      ? { ...willDelayInterval, ...properties }
      : { ...properties, ...willDelayInterval }
    return { ...rest, payload, properties: both }
  })

/** Beside what other tests are about: how the client authenticates itself, and how large its packets may be. */
const connectProperties = some({
  sessionExpiryInterval: four,
  receiveMaximum: fc.integer({ min: 1, max: 0xffff }),
  topicAliasMaximum: fc.nat(0xffff),
  maximumPacketSize: fc.integer({ min: 1000, max: 0xffff_ffff }),
  requestResponseInformation: fc.boolean(),
  requestProblemInformation: fc.boolean(),
  authenticationMethod: text,
})

export const connects: fc.Arbitrary<IConnectPacket> = fc
  .record({
    protocolVersion: levels,
    clientId: fc.oneof(text, fc.constant('')),
    clean: fc.boolean(),
    keepalive: fc.nat(0xffff),
    will: fc.option(will, { nil: undefined }),
    username: fc.option(text, { nil: undefined }),
    password: fc.option(binary, { nil: undefined }),
    properties: connectProperties,
    authenticationData: binary,
  })
  .map(({ properties, authenticationData, will: last, username, password, ...rest }) => {
    const { protocolVersion, clientId, clean } = rest
    const anonymous = clientId === '' && (protocolVersion === 3 || !clean) // the oracle refuses to write it
    const { properties: _unknownThen, ...bareWill } = last ?? {}
    const data = properties.authenticationMethod === undefined ? {} : { authenticationData }
    return {
      cmd: 'connect',
      protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
      ...rest,
      clientId: anonymous ? 'me' : clientId,
      ...(last === undefined ? {} : { will: protocolVersion === 5 ? last : bareWill }),
      ...(username === undefined ? {} : { username }),
      ...(username === undefined || password === undefined ? {} : { password }), // so does it
      ...(protocolVersion === 5 ? { properties: { ...properties, ...data } } : {}),
    } as IConnectPacket
  })

export interface Leveled<P> {
  readonly level: ProtocolLevel
  readonly packet: P
}

export const subscribes: fc.Arbitrary<Leveled<ISubscribePacket>> = fc
  .record({
    level: levels,
    messageId: packetId,
    subscriptions: fc.array(
      fc.record({
        topic: filter,
        qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
        nl: fc.boolean(),
        rap: fc.boolean(),
        rh: fc.constantFrom(0, 1, 2),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    properties: some({ subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }) }),
  })
  .map(({ level, messageId, subscriptions, properties }) => {
    const bare = subscriptions.map(({ topic: name, qos }) => ({ topic: name, qos }))
    const packet = {
      cmd: 'subscribe' as const,
      messageId,
      subscriptions: level === 5 ? subscriptions : bare,
      ...(level === 5 ? { properties } : {}),
    } as ISubscribePacket
    return { level, packet }
  })

export const unsubscribes: fc.Arbitrary<Leveled<IUnsubscribePacket>> = fc
  .record({
    level: levels,
    messageId: packetId,
    unsubscriptions: fc.array(filter, { minLength: 1, maxLength: 6 }),
    properties: some({}),
  })
  .map(({ level, messageId, unsubscriptions, properties }) => ({
    level,
    packet: {
      cmd: 'unsubscribe' as const,
      messageId,
      unsubscriptions,
      ...(level === 5 ? { properties } : {}),
    } as IUnsubscribePacket,
  }))

/** Of DISCONNECT of MQTT 5. */
export const farewells: fc.Arbitrary<object> = some({
  sessionExpiryInterval: fc.oneof(fc.constant(0), four),
  reasonString: text,
})

/** Of acknowledgements and AUTH, beside what they are about. */
export const explanations: fc.Arbitrary<object> = some({ reasonString: text })

/** Where a stream is cut: sizes in bytes, over and over. */
export const cuts: fc.Arbitrary<readonly number[]> = fc.array(fc.integer({ min: 1, max: 300 }), {
  minLength: 1,
  maxLength: 8,
})

export function cutUp(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] as number
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

export function encode(packet: Packet, level: ProtocolLevel): Buffer {
  return mqttPacket.generate(packet, { protocolVersion: level })
}

/** All packets that the bytes are. @throws where they are none */
export function decode(bytes: Uint8Array, level: ProtocolLevel): Packet[] {
  const packets: Packet[] = []
  const parser = mqttPacket.parser({ protocolVersion: level })
  parser.on('packet', (packet: Packet) => packets.push(packet))
  parser.on('error', (error: Error) => {
    throw error
  })
  const left = parser.parse(Buffer.from(bytes))
  if (left > 0) throw new Error(`${left} bytes are left`)
  return packets
}

/**
 * For a comparison that looks at what is meant: bytes as hex, no absent fields, user properties as lists, and none of
 * what the oracle says of the fixed header of a packet that has no such flags.
 */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(
    ([name, one]) => one !== undefined && !isEmpty(one, name),
  )
  return Object.fromEntries(
    entries.map(([name, one]) => [name, name === 'userProperties' ? lists(one) : plain(one)]),
  )
}

function isEmpty(value: unknown, name: string): boolean {
  return name === 'properties' && Object.values(value as object).every((one) => one === undefined)
}

function lists(pairs: Readonly<Record<string, string | readonly string[]>>): object {
  return Object.fromEntries(Object.entries(pairs).map(([name, value]) => [name, [value].flat()]))
}

const FIXED = new Set(['length', 'dup', 'qos', 'retain', 'topic', 'payload'])

/** `plain`, without length and flags of the fixed header. */
export function content(packet: Packet): unknown {
  const fields = Object.entries(packet).filter(([name]) => !FIXED.has(name))
  return plain(Object.fromEntries(fields))
}
