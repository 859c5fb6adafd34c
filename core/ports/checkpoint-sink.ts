/** Where a shard's dirty rows go: the storage thread, the only writer of the store. */
import type { DeviceState } from '../domain/device-state.ts'
import type { DeviceNumber } from '../domain/identifiers.ts'

export interface CheckpointRow {
  readonly number: DeviceNumber
  readonly state: DeviceState
}

/** All entries of `log` up to and with `sequence` are in the rows stored so far. */
export interface CheckpointPosition {
  readonly log: number
  readonly sequence: number
}

/** What else must be in the store before the position rises. */
export interface CheckpointShare {
  /** Resolves once it is committed. */
  store(): Promise<void>
  /** It was not stored, or not asked to be: to be taken again. */
  failed(): void
}

export interface CheckpointSink {
  /** Resolves once committed. `position` only with the last rows that it needs. */
  checkpoint(
    rows: readonly CheckpointRow[],
    position: CheckpointPosition | undefined,
  ): Promise<void>
}
