/**
 * Reads the fields of one packet in order and notices what the general parser lets pass: strings that are
 * not UTF-8 or contain U+0000, fields that reach beyond the packet, properties that may not stand there.
 * A fault is sticky: read on, ask `fault` at the end.
 */
import { isUtf8 } from 'node:buffer'
import { PROPERTY_RULES, WILL } from './property-table.ts'
import { type Fault, REASON } from './reason-code.ts'

/** Where the properties of a Will stand, for `properties`. */
export const WILL_PROPERTIES: number = WILL

export class ByteCursor {
  fault: Fault | undefined = undefined
  at: number
  readonly #buffer: Buffer
  readonly #end: number
  readonly #maxUserProperties: number
  #userProperties = 0

  constructor(
    buffer: Buffer,
    start: number,
    end: number,
    maxUserProperties: number = Number.POSITIVE_INFINITY,
  ) {
    this.#maxUserProperties = maxUserProperties
    this.#buffer = buffer
    this.at = start
    this.#end = end
  }

  get done(): boolean {
    return this.fault !== undefined || this.at >= this.#end
  }

  byte(): number {
    return this.skip(1) ? (this.#buffer[this.at - 1] as number) : 0
  }

  two(): number {
    return this.skip(2) ? this.#buffer.readUInt16BE(this.at - 2) : 0
  }

  four(): number {
    return this.skip(4) ? this.#buffer.readUInt32BE(this.at - 4) : 0
  }

  skip(bytes: number): boolean {
    if (this.fault !== undefined) return false
    if (this.at + bytes > this.#end) {
      this.fail(REASON.malformedPacket, 'truncated-packet', 'a field reaches beyond its packet')
      return false
    }
    this.at += bytes
    return true
  }

  binary(): void {
    this.skip(this.two())
  }

  /** UTF-8 without U+0000 [MQTT-1.5.4-1] [MQTT-1.5.4-2]; Node's check refuses surrogates as well. */
  string(): void {
    const length = this.two()
    const start = this.at
    if (!this.skip(length)) return
    const text = this.#buffer.subarray(start, this.at)
    if (!isUtf8(text)) {
      this.fail(REASON.malformedPacket, 'invalid-utf8', 'a string is not UTF-8')
    } else if (text.includes(0)) {
      this.fail(REASON.malformedPacket, 'null-character', 'a string contains U+0000')
    }
  }

  varint(): number {
    let value = 0
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte === 0 && shift > 0) break // [MQTT-1.5.5-1]
      if (byte < 0x80) return value
    }
    this.fail(REASON.malformedPacket, 'malformed-length', 'a length takes more bytes than it may')
    return 0
  }

  /**
   * A property list with its length; `where`: the packet type it stands in, or `WILL`. `found` is called for each
   * that is sound, with the range of its value.
   */
  properties(where: number, found?: (id: number, valueAt: number, valueEnd: number) => void): void {
    const length = this.varint()
    const end = this.at + length
    if (this.fault === undefined && end > this.#end) this.skip(length)
    let seen = 0n // the ids as bits: all are below 64
    while (this.fault === undefined && this.at < end) {
      const id = this.varint()
      const rule = PROPERTY_RULES.get(id)
      if (rule === undefined || !rule.in.includes(where)) {
        // §2.2.2.2
        this.fail(
          REASON.malformedPacket,
          'unexpected-property',
          `property 0x${id.toString(16)} may not stand here`,
        )
        return
      }
      const bit = 1n << BigInt(id)
      if (!rule.repeats && (seen & bit) !== 0n) {
        this.fail(
          REASON.protocolError,
          'repeated-property',
          `property 0x${id.toString(16)} stands twice`,
        )
        return
      }
      seen |= bit
      const valueAt = this.at
      switch (rule.type) {
        case 'flag':
          if (this.byte() > 1) this.#badValue(id)
          break
        case 'two':
          if (this.two() === 0 && rule.positive) this.#badValue(id)
          break
        case 'four':
          if (this.four() === 0 && rule.positive) this.#badValue(id)
          break
        case 'varint':
          if (this.varint() === 0 && rule.positive) this.#badValue(id)
          break
        case 'string':
          this.string()
          break
        case 'binary':
          this.binary()
          break
        case 'pair': // [MQTT-1.5.7-1]
          this.string()
          this.string()
          if (++this.#userProperties > this.#maxUserProperties) {
            this.fail(
              REASON.quotaExceeded,
              'user-properties',
              'more user properties than are taken here',
            )
          }
          break
      }
      if (this.fault === undefined) found?.(id, valueAt, this.at)
    }
    if (this.fault === undefined && this.at !== end) {
      this.fail(REASON.malformedPacket, 'truncated-property', 'a property reaches beyond its list')
    }
  }

  #badValue(id: number): void {
    const message = `property 0x${id.toString(16)} has a value that it may not have`
    this.fail(REASON.protocolError, 'property-value', message)
  }

  fail(code: Fault['code'], reason: string, message: string): void {
    this.fault ??= { code, reason, message }
  }
}
