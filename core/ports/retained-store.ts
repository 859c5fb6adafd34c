/** Retained messages as the store has them: shards read, the storage thread writes. */
import type { RetainedRow } from '../domain/retained-row.ts'

export interface RetainedPage {
  /** Those that match, also rows that are gone or expired. */
  readonly rows: readonly RetainedRow[]
  /** Where the next page begins; `undefined`: this was the last one. */
  readonly next: Uint8Array | undefined
}

export interface RetainedReader {
  find(space: number, topic: string): RetainedRow | undefined
  /** Looks at `limit` rows at most, from the place that the page before has given. */
  page(space: number, filter: string, from: Uint8Array | undefined, limit: number): RetainedPage
}

export interface RetainedSink {
  /** Resolves once committed. A row that is not newer than the stored one changes nothing. */
  retain(rows: readonly Uint8Array[]): Promise<void>
}
