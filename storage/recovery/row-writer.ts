/** Folds what a replay has read into rows, and brings them to the store in the order of their numbers. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { BLANK_STATE } from '../../core/domain/device-state.ts'
import { fromState } from '../stored-values.ts'
import type { EntryChains } from './entry-chains.ts'
import type { RowStore, ValueRow } from './recovery-plan.ts'
import { type ChangeOf, foldRow } from './row-fold.ts'

const ROWS_PER_BATCH = 500
const MAX_BATCHES = 32 // on their way to the store, which commits together what it has

const BLANK = fromState(BLANK_STATE)

export class RowWriter {
  /** Rows that are in the store. */
  written = 0
  readonly #store: RowStore
  readonly #changeOf: ChangeOf
  readonly #under = new Set<Promise<void>>()

  constructor(store: RowStore, changeOf: ChangeOf) {
    this.#store = store
    this.#changeOf = changeOf
  }

  /** Resolves once the store has all rows. */
  async write(chains: EntryChains, onBatch: () => void): Promise<void> {
    let batch: ValueRow[] = []
    for (const number of chains.numbers()) {
      const stored = this.#store.row(number) ?? BLANK
      const value = foldRow(stored, chains.entriesOf(number), this.#changeOf)
      if (value === undefined || batch.push({ number, value }) < ROWS_PER_BATCH) continue
      await this.#send(batch, onBatch)
      batch = []
    }
    if (batch.length > 0) await this.#send(batch, onBatch)
    await Promise.all(this.#under)
  }

  async #send(batch: readonly ValueRow[], onBatch: () => void): Promise<void> {
    const { length } = batch // the rows themselves are not kept for the answer
    const stored = this.#store.putRows(batch).then(() => {
      this.#under.delete(stored)
      this.written += length
      onBatch()
    })
    this.#under.add(stored)
    if (this.#under.size >= MAX_BATCHES) await Promise.race(this.#under)
    await nextTurn() // for what others want of this thread
  }
}
