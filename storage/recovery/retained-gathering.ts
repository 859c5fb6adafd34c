/** Retained messages that a replay has read, on their way to the store. */
import type { RetainedSink } from '../../core/ports/retained-store.ts'
import type { EntryView } from '../log/record-codec.ts'

const MAX_BYTES = 8_388_608

export class RetainedGathering {
  readonly #sink: RetainedSink
  #rows: Uint8Array[] = []
  #bytes = 0

  constructor(sink: RetainedSink) {
    this.#sink = sink
  }

  get isFull(): boolean {
    return this.#bytes >= MAX_BYTES
  }

  /** Copies: the entry is valid during the call only. */
  add(entry: EntryView): void {
    const row = Uint8Array.from(entry.bytes.subarray(entry.payloadAt, entry.end))
    this.#rows.push(row)
    this.#bytes += row.length
  }

  /** Resolves once the store has them; it keeps the newest of each topic. */
  async write(): Promise<void> {
    const rows = this.#rows
    if (rows.length === 0) return
    this.#rows = []
    this.#bytes = 0
    await this.#sink.retain(rows)
  }
}
