/** MQTT 5 properties (§2.2.2.2): the type of each, and in which packets of a client it may stand. */
import { PACKET } from './packet-type.ts'

/** `flag`: a byte that is 0 or 1, as all of a client's bytes are. */
type PropertyType = 'flag' | 'two' | 'four' | 'varint' | 'string' | 'binary' | 'pair'

/** The Will's properties stand in CONNECT, but are a list of their own. */
export const WILL = 16

interface PropertyRule {
  readonly type: PropertyType
  readonly in: readonly number[]
  /** May stand several times: only user properties, and subscription identifiers towards a client. */
  readonly repeats: boolean
  /** 0 is no value of it: a protocol error. */
  readonly positive: boolean
}

const { connect, publish, subscribe, unsubscribe, disconnect, auth } = PACKET
const ACKNOWLEDGEMENTS = [PACKET.puback, PACKET.pubrec, PACKET.pubrel, PACKET.pubcomp]

function rule(type: PropertyType, where: readonly number[]): PropertyRule {
  return { type, in: where, repeats: false, positive: false }
}

function positive(type: 'two' | 'four' | 'varint', where: readonly number[]): PropertyRule {
  return { type, in: where, repeats: false, positive: true }
}

function repeated(type: PropertyType, where: readonly number[]): PropertyRule {
  return { type, in: where, repeats: true, positive: false }
}

export const PROPERTY_RULES: ReadonlyMap<number, PropertyRule> = new Map([
  [0x01, rule('flag', [publish, WILL])], // Payload Format Indicator
  [0x02, rule('four', [publish, WILL])], // Message Expiry Interval
  [0x03, rule('string', [publish, WILL])], // Content Type [MQTT-3.3.2-19]
  [0x08, rule('string', [publish, WILL])], // Response Topic [MQTT-3.3.2-13]
  [0x09, rule('binary', [publish, WILL])], // Correlation Data
  [0x0b, positive('varint', [subscribe])], // Subscription Identifier; not from a client in PUBLISH [MQTT-3.3.4-6]
  [0x11, rule('four', [connect, disconnect])], // Session Expiry Interval
  [0x15, rule('string', [connect, auth])], // Authentication Method
  [0x16, rule('binary', [connect, auth])], // Authentication Data
  [0x17, rule('flag', [connect])], // Request Problem Information
  [0x18, rule('four', [WILL])], // Will Delay Interval
  [0x19, rule('flag', [connect])], // Request Response Information
  [0x1f, rule('string', [...ACKNOWLEDGEMENTS, disconnect, auth])], // Reason String
  [0x21, positive('two', [connect])], // Receive Maximum
  [0x22, rule('two', [connect])], // Topic Alias Maximum
  [0x23, positive('two', [publish])], // Topic Alias [MQTT-3.3.2-8]
  [
    0x26, // User Property
    repeated('pair', [
      connect,
      publish,
      WILL,
      ...ACKNOWLEDGEMENTS,
      subscribe,
      unsubscribe,
      disconnect,
      auth,
    ]),
  ],
  [0x27, positive('four', [connect])], // Maximum Packet Size
])
