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

export interface CheckpointSink {
  /** Resolves once committed. `position` only with the last rows that it needs. */
  checkpoint(
    rows: readonly CheckpointRow[],
    position: CheckpointPosition | undefined,
  ): Promise<void>
}
