/**
 * Rows of devices as they are checkpointed, and how far each message log is in them. In the storage
 * thread only. Safe to repeat: a row that is not newer than the stored one changes nothing, and a
 * position only rises.
 */
import type { DeviceNumber } from '../core/domain/identifiers.ts'
import { compareStamps } from '../core/domain/token.ts'
import type { CheckpointPosition, CheckpointRow } from '../core/ports/checkpoint-sink.ts'
import type { Databases, Environment } from './environment.ts'
import { type PackedRows, storePacked } from './packed-rows.ts'
import type { RecoveryStore, ValueRow } from './recovery/recovery-plan.ts'
import { fromState, LAST_DEVICE_NUMBER, type StateValue, stampOf } from './stored-values.ts'

export class CheckpointStore implements RecoveryStore {
  readonly #environment: Environment

  constructor(environment: Environment) {
    this.#environment = environment
  }

  checkpoint(
    rows: readonly CheckpointRow[],
    position: CheckpointPosition | undefined,
  ): Promise<void> {
    const { databases } = this.#environment
    return this.#environment.transaction(() => {
      for (const { number, state } of rows) storeRow(databases, number, fromState(state))
      if (position !== undefined) raisePosition(databases, position)
    })
  }

  /** At start only, before shards write: these rows replace what is stored. */
  restore(rows: PackedRows): Promise<void> {
    const { databases } = this.#environment
    return this.#environment.transaction(() => storePacked(databases, rows))
  }

  /** The last sequence of the log that is in the rows; 0: none. */
  position(log: number): number {
    this.#environment.refresh()
    return storedPosition(this.#environment.databases, log)
  }

  lastNumber(): number {
    return (this.#environment.databases.meta.get(LAST_DEVICE_NUMBER) as number | undefined) ?? 0
  }

  row(number: DeviceNumber): StateValue | undefined {
    return this.#environment.databases.states.get(number)
  }

  putRows(rows: readonly ValueRow[]): Promise<void> {
    const { databases } = this.#environment
    return this.#environment.transaction(() => {
      for (const { number, value } of rows) storeRow(databases, number, value)
    })
  }
}

function storeRow(
  { deviceRecords, states, online }: Databases,
  number: DeviceNumber,
  value: StateValue,
): void {
  if (!deviceRecords.doesExist(number)) return // deleted meanwhile
  const stored = states.get(number)
  if (stored !== undefined && compareStamps(stampOf(value), stampOf(stored)) <= 0) return
  void states.put(number, value)
  if (value.online === (stored?.online ?? false)) return
  if (value.online) void online.put(number, true)
  else void online.remove(number)
}

function raisePosition(databases: Databases, { log, sequence }: CheckpointPosition): void {
  if (sequence <= storedPosition(databases, log)) return
  void databases.meta.put(positionName(log), sequence)
}

function storedPosition({ meta }: Databases, log: number): number {
  return (meta.get(positionName(log)) as number | undefined) ?? 0
}

function positionName(log: number): string {
  return `checkpoint:${log}`
}
