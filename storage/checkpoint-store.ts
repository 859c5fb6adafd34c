/**
 * Rows of devices as they are checkpointed, and how far each message log is in them. In the storage
 * thread only. Safe to repeat: a row that is not newer than the stored one changes nothing, and a
 * position only rises.
 */
import type { DeviceState } from '../core/domain/device-state.ts'
import type { DeviceNumber } from '../core/domain/identifiers.ts'
import { compareStamps } from '../core/domain/token.ts'
import type {
  CheckpointPosition,
  CheckpointRow,
  CheckpointSink,
} from '../core/ports/checkpoint-sink.ts'
import type { Databases, Environment } from './environment.ts'
import { fromState, type StateValue, toState } from './stored-values.ts'

export class CheckpointStore implements CheckpointSink {
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
      for (const row of rows) storeRow(databases, row)
      if (position !== undefined) raisePosition(databases, position)
    })
  }

  /** The last sequence of the log that is in the rows; 0: none. */
  position(log: number): number {
    this.#environment.refresh()
    return storedPosition(this.#environment.databases, log)
  }

  state(number: DeviceNumber): DeviceState | undefined {
    this.#environment.refresh()
    const value = this.#environment.databases.states.get(number)
    return value === undefined ? undefined : toState(value)
  }
}

function storeRow({ deviceRecords, states, online }: Databases, row: CheckpointRow): void {
  const { number, state } = row
  if (!deviceRecords.doesExist(number)) return // deleted meanwhile
  const stored = states.get(number)
  if (stored !== undefined && compareStamps(state, stampOf(stored)) <= 0) return
  void states.put(number, fromState(state))
  if (state.online === (stored?.online ?? false)) return
  if (state.online) void online.put(number, true)
  else void online.remove(number)
}

function stampOf({ incarnation, epoch, version }: StateValue): Parameters<typeof compareStamps>[0] {
  return { token: { incarnation, epoch }, version }
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
