/** What is done to the bytes of one packet. Those that are gentle leave most packets valid, so that a connection lives on. */
import type { Chance } from '../simulation/chance.ts'

type Mutation = (bytes: Buffer, chance: Chance, other: Buffer) => Buffer

/** Behind the fixed header, whose length is said anew: the frame stays whole. */
function inFrame(change: (body: Buffer, chance: Chance, other: Buffer) => Buffer): Mutation {
  return (bytes, chance, other) => {
    const start = bodyStart(bytes)
    const body = change(
      Buffer.from(bytes.subarray(start)),
      chance,
      other.subarray(bodyStart(other)),
    )
    return framed(bytes[0] as number, body)
  }
}

function flip(bytes: Buffer, chance: Chance): Buffer {
  if (bytes.length === 0) return bytes
  for (let i = chance.below(4); i >= 0; i--) {
    const at = chance.below(bytes.length)
    bytes[at] = (bytes[at] as number) ^ (1 << chance.below(8))
  }
  return bytes
}

const EDGES = [0, 1, 0x7f, 0x80, 0xff] as const

function overwrite(bytes: Buffer, chance: Chance): Buffer {
  if (bytes.length === 0) return bytes
  bytes[chance.below(bytes.length)] = chance.below(2) === 0 ? chance.pick(EDGES) : chance.below(256)
  return bytes
}

function cut(bytes: Buffer, chance: Chance): Buffer {
  return bytes.subarray(0, chance.below(bytes.length + 1))
}

function insert(bytes: Buffer, chance: Chance): Buffer {
  const at = chance.below(bytes.length + 1)
  return Buffer.concat([
    bytes.subarray(0, at),
    noise(chance, 1 + chance.below(8)),
    bytes.subarray(at),
  ])
}

function remove(bytes: Buffer, chance: Chance): Buffer {
  const at = chance.below(bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + chance.below(4))])
}

function double(bytes: Buffer, chance: Chance): Buffer {
  const at = chance.below(bytes.length + 1)
  const piece = bytes.subarray(at, at + 1 + chance.below(16))
  return Buffer.concat([bytes.subarray(0, at), piece, piece, bytes.subarray(at + piece.length)])
}

function splice(bytes: Buffer, chance: Chance, other: Buffer): Buffer {
  const head = bytes.subarray(0, chance.below(bytes.length + 1))
  return Buffer.concat([head, other.subarray(chance.below(other.length + 1))])
}

/** The remaining length says something else than what follows. */
function wrongLength(bytes: Buffer, chance: Chance): Buffer {
  const body = bytes.subarray(bodyStart(bytes))
  const first = bytes[0] as number
  const length =
    chance.below(2) === 0
      ? Math.max(0, body.length + chance.below(9) - 4)
      : 2 ** (1 + chance.below(28)) - chance.below(2)
  return Buffer.concat([header(first, length), body])
}

/** More bytes than the length needs. */
function longLength(bytes: Buffer, chance: Chance): Buffer {
  const start = bodyStart(bytes)
  const padded = Buffer.from(bytes.subarray(1, start))
  padded[padded.length - 1] = (padded.at(-1) as number) | 0x80
  const more = Buffer.alloc(1 + chance.below(4), 0x80)
  more[more.length - 1] = chance.below(4) === 0 ? 0x80 : 0
  return Buffer.concat([bytes.subarray(0, 1), padded, more, bytes.subarray(start)])
}

function firstByte(bytes: Buffer, chance: Chance): Buffer {
  bytes[0] = chance.below(256)
  return bytes
}

function flags(bytes: Buffer, chance: Chance): Buffer {
  bytes[0] = ((bytes[0] as number) & 0xf0) | chance.below(16)
  return bytes
}

/** The last byte: mostly of a payload or a filter's options. */
function lastByte(bytes: Buffer, chance: Chance): Buffer {
  if (bytes.length > 2) bytes[bytes.length - 1] = chance.below(256)
  return bytes
}

/** A printable character in the place of a printable one. */
function letter(bytes: Buffer, chance: Chance): Buffer {
  const at = 2 + chance.below(bytes.length)
  const byte = bytes[at]
  if (byte !== undefined && byte >= 0x61 && byte <= 0x7a) bytes[at] = 0x61 + chance.below(26)
  return bytes
}

function payload(bytes: Buffer, chance: Chance): Buffer {
  if ((bytes[0] as number) >> 4 !== 3 || bytes.length < 40) return letter(bytes, chance)
  const from = bytes.length - Math.min(20, bytes.length >> 2)
  for (let at = from; at < bytes.length; at++) bytes[at] = chance.below(256)
  return bytes
}

const ROUGH: readonly Mutation[] = [
  flip,
  overwrite,
  cut,
  insert,
  remove,
  double,
  splice,
  wrongLength,
  longLength,
  firstByte,
  flags,
  ...[flip, flip, overwrite, overwrite, cut, insert, remove, double, splice].map(inFrame),
]
const GENTLE: readonly Mutation[] = [lastByte, letter, letter, payload]

/** @param other  a packet to splice with */
export function mutated(bytes: Buffer, gentle: boolean, chance: Chance, other: Buffer): Buffer {
  return chance.pick(gentle ? GENTLE : ROUGH)(Buffer.from(bytes), chance, other)
}

export function noise(chance: Chance, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; at++) bytes[at] = chance.below(256)
  return bytes
}

function bodyStart(bytes: Buffer): number {
  let at = 1
  while (at < 4 && (bytes[at] as number) >= 0x80) at++
  return Math.min(at + 1, bytes.length)
}

function framed(first: number, body: Buffer): Buffer {
  return Buffer.concat([header(first, body.length), body])
}

function header(first: number, length: number): Buffer {
  const bytes = [first]
  let rest = length
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>>= 7
  } while (rest > 0)
  return Buffer.from(bytes)
}
