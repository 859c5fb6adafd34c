/**
 * What a replay has read and not yet folded: of each entry its stamp and the text that tells its change,
 * chained by device, as bytes outside the heap: millions of small objects that live for seconds are what
 * garbage collectors are worst at. An entry that a later one of its device makes needless gives its place
 * to that one, so that a device that says the same again and again takes the place of a few entries.
 *
 * Bound: 512 MiB, in chunks of 16 MiB; whoever fills it asks `isFull` and folds what there is.
 *
 *     per entry, in words of 4 bytes: address of the entry before it (0: none), class and flags,
 *     incarnation, epoch, version (low, high), bytes of the text, words for it, the text behind as many
 *     other bytes as put it at the same place in a word as where it came from: it is copied by words
 */
import type { DeviceNumber } from '../../core/domain/identifiers.ts'
import { ENTRY_CLASS, type EntryClass } from '../../core/domain/log-entry.ts'
import { compareStamps, type Stamp } from '../../core/domain/token.ts'
import { type EntryView, MAX_RECORD_BYTES } from '../log/record-codec.ts'

const CHUNK_BYTES = 2 * MAX_RECORD_BYTES // any entry fits into one
const MAX_BYTES = 32 * CHUNK_BYTES
const KIND = 1 // words of an entry's header
const INCARNATION = 2
const EPOCH = 3
const VERSION_LOW = 4
const VERSION_HIGH = 5
const TEXT_BYTES = 6
const TEXT_WORDS = 7
const HEADER_WORDS = 8
const SLACK_WORDS = 4 // so that the next of its kind, some digits longer, fits in its place
const CLASS_MASK = 0xff
const WHOLE = 0x100
const LEAD_SHIFT = 16 // bytes before the text, 0 to 3
const TWO_32 = 0x1_0000_0000

export interface ChainedEntry extends Stamp {
  readonly class: EntryClass
  readonly whole: boolean
  text(): string
}

interface Chunk {
  readonly words: Uint32Array
  readonly bytes: Buffer
}

/** In bytes; smaller ones are for tests. */
export interface ChainBounds {
  readonly max: number
  /** No entry may be larger. */
  readonly chunk: number
}

export class EntryChains {
  readonly #maxChunks: number
  readonly #chunkWords: number
  readonly #chunks: Chunk[] = []
  readonly #first: number
  /** Address of the last entry of each number, from the first on. */
  readonly #last: Uint32Array
  #chunk = 0
  #next = 1 // word within the chunk; address 0 means none
  #source: Buffer | undefined
  #sourceWords: Uint32Array = new Uint32Array(0)

  /** For the entries of the numbers `first` to `last`. */
  constructor(
    numbers: { readonly first: number; readonly last: number },
    bounds: ChainBounds = { max: MAX_BYTES, chunk: CHUNK_BYTES },
  ) {
    this.#maxChunks = Math.floor(bounds.max / bounds.chunk)
    this.#chunkWords = bounds.chunk / 4
    this.#first = numbers.first
    this.#last = new Uint32Array(Math.max(0, numbers.last - numbers.first + 1))
  }

  /** The next record's entries may not fit. */
  get isFull(): boolean {
    return (this.#maxChunks - this.#chunk) * this.#chunkWords - this.#next < this.#chunkWords
  }

  /** @param textAt  where in its bytes that begins which tells its change; its end: nothing does */
  add(entry: EntryView, textAt: number): void {
    const place = entry.number - this.#first
    const textBytes = entry.end - textAt
    const lead = textBytes === 0 ? 0 : textAt & 3
    const textWords = (lead + textBytes + 3) >>> 2
    let before = this.#last[place] as number
    let address = 0
    while (before !== 0 && this.#isNeedless(before, entry)) {
      if (this.#fits(before, textWords)) address = before
      before = this.#before(before)
    }
    if (address === 0) address = this.#allot(textWords)
    const { words } = this.#chunks[Math.floor(address / this.#chunkWords)] as Chunk
    const at = address % this.#chunkWords
    words[at] = before
    words[at + KIND] = entry.class | (entry.whole ? WHOLE : 0) | (lead << LEAD_SHIFT)
    const { version } = entry
    words[at + INCARNATION] = entry.incarnation
    words[at + EPOCH] = entry.epoch
    words[at + VERSION_LOW] = version >>> 0
    words[at + VERSION_HIGH] = Math.floor(version / TWO_32)
    words[at + TEXT_BYTES] = textBytes
    const source = this.#wordsOf(entry.bytes)
    const from = textAt >>> 2
    const to = at + HEADER_WORDS
    for (let i = 0; i < textWords; i++) words[to + i] = source[from + i] as number
    this.#last[place] = address
  }

  /** Numbers that have entries, rising. */
  *numbers(): Generator<DeviceNumber, void, void> {
    for (let place = 0; place < this.#last.length; place++) {
      if (this.#last[place] !== 0) yield (this.#first + place) as DeviceNumber
    }
  }

  /** Those of a number in order of their stamps; valid until `clear`. */
  entriesOf(number: DeviceNumber): ChainedEntry[] {
    const entries: ChainedEntry[] = []
    for (let address = this.#last[number - this.#first] as number; address !== 0; ) {
      const { words, bytes } = this.#chunks[Math.floor(address / this.#chunkWords)] as Chunk
      const at = address % this.#chunkWords
      entries.push(new Entry(words, bytes, at))
      address = words[at] as number
    }
    entries.reverse()
    return inOrder(entries) ? entries : entries.sort(compareStamps)
  }

  /** The memory stays for what comes next. */
  clear(): void {
    this.#last.fill(0)
    this.#chunk = 0
    this.#next = 1
  }

  /**
   * The new entry is newer and leaves nothing of the one before it: that one only told a version, or properties
   * of which none stays.
   */
  #isNeedless(address: number, entry: EntryView): boolean {
    const { words } = this.#chunks[Math.floor(address / this.#chunkWords)] as Chunk
    const at = address % this.#chunkWords
    const kind = ((words[at + KIND] as number) & CLASS_MASK) as EntryClass
    if (kind === ENTRY_CLASS.status || kind === ENTRY_CLASS.adopt) return false
    if (kind === ENTRY_CLASS.properties && !entry.whole) return false
    const newer =
      entry.incarnation - (words[at + INCARNATION] as number) ||
      entry.epoch - (words[at + EPOCH] as number) ||
      entry.version - versionAt(words, at)
    return newer > 0
  }

  #fits(address: number, textWords: number): boolean {
    const { words } = this.#chunks[Math.floor(address / this.#chunkWords)] as Chunk
    return textWords <= (words[(address % this.#chunkWords) + TEXT_WORDS] as number)
  }

  #before(address: number): number {
    const { words } = this.#chunks[Math.floor(address / this.#chunkWords)] as Chunk
    return words[address % this.#chunkWords] as number
  }

  #allot(wanted: number): number {
    const textWords = wanted === 0 ? 0 : wanted + SLACK_WORDS
    const size = HEADER_WORDS + textWords
    if (this.#next + size > this.#chunkWords) {
      this.#chunk += 1
      this.#next = 0
    }
    const { words } = (this.#chunks[this.#chunk] ??= this.#newChunk())
    words[this.#next + TEXT_WORDS] = textWords
    const address = this.#chunk * this.#chunkWords + this.#next
    this.#next += size
    return address
  }

  #newChunk(): Chunk {
    const memory = new ArrayBuffer(this.#chunkWords * 4)
    return { words: new Uint32Array(memory), bytes: Buffer.from(memory) }
  }

  /** A reader reads into one buffer again and again; all of it is words (`SegmentReader`). */
  #wordsOf(bytes: Buffer): Uint32Array {
    if (bytes !== this.#source) {
      this.#source = bytes
      this.#sourceWords = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    }
    return this.#sourceWords
  }
}

class Entry implements ChainedEntry {
  readonly class: EntryClass
  readonly whole: boolean
  readonly token: Stamp['token']
  readonly version: number
  readonly #bytes: Buffer
  readonly #textAt: number
  readonly #textEnd: number

  constructor(words: Uint32Array, bytes: Buffer, at: number) {
    const kind = words[at + KIND] as number
    this.class = (kind & CLASS_MASK) as EntryClass
    this.whole = (kind & WHOLE) !== 0
    const [incarnation, epoch] = [words[at + INCARNATION] as number, words[at + EPOCH] as number]
    this.token = { incarnation, epoch }
    this.version = versionAt(words, at)
    this.#bytes = bytes
    this.#textAt = (at + HEADER_WORDS) * 4 + ((kind >>> LEAD_SHIFT) & 3)
    this.#textEnd = this.#textAt + (words[at + TEXT_BYTES] as number)
  }

  text(): string {
    return this.#bytes.toString('utf8', this.#textAt, this.#textEnd)
  }
}

/** They mostly are, and then nothing needs to be sorted. */
function inOrder(entries: readonly ChainedEntry[]): boolean {
  for (let i = 1; i < entries.length; i++) {
    if (compareStamps(entries[i - 1] as ChainedEntry, entries[i] as ChainedEntry) > 0) return false
  }
  return true
}

function versionAt(words: Uint32Array, at: number): number {
  return (words[at + VERSION_HIGH] as number) * TWO_32 + (words[at + VERSION_LOW] as number)
}
