/**
 * The row of a device: what the platform remembers of it. Pure: the live actor and the replay of the
 * message log change it by the same functions, so both arrive at the same row.
 */
import { isJsonObject, parseJson } from './json.ts'
import { emptyItems, type PropertyValue } from './property-items.ts'
import { NO_TOKEN, type Stamp, type Token } from './token.ts'

/**
 * Properties that a row keeps. A thing model has at most 300; without validation a device may send any, and
 * those beyond the bound are journalled but not kept.
 */
const MAX_ROW_PROPERTIES = 1000

export interface DeviceState extends Stamp {
  readonly token: Token
  readonly version: number
  readonly online: boolean
  /** First successful connect, as every `…At` in ms; `undefined`: never connected. */
  readonly activatedAt: number | undefined
  readonly onlineAt: number | undefined
  readonly offlineAt: number | undefined
  /** Remote address of the last connection, without its port. */
  readonly address: string | undefined
  readonly properties: Readonly<Record<string, PropertyValue>>
}

export const BLANK_STATE: DeviceState = {
  token: NO_TOKEN,
  version: 0,
  online: false,
  activatedAt: undefined,
  onlineAt: undefined,
  offlineAt: undefined,
  address: undefined,
  properties: emptyItems(),
}

/** What an entry of the message log does to the row of its device. */
export type StateChange =
  | {
      readonly kind: 'properties'
      readonly items: Readonly<Record<string, PropertyValue>>
      /** They replace all that the row has (`replacesAll`). */
      readonly whole?: boolean
    }
  | {
      readonly kind: 'status'
      readonly online: boolean
      readonly at: number
      readonly address: string | undefined
    }
  /** The row came from another owner: this is all of it. */
  | { readonly kind: 'adopt'; readonly state: DeviceState }
  | { readonly kind: 'none' }

/** The same as replay reads it: items stay JSON text, identifier to `{value, time}`. */
export type ReplayedChange =
  | Exclude<StateChange, { kind: 'properties' }>
  | { readonly kind: 'items'; readonly text: string }

/** The row after the change, stamped. A property keeps the value with the latest time (alink.md §2.1). */
export function applyChange(state: DeviceState, stamp: Stamp, change: StateChange): DeviceState {
  const { token, version } = stamp
  switch (change.kind) {
    case 'none':
      return { ...state, token, version }
    case 'adopt':
      return { ...change.state, token, version }
    case 'properties': {
      const { items } = change
      const properties = change.whole === true ? items : mergeLatest(state.properties, items)
      return { ...state, token, version, properties }
    }
    case 'status':
      return { ...state, ...presenceAfter(state, change), token, version }
  }
}

/**
 * True where the row's properties are just these items once they are applied: none that it had stays.
 *
 * @param count  how many items there are, at most
 */
export function replacesAll(
  properties: DeviceState['properties'],
  items: DeviceState['properties'],
  count: number,
): boolean {
  if (count > MAX_ROW_PROPERTIES) return false
  for (const identifier in properties) {
    // Where there is no such item, or what is found is a prototype's, there is no time.
    const time: number | undefined = items[identifier]?.time
    if (time === undefined || time < (properties[identifier] as PropertyValue).time) return false
  }
  return true
}

/** Of a row what a change of status touches. */
export type Presence = Pick<
  DeviceState,
  'online' | 'activatedAt' | 'onlineAt' | 'offlineAt' | 'address'
>

export function presenceAfter(
  presence: Presence,
  { online, at, address }: Extract<StateChange, { kind: 'status' }>,
): Presence {
  return {
    online,
    activatedAt: presence.activatedAt ?? (online ? at : undefined),
    onlineAt: online ? at : presence.onlineAt,
    offlineAt: online ? presence.offlineAt : at,
    address: online ? address : presence.address,
  }
}

export function mergeLatest(
  current: Readonly<Record<string, PropertyValue>>,
  items: Readonly<Record<string, PropertyValue>>,
): Readonly<Record<string, PropertyValue>> {
  const merged: Record<string, PropertyValue> = Object.assign(emptyItems(), current)
  let count = Object.keys(merged).length
  for (const [identifier, item] of Object.entries(items)) {
    const known = merged[identifier]
    if (known === undefined && count++ >= MAX_ROW_PROPERTIES) continue
    if (known === undefined || item.time >= known.time) merged[identifier] = item
  }
  return merged
}

/** The row as JSON text: between shards, and in adopt records. */
export function encodeRow(state: DeviceState): string {
  return JSON.stringify(state)
}

/** `undefined`: no row that `encodeRow` has made. */
export function decodeRow(text: string): DeviceState | undefined {
  const row = parseJson(text)
  if (!isJsonObject(row) || !isJsonObject(row['properties']) || !isJsonObject(row['token'])) {
    return undefined
  }
  const { token, version, online, activatedAt, onlineAt, offlineAt, address } =
    row as unknown as DeviceState
  // Without a prototype: an identifier may be any string.
  const properties = emptyItems()
  for (const [identifier, item] of Object.entries(row['properties'])) {
    properties[identifier] = item as unknown as PropertyValue
  }
  return { token, version, online, activatedAt, onlineAt, offlineAt, address, properties }
}
