/**
 * Who has custody of which number: two Int32 per number in shared memory, read by every thread without
 * asking, changed only by compare-and-swap. Word 0 is `phase | online << 2 | owner << 8 | next << 16`,
 * word 1 the epoch of the token. What may become what: docs/ownership.md.
 *
 * A fixed table: 8 bytes for each number that may be given, which the system gives memory only where
 * they are used. A view of explicit length: one that tracks a growable buffer reads six times slower.
 */
export const UNOWNED = 0

const HELD = 1
const ASKED = 2
const GIVEN = 3
const ONLINE = 4

/** The phase of a word, with the shards that it names. */
export type Phase = 'unowned' | 'held' | 'asked' | 'given'
const PHASES: readonly Phase[] = ['unowned', 'held', 'asked', 'given']

export function held(owner: number, online: boolean): number {
  return HELD | (online ? ONLINE : 0) | (owner << 8)
}

export function asked(owner: number, next: number, online: boolean): number {
  return ASKED | (online ? ONLINE : 0) | (owner << 8) | (next << 16)
}

export function given(owner: number, next: number): number {
  return GIVEN | (owner << 8) | (next << 16)
}

export function phaseOf(word: number): Phase {
  return PHASES[word & 3] as Phase
}

export function ownerOf(word: number): number {
  return (word >> 8) & 0xff
}

export function nextOf(word: number): number {
  return (word >> 16) & 0xff
}

export function saysOnline(word: number): boolean {
  return (word & ONLINE) !== 0
}

/** `shard` has custody: it may change the row. */
export function hasCustody(word: number, shard: number): boolean {
  const phase = word & 3
  return (phase === HELD || phase === ASKED) && ownerOf(word) === shard
}

const WORDS = 2

export class PresenceTable {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array<SharedArrayBuffer>

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#words = new Int32Array(memory, 0, memory.byteLength / 4)
  }

  /** @param numbers  highest number that may be given */
  static create(numbers: number): PresenceTable {
    return new PresenceTable(new SharedArrayBuffer((numbers + 1) * WORDS * 4))
  }

  /** Highest number of the table. */
  get last(): number {
    return this.#words.length / WORDS - 1
  }

  word(number: number): number {
    return Atomics.load(this.#words, number * WORDS)
  }

  /** False where the word is not `from` any more: read it again. */
  swap(number: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, number * WORDS, from, to) === from
  }

  /** Only by the shard that has custody: epochs rise in the order of custody. Returns the new one. */
  raiseEpoch(number: number): number {
    return Atomics.add(this.#words, number * WORDS + 1, 1) + 1
  }

  epoch(number: number): number {
    return Atomics.load(this.#words, number * WORDS + 1)
  }

  isOnline(number: number): boolean {
    return saysOnline(this.word(number))
  }

  /** The shard to which requests for the number go. */
  shardOf(number: number, shards: number): number {
    const word = this.word(number)
    switch (phaseOf(word)) {
      case 'unowned':
        return number % shards
      case 'given':
        return nextOf(word)
      case 'held':
      case 'asked':
        return ownerOf(word)
    }
  }
}
