/**
 * Carries changed rows to the store, again and again: what is in the store need not be replayed.
 * A row that changes often is stored once per interval. One batch is under way at a time, so a slow
 * store delays checkpoints and grows the log's tail, never memory beyond the live actors.
 */

import type {
  CheckpointRow,
  CheckpointShare,
  CheckpointSink,
} from '../../core/ports/checkpoint-sink.ts'
import type { Diagnostics } from '../../core/ports/diagnostics.ts'
import type { DeviceActor } from './device-actor.ts'

const ROWS_PER_MESSAGE = 2000 // keeps one transaction and one posted message small

export interface CheckpointerParts {
  readonly sink: CheckpointSink
  readonly log: number
  /** The sequence of the newest stored entry of this shard's log. */
  readonly storedSequence: () => number
  /**
   * Resolves once all that is in the log now survives what it promises to survive; false: the disk refused. A
   * row may not outlive the entries that made it, or the log's last word on it would be wrong.
   */
  readonly lasting: () => Promise<boolean>
  /** Everything up to this sequence is in the store: older segments may be retired. */
  readonly onCheckpoint: (sequence: number) => void
  readonly onClean: (actor: DeviceActor) => void
  /** Each takes what others have to store, as it is now. */
  readonly shares?: readonly (() => CheckpointShare | undefined)[]
  readonly diagnostics: Diagnostics
}

export class Checkpointer {
  readonly #parts: CheckpointerParts
  #dirty: DeviceActor[] = []
  #running: Promise<void> | undefined
  #reached = 0
  #storing = 0

  constructor(parts: CheckpointerParts) {
    this.#parts = parts
  }

  /** Rows that wait to be stored, or are about to be. */
  get unstored(): number {
    return this.#dirty.length + this.#storing
  }

  readonly add = (actor: DeviceActor): void => {
    this.#dirty.push(actor)
  }

  /** Stores all rows that are dirty now; call between turns. Joins a run that is under way. */
  run(): Promise<void> {
    this.#running ??= this.#store().finally(() => {
      this.#running = undefined
      this.#storing = 0
    })
    return this.#running
  }

  async #store(): Promise<void> {
    const sequence = this.#parts.storedSequence()
    if (this.#dirty.length === 0 && sequence === this.#reached) return
    const actors = this.#dirty
    this.#dirty = []
    this.#storing = actors.length
    const rows: CheckpointRow[] = actors.map((actor) => {
      actor.dirty = false
      actor.storing = true
      return { number: actor.device.number, state: actor.state }
    })
    const shares = (this.#parts.shares ?? []).flatMap((take) => take() ?? [])
    try {
      const { sink, log, lasting } = this.#parts
      if (!(await lasting())) throw new Error('the log could not be synced')
      for (let at = 0; at < rows.length; at += ROWS_PER_MESSAGE) {
        await sink.checkpoint(rows.slice(at, at + ROWS_PER_MESSAGE), undefined)
      }
      for (const share of shares) await share.store()
      await sink.checkpoint([], { log, sequence })
    } catch (error) {
      this.#parts.diagnostics.warn('a checkpoint failed; its rows are tried again', {
        rows: rows.length,
        error: error instanceof Error ? error.message : String(error),
      })
      for (const share of shares) share.failed()
      for (const actor of actors) {
        actor.storing = false
        if (actor.dirty) continue
        actor.dirty = true
        this.#dirty.push(actor)
      }
      return
    }
    this.#reached = sequence
    this.#parts.onCheckpoint(sequence)
    for (const actor of actors) {
      actor.storing = false
      this.#parts.onClean(actor)
    }
  }
}
