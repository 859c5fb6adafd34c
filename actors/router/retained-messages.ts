/**
 * The retained messages as one shard knows them (MQTT 5.0 §3.3.1.3): those in the store, and over them those that are
 * younger than the store. What is retained here is an entry of the log, told to the other shards within the turn, and a
 * row of the store with the next checkpoint; then the copies in memory go.
 *
 * Of two for one topic the one with the higher stamp stays, on every shard. Bounds: `limits.retainedMessages` and
 * `limits.retainedBytes`, by the totals of the store and what is not in it yet; `MAX_UNSTORED_BYTES` where the store stands
 * still. At each the message is refused.
 */
import { RetainedRow } from '../../core/domain/retained-row.ts'
import { matches } from '../../core/domain/topic.ts'
import type { CheckpointShare } from '../../core/ports/checkpoint-sink.ts'
import type { MessageSource } from '../../core/ports/message-source.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type { Retaining } from '../../core/ports/relay.ts'
import type { RetainedReader, RetainedSink } from '../../core/ports/retained-store.ts'
import type { RetainedFigures } from './retained-figures.ts'

const MAX_UNSTORED_BYTES = 67_108_864 // some seconds of a busy shard
const ROWS_PER_STEP = 64 // looked at; some tens of microseconds
const BYTES_PER_MESSAGE = 1_048_576 // to the storage thread

interface RetainedBounds {
  readonly messages: number
  readonly bytes: number
}

export interface RetainedMessagesParts {
  readonly shard: number
  readonly incarnation: number
  readonly figures: RetainedFigures
  readonly bounds: RetainedBounds
  readonly reader: RetainedReader
  readonly sink: RetainedSink
  /** Appends the row to the log of this shard. */
  readonly journal: (row: RetainedRow) => void
  /** Tells the other shards. */
  readonly announce: (row: RetainedRow) => void
  /** Tells them that ours up to this order are in the store. */
  readonly announceStored: (order: number) => void
  readonly now: () => number
}

interface Unstored {
  readonly key: string
  readonly row: RetainedRow
}

export class RetainedMessages {
  readonly #parts: RetainedMessagesParts
  /** The youngest of each topic, as long as the store may not have it. */
  readonly #young = new Map<string, RetainedRow>()
  /** The same, and older ones of the same topics, by the shard that has them stored, in their order. */
  readonly #unstored = new Map<number, Unstored[]>()
  #unstoredBytes = 0
  /** Ours that no checkpoint has taken yet, the youngest of each topic. */
  #dirty = new Map<string, RetainedRow>()
  #lastOrder = 0

  constructor(parts: RetainedMessagesParts) {
    this.#parts = parts
  }

  /** Rows in memory. */
  get unstored(): number {
    return this.#young.size
  }

  /** True where no filter can match anything. */
  get empty(): boolean {
    return this.#young.size === 0 && this.#parts.figures.messages === 0
  }

  /** Retains the message for its topic, or removes what the topic has [MQTT-3.3.1-5] [MQTT-3.3.1-6]. */
  keep(space: number, topic: string, publication: Publication): Retaining {
    const refusal = this.#refusal(space, topic, publication)
    if (refusal !== undefined) return refusal
    const { figures, incarnation, shard, journal, announce, now } = this.#parts
    const order = figures.nextOrder()
    const row = RetainedRow.of(space, publication, { incarnation, order }, now())
    const key = keyOf(space, topic)
    this.#lastOrder = order
    this.#add(shard, key, row)
    this.#dirty.set(key, row)
    journal(row)
    announce(row)
    return 'kept'
  }

  /** One that another shard has retained. */
  hear(peer: number, row: RetainedRow): void {
    this.#add(peer, keyOf(row.space, row.topic), row)
  }

  /** All of a shard's up to this order are in the store. */
  stored(origin: number, order: number): void {
    const rows = this.#unstored.get(origin)
    if (rows === undefined) return
    let count = 0
    for (const { key, row } of rows) {
      if (row.order > order) break
      count += 1
      this.#unstoredBytes -= row.buffer.length
      if (this.#young.get(key) === row) this.#young.delete(key)
    }
    if (count === rows.length) this.#unstored.delete(origin)
    else rows.splice(0, count)
  }

  /** A shard that joins is told what it cannot find in the store. */
  ownUnstored(): RetainedRow[] {
    return (this.#unstored.get(this.#parts.shard) ?? []).map(({ row }) => row)
  }

  /** What is retained for the topics that the filter matches, as it is when it is asked for. */
  matching(space: number, filter: string): MessageSource {
    if (!filter.includes('+') && !filter.endsWith('#')) return this.#exact(space, filter)
    return new RetainedWalk(space, filter, this.#young, this.#parts)
  }

  /** Takes what is to be stored; everything that was retained before is in it, or in the store. */
  readonly share = (): CheckpointShare | undefined => {
    if (this.#dirty.size === 0) return undefined
    const rows = this.#dirty
    const order = this.#lastOrder
    const { sink, shard, announceStored } = this.#parts
    this.#dirty = new Map()
    return {
      store: async () => {
        for (const batch of batches(rows.values())) await sink.retain(batch)
        this.stored(shard, order)
        announceStored(order)
      },
      failed: () => {
        for (const [key, row] of rows) if (!this.#dirty.has(key)) this.#dirty.set(key, row)
      },
    }
  }

  #add(origin: number, key: string, row: RetainedRow): void {
    const known = this.#young.get(key)
    if (known === undefined || row.isNewerThan(known)) this.#young.set(key, row)
    const rows = this.#unstored.get(origin)
    if (rows === undefined) this.#unstored.set(origin, [{ key, row }])
    else rows.push({ key, row })
    this.#unstoredBytes += row.buffer.length
  }

  #refusal(space: number, topic: string, p: Publication): Exclude<Retaining, 'kept'> | undefined {
    if (this.#unstoredBytes > MAX_UNSTORED_BYTES) return 'store-behind'
    if (p.payloadEnd === p.payloadStart) return undefined
    const { figures, bounds } = this.#parts
    const messages = figures.messages + this.#young.size
    const bytes = figures.bytes + this.#unstoredBytes + (p.payloadEnd - p.topicStart)
    if (messages < bounds.messages && bytes <= bounds.bytes) return undefined
    if (this.#exact(space, topic).next()?.length === 1) return undefined // in place of one there is
    return messages >= bounds.messages ? 'too-many-messages' : 'too-many-bytes'
  }

  #exact(space: number, topic: string): MessageSource {
    let asked = false
    const next = (): Publication[] | undefined => {
      if (asked) return undefined
      asked = true
      const { reader, now } = this.#parts
      const row = newer(this.#young.get(keyOf(space, topic)), reader.find(space, topic))
      return row?.refresh(now()) === true ? [row] : []
    }
    return { next }
  }
}

function keyOf(space: number, topic: string): string {
  return `${space}${topic}`
}

/** One in memory may be the older one: another shard has told it after a younger one was stored. */
function newer(a: RetainedRow | undefined, b: RetainedRow | undefined): RetainedRow | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return b.isNewerThan(a) ? b : a
}

function* batches(rows: Iterable<RetainedRow>): Generator<Uint8Array[], void, void> {
  let batch: Uint8Array[] = []
  let bytes = 0
  for (const { buffer } of rows) {
    batch.push(buffer)
    bytes += buffer.length
    if (bytes < BYTES_PER_MESSAGE) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

/**
 * Rows that match a filter, a page at a time: first those in memory, then those in the store, the newer of both
 * each time. One that leaves memory meanwhile is in the store by then.
 */
class RetainedWalk implements MessageSource {
  readonly #space: number
  readonly #filter: string
  readonly #young: ReadonlyMap<string, RetainedRow>
  readonly #parts: RetainedMessagesParts
  readonly #first: Iterator<readonly [string, RetainedRow], void>
  /** Given from memory: not again from the store. Bounded as the memory is. */
  readonly #given = new Set<string>()
  #inMemory = true
  #from: Uint8Array | undefined = undefined
  #done = false

  constructor(
    space: number,
    filter: string,
    young: ReadonlyMap<string, RetainedRow>,
    parts: RetainedMessagesParts,
  ) {
    this.#space = space
    this.#filter = filter
    this.#young = young
    this.#parts = parts
    this.#first = young.entries()
  }

  next(): readonly Publication[] | undefined {
    if (this.#done) return undefined
    return this.#inMemory ? this.#nextYoung() : this.#nextStored()
  }

  #nextYoung(): Publication[] {
    const { reader, now } = this.#parts
    const due: Publication[] = []
    for (let looked = 0; looked < ROWS_PER_STEP; looked++) {
      const { value, done } = this.#first.next()
      if (done === true || value === undefined) {
        this.#inMemory = false
        break
      }
      const [key, row] = value
      if (row.space !== this.#space || !matches(this.#filter, row.topic)) continue
      this.#given.add(key)
      const stored = reader.find(this.#space, row.topic)
      const current = newer(row, stored)
      if (current?.refresh(now()) === true) due.push(current)
    }
    return due
  }

  #nextStored(): Publication[] {
    const { reader, now } = this.#parts
    const { rows, next } = reader.page(this.#space, this.#filter, this.#from, ROWS_PER_STEP)
    this.#from = next
    this.#done = next === undefined
    const due: Publication[] = []
    for (const stored of rows) {
      const key = keyOf(this.#space, stored.topic)
      if (this.#given.has(key)) continue
      const row = newer(this.#young.get(key), stored)
      if (row?.refresh(now()) === true) due.push(row)
    }
    return due
  }
}
