/**
 * The bytes of one connection of the fuzz, and what can be known of their end. The same seed and index make the same
 * stream; only the secrets of devices are a server's own.
 *
 * A stream is cut into frames here as the server has to cut it: behind its last whole frame stands a PINGREQ, so that a
 * connection either answers it or is closed. What remains behind is half a packet, or a header that must be refused.
 */
import { Chance } from '../simulation/chance.ts'
import { CLIENT_ID, type Corpus, corpusOf, type Known, type Level } from './corpus.ts'
import { mutated, noise } from './mutations.ts'

/** Of one packet, as the server under test is told in `limits.packetBytes`; what it takes before CONNECT, too. */
export const PACKET_BYTES = 65_536
const PROBE = Buffer.from([0xc0, 0])
const MOST_PACKETS = 120
const MEAN_PACKETS = 24

type Door = 'plain' | 'device' | 'webSocket'
/** How a connection is left that the server did not close. */
export type Leaving = 'end' | 'destroy' | 'reset'

type Expected =
  /** Every packet is valid: it is not closed. */
  | { readonly kind: 'open' }
  /** It is closed for this reason of docs/errors.md. */
  | { readonly kind: 'closed'; readonly reason: string }
  | { readonly kind: 'any' }

export interface Stream {
  readonly index: number
  readonly door: Door
  /** Of the first packet; 4 where it says none that is spoken. */
  readonly level: Level
  readonly bytes: Buffer
  /** Where writes end; the last is the end of `bytes`. */
  readonly chunks: readonly number[]
  readonly packets: number
  readonly mutations: number
  /** PINGRESPs that say that all whole frames were read; 0: there is no whole frame. */
  readonly pings: number
  /** A DISCONNECT stands among the frames. */
  readonly disconnects: boolean
  readonly tail: 'none' | 'partial' | 'fault'
  readonly leaving: Leaving
  readonly expected: Expected
}

/** Only where nothing stands in front that gives an alias its topic, or asks for an expiry. */
const OF_OTHERS = ['unknown-alias', 'expiry-raised']
const ANY: Expected = { kind: 'any' }
const OPEN: Expected = { kind: 'open' }

export class StreamMaker {
  readonly #seed: number
  readonly #corpora: readonly Corpus[] = ([3, 4, 5, 5] as const).map(corpusOf)
  readonly #devices: readonly Corpus[]

  /** @param devices  what those of the device door say; none: all are strangers there */
  constructor(seed: number, devices: readonly Corpus[]) {
    this.#seed = seed
    this.#devices = devices
  }

  stream(index: number): Stream {
    const chance = new Chance(Math.imul(this.#seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b))
    const draft = new Draft(chance)
    const door = doorOf(chance)
    const ofDevice = door === 'device' && this.#devices.length > 0 && chance.below(4) > 0
    const corpus = chance.pick(ofDevice ? this.#devices : this.#corpora)
    const kind = chance.below(100)
    if (kind < 66) session(draft, corpus, chance)
    else if (kind < 78) known(draft, corpus, chance)
    else if (kind < 86) badConnect(draft, corpus, chance)
    else if (kind < 91) disorder(draft, corpus, chance)
    else if (kind < 94) floods(draft, corpus, chance)
    else if (kind < 97) garbage(draft, chance)
    else halfPacket(draft, corpus, chance)
    return draft.finish(index, door, door === 'device' ? ANY : undefined)
  }

  /** One stream for each packet of known reason, at each level; whole, or byte by byte. */
  table(): Stream[] {
    const streams: Stream[] = []
    for (const corpus of this.#corpora.slice(0, 3)) {
      for (const one of [...corpus.known, ...corpus.knownConnects]) {
        const chance = new Chance(streams.length)
        const draft = new Draft(chance)
        if (corpus.known.includes(one)) draft.valid(named(corpus.connects[0] as Buffer, chance))
        draft.known(one)
        draft.valid(corpus.packets[0] as Buffer)
        streams.push(draft.finish(streams.length, 'plain', undefined))
      }
    }
    return streams
  }
}

function doorOf(chance: Chance): Door {
  const draw = chance.below(20)
  if (draw < 15) return 'plain'
  return draw < 19 ? 'device' : 'webSocket'
}

// ---- kinds of streams

/** A client that lives for some packets, a share of them mutated: none, few, or all but gently. */
function session(draft: Draft, corpus: Corpus, chance: Chance): void {
  draft.valid(named(chance.pick(corpus.connects), chance))
  const gentle = chance.below(2) === 0
  const share = gentle ? chance.pick([0, 0.5, 1]) : chance.pick([0.02, 0.1, 0.3])
  for (let left = length(chance); left > 0; left--) {
    const bytes = chance.pick(corpus.packets)
    if (chance.next() >= share) draft.valid(bytes)
    else draft.mutated(mutated(bytes, gentle, chance, chance.pick(corpus.packets)))
  }
  if (chance.below(8) === 0) draft.disconnect(chance.pick(corpus.disconnects))
}

/** Valid packets, then one that must end it, then more that nobody may read. */
function known(draft: Draft, corpus: Corpus, chance: Chance): void {
  if (chance.below(5) === 0) {
    draft.known(chance.pick(corpus.knownConnects))
  } else {
    draft.valid(named(chance.pick(corpus.connects), chance))
    for (let left = length(chance) >> 1; left > 0; left--) draft.valid(chance.pick(corpus.packets))
    draft.known(chance.pick(corpus.known.filter(({ reason }) => !OF_OTHERS.includes(reason))))
  }
  for (let left = chance.below(4); left > 0; left--) draft.valid(chance.pick(corpus.packets))
}

function badConnect(draft: Draft, corpus: Corpus, chance: Chance): void {
  const bytes = named(chance.pick(corpus.connects), chance)
  draft.mutated(mutated(bytes, false, chance, chance.pick(corpus.connects)))
  for (let left = chance.below(6); left > 0; left--) draft.valid(chance.pick(corpus.packets))
}

function disorder(draft: Draft, corpus: Corpus, chance: Chance): void {
  const parts = [
    named(chance.pick(corpus.connects), chance),
    named(chance.pick(corpus.connects), chance),
    ...Array.from({ length: 1 + chance.below(8) }, () => chance.pick(corpus.packets)),
    ...corpus.disconnects,
  ]
  while (parts.length > 0) draft.mutated(...parts.splice(chance.below(parts.length), 1))
}

function floods(draft: Draft, corpus: Corpus, chance: Chance): void {
  draft.valid(named(chance.pick(corpus.connects), chance))
  const source = chance.below(3) === 0 ? corpus.packets : corpus.subscribes
  const one = chance.pick(source)
  const same = chance.below(2) === 0
  for (let left = 1 + chance.below(40); left > 0; left--) {
    draft.valid(same ? one : chance.pick(source))
  }
}

function garbage(draft: Draft, chance: Chance): void {
  switch (chance.below(4)) {
    case 0: // the start of a TLS handshake
      draft.mutated(Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0]), noise(chance, 200)]))
      break
    case 1:
      draft.mutated(Buffer.concat([Buffer.from([0x10]), noise(chance, 1 + chance.below(60))]))
      break
    default:
      draft.mutated(noise(chance, 1 + chance.below(2000)))
  }
}

function halfPacket(draft: Draft, corpus: Corpus, chance: Chance): void {
  const connect = named(chance.pick(corpus.connects), chance)
  const early = chance.below(3) === 0
  if (!early) {
    draft.valid(connect)
    for (let left = chance.below(10); left > 0; left--) draft.valid(chance.pick(corpus.packets))
  }
  const last = early ? connect : chance.pick(corpus.packets)
  draft.valid(last.subarray(0, 1 + chance.below(last.length - 1)))
}

function length(chance: Chance): number {
  return Math.min(MOST_PACKETS, Math.floor(-Math.log(1 - chance.next()) * MEAN_PACKETS))
}

/** With a client identifier of its own, where it says one: none takes another's over. */
function named(bytes: Buffer, chance: Chance): Buffer {
  const at = bytes.indexOf(CLIENT_ID)
  const copy = Buffer.from(bytes)
  if (at >= 0) {
    for (let i = at + 5; i < at + CLIENT_ID.length; i++) copy[i] = 0x61 + chance.below(26)
  }
  return copy
}

// ---- a stream in the making

class Draft {
  readonly #chance: Chance
  readonly #parts: Buffer[] = []
  #expected: Expected = OPEN
  #mutations = 0

  constructor(chance: Chance) {
    this.#chance = chance
  }

  valid(bytes: Buffer): void {
    this.#parts.push(bytes)
  }

  mutated(...parts: readonly Buffer[]): void {
    this.#parts.push(...parts)
    this.#mutations += parts.length
    if (this.#expected === OPEN) this.#expected = ANY
  }

  known({ bytes, reason }: Known): void {
    this.#parts.push(bytes)
    if (this.#expected === OPEN) this.#expected = { kind: 'closed', reason }
  }

  disconnect(bytes: Buffer): void {
    this.known({ bytes, reason: 'client-disconnect' })
  }

  finish(index: number, door: Door, expected: Expected | undefined): Stream {
    const all = Buffer.concat(this.#parts)
    const { whole, pings, disconnects, tail } = walk(all)
    const probed = whole > 0
    const bytes = probed ? Buffer.concat([all.subarray(0, whole), PROBE, all.subarray(whole)]) : all
    return {
      index,
      door,
      level: levelOf(all),
      bytes,
      chunks: chunks(
        bytes.length,
        door === 'webSocket' ? PACKET_BYTES : bytes.length,
        this.#chance,
      ),
      packets: this.#parts.length,
      mutations: this.#mutations,
      pings: probed ? pings + 1 : 0,
      disconnects,
      tail,
      leaving: this.#chance.pick(['end', 'end', 'destroy', 'reset'] as const),
      expected: expected ?? this.#expected,
    }
  }
}

/** Where the frames end, by the lengths that they say. */
function walk(bytes: Buffer): {
  readonly whole: number
  readonly pings: number
  readonly disconnects: boolean
  readonly tail: Stream['tail']
} {
  let from = 0
  let pings = 0
  let disconnects = false
  while (from < bytes.length) {
    let remaining = 0
    let at = from + 1
    let shift = 0
    let byte = 0x80
    while (at < bytes.length && shift <= 21 && byte >= 0x80) {
      byte = bytes[at++] as number
      remaining |= (byte & 0x7f) << shift
      shift += 7
    }
    const total = at - from + remaining
    if (byte >= 0x80 ? shift > 21 : total > PACKET_BYTES) {
      return { whole: from, pings, disconnects, tail: 'fault' }
    }
    if (byte >= 0x80 || from + total > bytes.length) {
      return { whole: from, pings, disconnects, tail: 'partial' }
    }
    const first = bytes[from] as number
    if (first === 0xc0 && total === 2) pings += 1
    if (first >> 4 === 14) disconnects = true
    from += total
  }
  return { whole: from, pings, disconnects, tail: 'none' }
}

function levelOf(bytes: Buffer): Level {
  let at = 1
  while (at < 5 && (bytes[at] ?? 0) >= 0x80) at++
  const name = bytes.subarray(at + 1)
  if ((bytes[0] ?? 0) >> 4 !== 1 || name.length < 3) return 4
  const level = name[2 + name.readUInt16BE(0)]
  return level === 3 || level === 5 ? level : 4
}

/** Whole, in two, in some, or byte by byte; a WebSocket message has a bound of its own. */
function chunks(total: number, most: number, chance: Chance): number[] {
  const kind = chance.below(20)
  const ends: number[] = []
  if (kind === 0 && total <= 300) for (let at = 1; at < total; at++) ends.push(at)
  else if (kind < 9) {
    for (let i = kind < 5 ? 1 : 2 + chance.below(6); i > 0; i--) ends.push(chance.below(total))
  }
  for (let at = most; at < total; at += most) ends.push(at)
  return [...ends.filter((at) => at > 0).sort((a, b) => a - b), total]
}
