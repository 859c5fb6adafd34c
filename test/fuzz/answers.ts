/** What a server says on one connection: cut into packets, parsed by the oracle library, held against the standard. */
import mqttPacket, { type Packet } from 'mqtt-packet'
import { TOLD_CODES } from '../protocol/mqtt/told-codes.ts'
import type { Level } from './corpus.ts'

const NONE = Buffer.alloc(0)

/** Whole packets in, so that one of each level serves all connections. */
class Oracle {
  readonly #level: Level
  #packets: Packet[] = []
  #error: Error | undefined = undefined
  #parser: mqttPacket.Parser | undefined

  constructor(level: Level) {
    this.#level = level
  }

  /** @returns the packet, or what is wrong with it */
  parse(frame: Buffer): Packet | string {
    this.#packets = []
    this.#error = undefined
    this.#parser ??= this.#make()
    const rest = this.#parser.parse(frame)
    const [packet] = this.#packets
    if (this.#error === undefined && rest === 0 && packet !== undefined) return packet
    this.#parser = undefined // what it still holds is not the next packet's
    return (
      (this.#error as Error | undefined)?.message ??
      'its fields are shorter or longer than its length'
    )
  }

  #make(): mqttPacket.Parser {
    const parser = mqttPacket.parser({ protocolVersion: this.#level })
    parser.on('packet', (packet: Packet) => this.#packets.push(packet))
    parser.on('error', (error: Error) => {
      this.#error = error
    })
    return parser
  }
}

const ORACLES: Readonly<Record<Level, Oracle>> = {
  3: new Oracle(3),
  4: new Oracle(4),
  5: new Oracle(5),
}

type Told = Packet & {
  readonly reasonCode?: number
  readonly returnCode?: number
  readonly granted?: readonly (number | object)[]
}

export class Answers {
  /** The first thing that was wrong. */
  fault: string | undefined = undefined
  pongs = 0
  packets = 0
  /** Of the CONNACK; `undefined` before it. */
  connack: number | undefined = undefined
  /** Of the DISCONNECT; `undefined` while there is none. */
  disconnect: number | undefined = undefined
  readonly #level: Level
  #rest: Buffer = NONE

  constructor(level: Level) {
    this.#level = level
  }

  /** A packet has begun that did not end. */
  get unfinished(): boolean {
    return this.#rest.length > 0
  }

  /** @param borrowed  valid during the call */
  take(borrowed: Buffer): void {
    if (this.fault !== undefined) return
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, borrowed]) : borrowed
    let from = 0
    while (this.fault === undefined) {
      const end = endOfFrame(bytes, from)
      if (end > bytes.length) break
      if (bytes[from] === 0xd0 && end - from === 2) {
        this.#onPacket()
        this.pongs += 1
      } else {
        this.#onFrame(Buffer.from(bytes.subarray(from, end)))
      }
      from = end
    }
    this.#rest = from < bytes.length ? Buffer.from(bytes.subarray(from)) : NONE
  }

  #onFrame(frame: Buffer): void {
    const packet = ORACLES[this.#level].parse(frame)
    if (typeof packet === 'string') {
      this.#say(`does not parse: ${packet}: ${frame.subarray(0, 200).toString('hex')}`)
      return
    }
    const told = packet as Told
    if (told.cmd === 'connack') this.#onConnack(told)
    else this.#onPacket()
    switch (told.cmd) {
      case 'connack':
      case 'publish':
        return
      case 'puback':
      case 'pubrec':
      case 'pubrel':
      case 'pubcomp':
        this.#allow(told.cmd, told.reasonCode ?? 0)
        return
      case 'suback':
      case 'unsuback':
        for (const code of (told.granted as readonly number[] | undefined) ?? [])
          this.#allow(told.cmd, code)
        return
      case 'disconnect':
        this.disconnect = told.reasonCode ?? 0
        if (this.#level !== 5) this.#say('a DISCONNECT to a client of MQTT 3.x')
        else this.#allow('disconnect', this.disconnect)
        return
      // A PINGRESP has been seen already, and nobody asks for AUTH.
      case 'pingresp':
      case 'auth':
      case 'connect':
      case 'subscribe':
      case 'unsubscribe':
      case 'pingreq':
        this.#say(`no packet for this client: ${told.cmd}`)
    }
  }

  #onConnack(told: Told): void {
    if (this.packets++ > 0) this.#say('a CONNACK behind others')
    this.connack = (this.#level === 5 ? told.reasonCode : told.returnCode) ?? -1
    if (this.connack === 0) return
    if (this.#level === 5) this.#allow('connack', this.connack)
    else if (this.connack < 0 || this.connack > 5) this.#say(`CONNACK ${this.connack}`)
  }

  #onPacket(): void {
    this.packets += 1
    if (this.connack === undefined) this.#say('a packet before the CONNACK')
    else if (this.connack !== 0) this.#say('a packet behind a CONNACK that refuses')
    else if (this.disconnect !== undefined) this.#say('a packet behind the DISCONNECT')
  }

  #allow(cmd: string, code: number): void {
    const codes = this.#level === 5 ? TOLD_CODES.get(cmd) : cmd === 'suback' ? [0, 1, 2, 0x80] : [0]
    if (codes?.includes(code) !== true) this.#say(`${cmd} with code 0x${code.toString(16)}`)
  }

  #say(fault: string): void {
    this.fault ??= fault
  }
}

/** Beyond the bytes that are there: it has not ended. A length that has no end is taken for a frame, which does not parse. */
function endOfFrame(bytes: Buffer, from: number): number {
  let remaining = 0
  for (let at = from + 1; at < from + 5; at++) {
    const byte = bytes[at]
    if (byte === undefined) return Number.POSITIVE_INFINITY
    remaining |= (byte & 0x7f) << (7 * (at - from - 1))
    if (byte < 0x80) return at + 1 + remaining
  }
  return from + 5
}
