/** Every property in every packet of a client, as table 2-4 of MQTT 5.0 has it (§2.2.2.2). */
import { connect, field, ID, list, NONE, type Part, packet, T } from './packet-bytes.ts'
import { type InvalidPacket, invalid } from './packet-cases.ts'

const V5 = [5] as const
const ME = field('me')
const FOUR = [0, 0, 0, 1]

/** A sound value of each property there is. */
const VALUES: Readonly<Record<number, readonly number[]>> = {
  1: [1], // Payload Format Indicator
  2: FOUR, // Message Expiry Interval
  3: T, // Content Type
  8: T, // Response Topic
  9: T, // Correlation Data
  11: [1], // Subscription Identifier
  17: FOUR, // Session Expiry Interval
  18: T, // Assigned Client Identifier
  19: ID, // Server Keep Alive
  21: T, // Authentication Method
  22: T, // Authentication Data
  23: [1], // Request Problem Information
  24: FOUR, // Will Delay Interval
  25: [1], // Request Response Information
  26: T, // Response Information
  28: T, // Server Reference
  31: T, // Reason String
  33: ID, // Receive Maximum
  34: ID, // Topic Alias Maximum
  35: [0, 1], // Topic Alias
  36: [1], // Maximum QoS
  37: [1], // Retain Available
  38: [...T, ...T], // User Property
  39: [0, 0, 4, 0], // Maximum Packet Size
  40: [1], // Wildcard Subscription Available
  41: [1], // Subscription Identifier Available
  42: [1], // Shared Subscription Available
}

interface Place {
  readonly name: string
  readonly allowed: readonly number[]
  readonly packet: (properties: Part) => Uint8Array
}

const PLACES: readonly Place[] = [
  {
    name: 'CONNECT',
    allowed: [17, 21, 22, 23, 25, 33, 34, 38, 39],
    packet: (properties) => connect(5, 2, properties, ME),
  },
  {
    name: 'a Will',
    allowed: [1, 2, 3, 8, 9, 24, 38],
    packet: (properties) => connect(5, 6, NONE, ME, properties, T, T),
  },
  {
    name: 'PUBLISH',
    allowed: [1, 2, 3, 8, 9, 35, 38],
    packet: (properties) => packet(0x30, T, properties),
  },
  ...[0x40, 0x50, 0x62, 0x70].map((first) => ({
    name: `type ${first >> 4}`,
    allowed: [31, 38],
    packet: (properties: Part) => packet(first, ID, 0, properties),
  })),
  {
    name: 'SUBSCRIBE',
    allowed: [11, 38],
    packet: (properties) => packet(0x82, ID, properties, T, 0),
  },
  { name: 'UNSUBSCRIBE', allowed: [38], packet: (properties) => packet(0xa2, ID, properties, T) },
  {
    name: 'DISCONNECT',
    allowed: [17, 31, 38],
    packet: (properties) => packet(0xe0, 0, properties),
  },
]

const USER_PROPERTY = 38
const IDENTIFIERS = Array.from({ length: 128 }, (_, id) => id)

export const INVALID_PROPERTIES: readonly InvalidPacket[] = PLACES.flatMap((place) =>
  IDENTIFIERS.flatMap((id) => {
    const one = [id, ...(VALUES[id] ?? [])]
    if (!place.allowed.includes(id)) {
      return [
        invalid(
          `property ${id} in ${place.name}`,
          V5,
          place.packet(list(one)),
          'unexpected-property',
        ),
      ]
    }
    if (id === USER_PROPERTY) return []
    const method = id === 22 ? [21, ...T] : []
    const twice = place.packet(list(method, one, one))
    return [invalid(`property ${id} twice in ${place.name}`, V5, twice, 'repeated-property')]
  }),
)

/** Each property where it may stand, a user property twice. */
export const VALID_PROPERTIES: readonly { readonly says: string; readonly bytes: Uint8Array }[] =
  PLACES.flatMap((place) =>
    place.allowed.map((id) => {
      const one = [id, ...(VALUES[id] ?? [])]
      const more = id === 22 ? [21, ...T] : id === USER_PROPERTY ? one : []
      const raised = place.name === 'DISCONNECT' && id === 17 ? [17, 0, 0, 0, 0] : one
      return { says: `property ${id} in ${place.name}`, bytes: place.packet(list(raised, more)) }
    }),
  )
