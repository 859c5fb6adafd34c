/**
 * Rows as the bytes that the store keeps, many in one piece: so that the threads of a recovery share the work
 * of encoding, and the one writer of the store only puts them in place.
 */
import { asBinary } from 'lmdb'
import { Packr } from 'msgpackr'
import type { Databases } from './environment.ts'
import type { ValueRow } from './recovery/recovery-plan.ts'
import type { StateValue } from './stored-values.ts'

/** A row has the bytes from the end of the one before it to its own. */
export interface PackedRows {
  readonly numbers: Uint32Array
  readonly ends: Uint32Array
  /** 1: online, 0: offline. */
  readonly online: Uint8Array
  readonly bytes: Uint8Array
}

const packr = new Packr({ useRecords: false }) // as the environment is opened: plain maps

export function packRows(rows: readonly ValueRow[]): PackedRows {
  const packed = rows.map(({ value }) => packr.pack(value))
  let end = 0
  return {
    numbers: Uint32Array.from(rows, ({ number }) => number),
    ends: Uint32Array.from(packed, (value) => (end += value.length)),
    online: Uint8Array.from(rows, ({ value }) => (value.online ? 1 : 0)),
    bytes: Buffer.concat(packed),
  }
}

/** Within a transaction. Rows of devices that are no more are left out; the others replace what is stored. */
export function storePacked(
  { deviceRecords, states, online }: Databases,
  { numbers, ends, online: flags, bytes }: PackedRows,
): void {
  let start = 0
  for (const [i, number] of numbers.entries()) {
    const end = ends[i] as number
    if (deviceRecords.doesExist(number)) {
      void states.put(number, asBinary(bytes.subarray(start, end)) as unknown as StateValue)
      const isOnline = flags[i] === 1
      if (isOnline !== online.doesExist(number)) {
        void (isOnline ? online.put(number, true) : online.remove(number))
      }
    }
    start = end
  }
}
