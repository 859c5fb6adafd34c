/**
 * Bodies of control messages, in MessagePack: plain objects, arrays, strings, numbers, bigints of 64 bits, booleans,
 * bytes, dates; `null` and `undefined` stay apart. Bytes arrive as a Buffer, a Map as a plain object, -0 as 0.
 */
import { Packr } from 'msgpackr'

// No record structures: they would be state that both sides of a pair keep in step, also over a restart.
const packr = new Packr({ useRecords: false, copyBuffers: true })
const range = { start: 0, end: 0 } // one for all: decoding does not call back

/** Valid until the next call: copy it. */
export function encodeBody(body: unknown): Buffer {
  return packr.pack(body)
}

/** Nothing in the result refers to `buffer`. */
export function decodeBody(buffer: Buffer, start: number, end: number): unknown {
  range.start = start
  range.end = end
  return packr.unpack(buffer, range)
}
