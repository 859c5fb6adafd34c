/** Retained messages as a store in memory has them, behind the port that shards read. */
import { RetainedRow } from '../../core/domain/retained-row.ts'
import { matches } from '../../core/domain/topic.ts'
import type { RetainedPage, RetainedReader, RetainedSink } from '../../core/ports/retained-store.ts'

export class MemoryRetained implements RetainedReader, RetainedSink {
  readonly #rows = new Map<string, Uint8Array>()
  /** Whether the next rows are stored or refused. */
  refuses = false

  find(space: number, topic: string): RetainedRow | undefined {
    const bytes = this.#rows.get(`${space}${topic}`)
    return bytes === undefined ? undefined : new RetainedRow(Uint8Array.from(bytes))
  }

  page(space: number, filter: string, from: Uint8Array | undefined, limit: number): RetainedPage {
    const start = from === undefined ? 0 : Buffer.from(from).readUInt32LE()
    const rows = [...this.#rows.values()]
      .slice(start, start + limit)
      .map((bytes) => new RetainedRow(Uint8Array.from(bytes)))
      .filter((row) => row.space === space && matches(filter, row.topic))
    if (start + limit >= this.#rows.size) return { rows, next: undefined }
    const next = Buffer.alloc(4)
    next.writeUInt32LE(start + limit)
    return { rows, next }
  }

  retain(rows: readonly Uint8Array[]): Promise<void> {
    if (this.refuses) return Promise.reject(new Error('the store stands still'))
    for (const bytes of rows) {
      const row = new RetainedRow(Uint8Array.from(bytes))
      const key = `${row.space}${row.topic}`
      const known = this.#rows.get(key)
      if (known === undefined || row.isNewerThan(new RetainedRow(known))) {
        this.#rows.set(key, row.buffer)
      }
    }
    return Promise.resolve()
  }

  /** Without the marks of removals. */
  get messages(): number {
    return [...this.#rows.values()].filter((bytes) => !new RetainedRow(bytes).gone).length
  }
}
