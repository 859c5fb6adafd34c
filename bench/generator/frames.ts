/**
 * MQTT 3.1.1 packets that the load generator sends, encoded before the run. Pure.
 * Grammar: MQTT 3.1.1 §2.2 (fixed header), §3.1, §3.3, §3.8.
 */

/** Who a client says it is. Never printed: a device's password is a signature. */
export interface Login {
  readonly clientId: string
  readonly username?: string
  readonly password?: string
}

/** Above every run (at most 12 minutes), for a subscriber at QoS 0 sends nothing at all meanwhile. */
const KEEP_ALIVE_SEC = 1200

/** Of the first byte of a PUBLISH (§3.3.1.3). */
export const RETAIN = 0x01

export const PINGREQ: Buffer = Buffer.of(0xc0, 0)
export const DISCONNECT: Buffer = Buffer.of(0xe0, 0)

/** Clean session, no will. */
export function encodeConnect(login: Login): Buffer {
  const flags =
    0x02 | (login.username === undefined ? 0 : 0x80) | (login.password === undefined ? 0 : 0x40)
  const fields = [text('MQTT'), Buffer.of(4, flags, ...u16(KEEP_ALIVE_SEC)), text(login.clientId)]
  if (login.username !== undefined) fields.push(text(login.username))
  if (login.password !== undefined) fields.push(text(login.password))
  return packet(0x10, fields)
}

/** All filters in one packet, of packet id 1. */
export function encodeSubscribe(filters: readonly string[], qos: 0 | 1): Buffer {
  const fields = filters.flatMap((filter) => [text(filter), Buffer.of(qos)])
  return packet(0x82, [Buffer.of(0, 1), ...fields])
}

/** @param packetId  1 to 65,535; unused at QoS 0 */
export function encodePublish(
  topic: string,
  payload: Buffer,
  qos: 0 | 1,
  packetId: number,
  retain = false,
): Buffer {
  const id = qos === 0 ? [] : [Buffer.from(u16(packetId))]
  return packet(0x30 | (qos << 1) | (retain ? RETAIN : 0), [text(topic), ...id, payload])
}

function packet(first: number, fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat(fields)
  return Buffer.concat([Buffer.of(first, ...remainingLength(body.length)), body])
}

function remainingLength(length: number): number[] {
  const bytes: number[] = []
  let rest = length
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>>= 7
  } while (rest > 0)
  return bytes
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from(u16(bytes.length)), bytes])
}

function u16(value: number): [number, number] {
  return [value >>> 8, value & 0xff]
}
