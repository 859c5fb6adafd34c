/**
 * The store as a thread of the recovery at start has it: reads what was committed, and hands rows on packed. Only
 * while nothing else writes rows: what it hands on replaces what is stored.
 */
import type { DeviceNumber } from '../../core/domain/identifiers.ts'
import type { Environment } from '../environment.ts'
import { type PackedRows, packRows } from '../packed-rows.ts'
import { LAST_DEVICE_NUMBER, type StateValue } from '../stored-values.ts'
import type { RowStore, ValueRow } from './recovery-plan.ts'

export class PackingStore implements RowStore {
  readonly #environment: Environment
  readonly #deliver: (rows: PackedRows) => Promise<void>

  constructor(environment: Environment, deliver: (rows: PackedRows) => Promise<void>) {
    this.#environment = environment
    this.#deliver = deliver
  }

  lastNumber(): number {
    return (this.#environment.databases.meta.get(LAST_DEVICE_NUMBER) as number | undefined) ?? 0
  }

  row(number: DeviceNumber): StateValue | undefined {
    return this.#environment.databases.states.get(number)
  }

  async putRows(rows: readonly ValueRow[]): Promise<void> {
    await this.#deliver(packRows(rows))
    this.#environment.refresh() // what is read next may be one of these
  }
}
