/** MQTT control packet types (§2.1.2), as the upper half of the first byte says them. */
export const PACKET = {
  connect: 1,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  unsubscribe: 10,
  pingreq: 12,
  disconnect: 14,
  auth: 15,
} as const

/** Packets that are a packet id, and in MQTT 5 a reason code and properties (§3.4 to §3.7). */
export type Acknowledgement =
  | typeof PACKET.puback
  | typeof PACKET.pubrec
  | typeof PACKET.pubrel
  | typeof PACKET.pubcomp

/** Protocol level of CONNECT: 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0. */
export type ProtocolLevel = 3 | 4 | 5
