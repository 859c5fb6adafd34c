/** The store of rows in memory: what LMDB does, without its thread. It survives a kill. */
import type { DeviceState } from '../../core/domain/device-state.ts'
import type { DeviceNumber } from '../../core/domain/identifiers.ts'
import { compareStamps } from '../../core/domain/token.ts'
import type { CheckpointPosition, CheckpointRow } from '../../core/ports/checkpoint-sink.ts'
import type { RecoveryStore, ValueRow } from '../../storage/recovery/recovery-plan.ts'
import { fromState, type StateValue, toState } from '../../storage/stored-values.ts'
import type { MemoryRegistry } from '../support/memory-registry.ts'

export class SimStore implements RecoveryStore {
  readonly #registry: MemoryRegistry
  readonly #positions = new Map<number, number>()

  constructor(registry: MemoryRegistry) {
    this.#registry = registry
  }

  position(log: number): number {
    return this.#positions.get(log) ?? 0
  }

  state(number: DeviceNumber): DeviceState | undefined {
    return this.#registry.states.get(number)
  }

  row(number: DeviceNumber): StateValue | undefined {
    const state = this.state(number)
    return state === undefined ? undefined : fromState(state)
  }

  putRows(rows: readonly ValueRow[]): Promise<void> {
    const states = rows.map(({ number, value }) => ({ number, state: toState(value) }))
    return this.checkpoint(states, undefined)
  }

  lastNumber(): number {
    return this.#registry.lastNumber
  }

  async checkpoint(
    rows: readonly CheckpointRow[],
    position: CheckpointPosition | undefined,
  ): Promise<void> {
    for (const { number, state } of rows) {
      if (this.#registry.deviceByNumber(number) === undefined) continue
      const stored = this.#registry.states.get(number)
      if (stored === undefined || compareStamps(state, stored) > 0) {
        this.#registry.states.set(number, state)
      }
    }
    if (position !== undefined && position.sequence > this.position(position.log)) {
      this.#positions.set(position.log, position.sequence)
    }
  }
}
