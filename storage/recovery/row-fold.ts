/** What the entries of a device make of its stored row, by the rules of `applyChange`. */
import {
  type DeviceState,
  mergeLatest,
  presenceAfter,
  type ReplayedChange,
} from '../../core/domain/device-state.ts'
import { PlatformError } from '../../core/domain/errors.ts'
import { isJsonObject, parseJson } from '../../core/domain/json.ts'
import { ENTRY_CLASS, type EntryClass } from '../../core/domain/log-entry.ts'
import { compareStamps, type Stamp } from '../../core/domain/token.ts'
import { fromState, type StateValue, stampOf } from '../stored-values.ts'
import type { ChainedEntry } from './entry-chains.ts'

type Properties = DeviceState['properties']

export type ChangeOf = (kind: EntryClass, text: string) => ReplayedChange

/**
 * @param entries  in order of their stamps
 * @returns `undefined` where none is newer than the row
 * @throws data.unreadable
 */
export function foldRow(
  stored: StateValue,
  entries: readonly ChainedEntry[],
  changeOf: ChangeOf,
): StateValue | undefined {
  const before = stampOf(stored)
  let stamp: Stamp = before
  let value = stored
  let merged: Properties | undefined // once they are more than a text that was there
  // An adopt record is the whole row: what came before it is not read.
  const adopted = entries.findLastIndex((entry) => entry.class === ENTRY_CLASS.adopt)
  for (let i = Math.max(0, adopted); i < entries.length; i++) {
    const entry = entries[i] as ChainedEntry
    if (compareStamps(entry, stamp) <= 0) continue
    stamp = entry
    const change = changeOf(entry.class, entry.text())
    if (change.kind === 'status') value = { ...value, ...presenceAfter(value, change) }
    else if (change.kind === 'adopt') value = fromState(change.state)
    else if (change.kind === 'items' && entry.whole) {
      value = { ...value, properties: change.text }
      merged = undefined
    } else if (change.kind === 'items') {
      merged = mergeLatest(merged ?? parsed(value.properties), parsed(change.text))
    }
  }
  if (stamp === before) return undefined
  const { token, version } = stamp
  const { incarnation, epoch } = token
  const properties = merged === undefined ? value.properties : JSON.stringify(merged)
  return { ...value, incarnation, epoch, version, properties }
}

function parsed(text: string): Properties {
  const properties = parseJson(text)
  if (isJsonObject(properties)) return properties as unknown as Properties
  throw new PlatformError('data.unreadable', 'Stored properties are not JSON.')
}
