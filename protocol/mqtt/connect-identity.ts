/**
 * Who a CONNECT says it is, from its bytes alone, before anybody spends time on it: good enough to choose who waits
 * less, never to let anyone in.
 */
import type { ConnectionSurroundings } from './connection-surroundings.ts'
import { PACKET } from './packet-type.ts'

const CLEAN_FLAG = 0x02
const WILL_FLAG = 0x04
const USER_NAME_FLAG = 0x80

export interface ConnectIdentity {
  /** It wants to go on with its session. */
  readonly resumes: boolean
  readonly clientId: string
  readonly userName: string | undefined
}

/** Undefined where the bytes are no whole CONNECT that could be read. */
export function connectIdentity(buffer: Buffer, length: number): ConnectIdentity | undefined {
  const reader = new Reader(buffer, length)
  if (reader.byte() >> 4 !== PACKET.connect) return undefined
  reader.varint()
  reader.field()
  const level = reader.byte()
  const flags = reader.byte()
  reader.skip(2) // keep alive
  if (level === 5) reader.skip(reader.varint())
  const clientId = reader.field()
  if ((flags & WILL_FLAG) !== 0) {
    if (level === 5) reader.skip(reader.varint())
    reader.field()
    reader.field()
  }
  const userName = (flags & USER_NAME_FLAG) === 0 ? undefined : reader.field()
  if (reader.beyond) return undefined
  return { resumes: (flags & CLEAN_FLAG) === 0, clientId, userName }
}

/** A device that was here before, or a client that may have a session to go on with. */
export function isKnown(
  { resumes, clientId, userName }: ConnectIdentity,
  { profile, devices, directory }: ConnectionSurroundings,
): boolean {
  const [deviceName, productKey] = profile === 'alibaba' ? (userName?.split('&') ?? []) : []
  if (deviceName !== undefined && productKey !== undefined) {
    return devices.knows(productKey, deviceName)
  }
  if (!resumes) return false
  if (directory.mayKnow(`/${clientId}`)) return true
  return userName !== undefined && directory.mayKnow(`${userName}/${clientId}`)
}

class Reader {
  beyond = false
  readonly #buffer: Buffer
  readonly #end: number
  #at = 0

  constructor(buffer: Buffer, end: number) {
    this.#buffer = buffer
    this.#end = end
  }

  skip(bytes: number): boolean {
    this.#at += bytes
    if (this.#at > this.#end) this.beyond = true
    return !this.beyond
  }

  byte(): number {
    return this.skip(1) ? (this.#buffer[this.#at - 1] as number) : 0
  }

  varint(): number {
    let value = 0
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    return value
  }

  field(): string {
    const length = this.skip(2) ? this.#buffer.readUInt16BE(this.#at - 2) : 0
    const start = this.#at
    return this.skip(length) ? this.#buffer.toString('utf8', start, this.#at) : ''
  }
}
