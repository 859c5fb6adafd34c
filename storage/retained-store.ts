/**
 * Retained messages in LMDB. Keys are the topic space and the topic with U+0000 in place of each slash, so that
 * they stand in the order of their levels and a filter skips what it cannot match. Topics beyond `MAX_KEY_TOPIC` bytes
 * have the hash of the whole behind their beginning.
 *
 * The writer lives in the storage thread; it keeps the totals of messages and bytes beside the rows.
 */
import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { RetainedRow } from '../core/domain/retained-row.ts'
import { matches } from '../core/domain/topic.ts'
import type { RetainedPage, RetainedReader, RetainedSink } from '../core/ports/retained-store.ts'
import type { Environment } from './environment.ts'

const MAX_KEY_TOPIC = 1800 // bytes; LMDB takes keys of 1,978
const LEVEL = '\0'
const AFTER_LEVEL = '\u0001'
const SWEPT_AT_ONCE = 1000
const MESSAGES = 'retained:messages'
const BYTES = 'retained:bytes'

export interface RetainedTotals {
  readonly messages: number
  readonly bytes: number
}

export class RetainedStore implements RetainedReader {
  readonly #environment: Environment

  constructor(environment: Environment) {
    this.#environment = environment
  }

  find(space: number, topic: string): RetainedRow | undefined {
    this.#environment.refresh()
    const value = this.#environment.databases.retained.get(keyOf(space, topic))
    return value === undefined ? undefined : new RetainedRow(value)
  }

  page(space: number, filter: string, from: Uint8Array | undefined, limit: number): RetainedPage {
    this.#environment.refresh()
    const { retained } = this.#environment.databases
    const walk = new FilterWalk(space, filter)
    const rows: RetainedRow[] = []
    let start = from === undefined ? walk.start : Buffer.from(from)
    let looked = 0
    while (looked < limit && Buffer.compare(start, walk.end) < 0) {
      let left = limit - looked
      let skipTo: Buffer | undefined
      let last: Buffer | undefined
      let seek = false
      for (const { key, value } of this.#range(walk, start, left)) {
        left -= 1
        last = key
        // Only now: mostly the next row is behind what is skipped, and a new range costs as much as some rows.
        seek = skipTo !== undefined && Buffer.compare(key, skipTo) < 0
        if (seek) break
        const topic = topicOf(key) ?? new RetainedRow(value ?? (retained.get(key) as Buffer)).topic
        skipTo = undefined
        if (matches(filter, topic)) {
          rows.push(new RetainedRow(value ?? (retained.get(key) as Buffer)))
        } else {
          skipTo = walk.skip(topic)
        }
      }
      if (last === undefined || (left > 0 && !seek)) return { rows, next: undefined }
      looked = limit - left
      const behind = Buffer.concat([last, Buffer.from([0])])
      start = skipTo === undefined || Buffer.compare(skipTo, behind) < 0 ? behind : skipTo
    }
    return { rows, next: Buffer.compare(start, walk.end) < 0 ? start : undefined }
  }

  /** Values only where each is wanted: a scan of a million messages for one took a third longer with them. */
  #range(
    walk: FilterWalk,
    start: Buffer,
    limit: number,
  ): Iterable<{ readonly key: Buffer; readonly value?: Buffer }> {
    const { retained } = this.#environment.databases
    const range = { start, end: walk.end, limit }
    if (walk.takesAll) return retained.getRange(range)
    return retained.getKeys(range).map((key) => ({ key }))
  }
}

export class RetainedWriter implements RetainedSink {
  readonly #environment: Environment
  readonly #onTotals: (totals: RetainedTotals) => void

  /** @param onTotals  called with what is stored, now and after each commit */
  constructor(environment: Environment, onTotals: (totals: RetainedTotals) => void) {
    this.#environment = environment
    this.#onTotals = onTotals
    onTotals(this.#totals())
  }

  async retain(rows: readonly Uint8Array[]): Promise<void> {
    const { retained } = this.#environment.databases
    const totals = await this.#environment.transaction(() => {
      let { messages, bytes } = this.#totals()
      for (const value of rows) {
        const row = new RetainedRow(value)
        const key = keyOf(row.space, row.topic)
        const stored = retained.get(key)
        const before = stored === undefined ? undefined : new RetainedRow(stored)
        if (before !== undefined && !row.isNewerThan(before)) continue
        if (before?.gone === false) {
          messages -= 1
          bytes -= before.buffer.length
        }
        if (!row.gone) {
          messages += 1
          bytes += row.buffer.length
        }
        void retained.put(key, Buffer.from(value))
      }
      return this.#setTotals(messages, bytes)
    })
    this.#onTotals(totals)
  }

  /** Removes what has expired and what marks a removal, once no late row can come any more. */
  async sweep(now: number): Promise<void> {
    const { retained } = this.#environment.databases
    let start: Buffer | undefined = Buffer.from([0])
    while (start !== undefined) {
      const from: Buffer = start
      start = undefined
      const forgettable: Buffer[] = []
      let looked = 0
      for (const { key, value } of retained.getRange({ start: from, limit: SWEPT_AT_ONCE })) {
        if (new RetainedRow(value).isForgettable(now)) forgettable.push(Buffer.from(key))
        if (++looked === SWEPT_AT_ONCE) start = Buffer.concat([key, Buffer.from([0])])
      }
      if (forgettable.length > 0) await this.#forget(forgettable, now)
      await nextTurn()
    }
  }

  async #forget(keys: readonly Buffer[], now: number): Promise<void> {
    const { retained } = this.#environment.databases
    const totals = await this.#environment.transaction(() => {
      let { messages, bytes } = this.#totals()
      for (const key of keys) {
        const stored = retained.get(key)
        const row = stored === undefined ? undefined : new RetainedRow(stored)
        if (row?.isForgettable(now) !== true) continue // replaced meanwhile
        void retained.remove(key)
        if (row.gone) continue
        messages -= 1
        bytes -= row.buffer.length
      }
      return this.#setTotals(messages, bytes)
    })
    this.#onTotals(totals)
  }

  #totals(): RetainedTotals {
    const { meta } = this.#environment.databases
    const figure = (name: string): number => (meta.get(name) as number | undefined) ?? 0
    return { messages: figure(MESSAGES), bytes: figure(BYTES) }
  }

  #setTotals(messages: number, bytes: number): RetainedTotals {
    const { meta } = this.#environment.databases
    void meta.put(MESSAGES, messages)
    void meta.put(BYTES, bytes)
    return { messages, bytes }
  }
}

function keyOf(space: number, topic: string): Buffer {
  const text = Buffer.from(topic.replaceAll('/', LEVEL))
  if (text.length <= MAX_KEY_TOPIC) return Buffer.concat([Buffer.from([space]), text])
  const hash = createHash('sha256').update(text).digest()
  return Buffer.concat([Buffer.from([space]), text.subarray(0, MAX_KEY_TOPIC), hash])
}

/** `undefined`: the key has only the beginning of it. */
function topicOf(key: Buffer): string | undefined {
  if (key.length > MAX_KEY_TOPIC) return undefined
  return key.toString('utf8', 1).replaceAll(LEVEL, '/')
}

/** The keys that a filter can match, and where to go on from one that it does not. */
class FilterWalk {
  readonly start: Buffer
  readonly end: Buffer
  /** No wildcard but `#` at the end. */
  readonly takesAll: boolean
  readonly #space: number
  readonly #levels: readonly string[]

  constructor(space: number, filter: string) {
    this.#space = space
    this.#levels = filter.split('/')
    const wild = this.#levels.findIndex((level) => level === '+' || level === '#')
    this.takesAll = wild >= 0 && this.#levels[wild] === '#'
    const fixed = wild === -1 ? this.#levels : this.#levels.slice(0, wild)
    this.start = this.#key(fixed.join(LEVEL))
    // `a/#` matches `a`, too; with nothing fixed the space is the bound.
    this.end =
      fixed.length === 0 ? Buffer.from([space + 1]) : this.#key(fixed.join(LEVEL) + AFTER_LEVEL)
  }

  /** The least key above the topic's that may match; `undefined`: it may be the next one. */
  skip(topic: string): Buffer | undefined {
    if (Buffer.byteLength(topic) > MAX_KEY_TOPIC) return undefined // its key is not its levels
    const found = topic.split('/')
    for (const [i, level] of this.#levels.entries()) {
      const other = found[i]
      if (level === '#' || other === undefined) return undefined
      if (level === '+' || level === other) continue
      const before = found.slice(0, i)
      const order = Buffer.compare(Buffer.from(other), Buffer.from(level))
      if (order < 0) return this.#key([...before, level].join(LEVEL))
      const wild = this.#levels.lastIndexOf('+', i - 1)
      return wild < 0 || i === 0
        ? this.end
        : this.#key(found.slice(0, wild + 1).join(LEVEL) + AFTER_LEVEL)
    }
    // All levels match and the topic goes on: so do all below this one.
    return this.#key(found.slice(0, this.#levels.length).join(LEVEL) + AFTER_LEVEL)
  }

  /** Cut where keys are cut; the place behind all that begin so, where the text ends in `AFTER_LEVEL`. */
  #key(text: string): Buffer {
    const bytes = Buffer.from(text)
    const space = Buffer.from([this.#space])
    if (bytes.length <= MAX_KEY_TOPIC) return Buffer.concat([space, bytes])
    const rest = text.endsWith(AFTER_LEVEL) ? [0xff] : []
    return Buffer.concat([space, bytes.subarray(0, MAX_KEY_TOPIC), Buffer.from(rest)])
  }
}
