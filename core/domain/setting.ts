/**
 * One setting: its type, default and meaning, and how a value is read from a text (flag, environment) or
 * from parsed YAML or JSON. The settings themselves are in `settings-table.ts`.
 */

import { isJsonObject } from './json.ts'
import { formatListenerUrl, parseListenerUrl } from './listener-url.ts'
import { nearestWord } from './nearest-word.ts'
import type { ListenerSpec } from './settings.ts'
import { unreachable } from './unreachable.ts'

export type SettingType =
  | { readonly kind: 'text' }
  | {
      readonly kind: 'integer'
      readonly min: number
      readonly max: number
      /** Why the range is what it is, where a reader would ask. */
      readonly because?: string
    }
  | { readonly kind: 'switch' }
  | { readonly kind: 'word'; readonly words: readonly string[] }
  | { readonly kind: 'names' }
  | { readonly kind: 'listeners' }

export interface Setting<Value = unknown> {
  readonly type: SettingType
  readonly initial: Value
  /** One sentence or two: what it is, its unit, what happens at the bound. */
  readonly meaning: string
  /** As commander reads it: `--data <dir>`; `undefined`: `--set key=value` only. */
  readonly flag: string | undefined
}

export type Reading =
  | { readonly kind: 'ok'; readonly value: unknown }
  | { readonly kind: 'fault'; readonly message: string; readonly suggestion: string | undefined }

/** Names and addresses that a certificate may carry. */
const CERTIFICATE_NAME = /^[A-Za-z0-9_*:][A-Za-z0-9_.:-]{0,252}$/
const MAX_LIST_ITEMS = 64

/** A program may say more than an operator: bring a hook, hand on listeners that are read already. */
export interface ReadOptions {
  readonly fromProgram: boolean
}

/** A list is separated by commas or blanks. */
export function readSettingText(type: SettingType, text: string, options: ReadOptions): Reading {
  switch (type.kind) {
    case 'text':
    case 'word':
      return readSettingValue(type, text, options)
    case 'integer':
      return readSettingValue(type, /^-?\d+$/.test(text) ? Number(text) : text, options)
    case 'switch':
      return readSettingValue(type, SWITCH_WORDS[text.toLowerCase()] ?? text, options)
    case 'names':
    case 'listeners':
      return readSettingValue(type, text.split(/[\s,]+/).filter(Boolean), options)
    default:
      return unreachable(type)
  }
}

export function readSettingValue(type: SettingType, raw: unknown, options: ReadOptions): Reading {
  switch (type.kind) {
    case 'text':
      return typeof raw === 'string' && raw !== '' && !raw.includes('\0')
        ? ok(raw)
        : fault(`${shown(raw)} is not a text`)
    case 'integer':
      return readInteger(type, raw)
    case 'switch':
      return typeof raw === 'boolean' ? ok(raw) : fault(`${shown(raw)} is neither true nor false`)
    case 'word':
      return typeof raw === 'string' && type.words.includes(raw)
        ? ok(raw)
        : fault(
            `${shown(raw)} is not one of ${type.words.join(', ')}`,
            typeof raw === 'string' ? nearestWord(raw, type.words) : undefined,
          )
    case 'names':
      return readList(raw, (item) =>
        typeof item === 'string' && CERTIFICATE_NAME.test(item)
          ? ok(item)
          : fault(`${shown(item)} is not a host name or address`),
      )
    case 'listeners':
      return readListeners(raw, options)
    default:
      return unreachable(type)
  }
}

/** For help: what may be written. */
export function describeType(type: SettingType): string {
  switch (type.kind) {
    case 'integer':
      return type.min === type.max ? String(type.min) : `${type.min} to ${type.max}`
    case 'word':
      return type.words.join(', ')
    case 'switch':
      return 'true, false'
    case 'names':
      return 'host names and addresses'
    case 'listeners':
      return 'listener URLs'
    case 'text':
      return 'text'
    default:
      return unreachable(type)
  }
}

/** `limits.packetBytes` → `TIDEGATE_LIMITS_PACKET_BYTES`. */
export function environmentName(key: string): string {
  return `TIDEGATE_${key.replace(/[A-Z]/g, '_$&').replaceAll('.', '_').toUpperCase()}`
}

const SWITCH_WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
}

function readInteger(type: SettingType & { kind: 'integer' }, raw: unknown): Reading {
  const { min, max, because } = type
  if (typeof raw !== 'number' || !Number.isSafeInteger(raw)) {
    return fault(`${shown(raw)} is not a whole number`)
  }
  if (raw >= min && raw <= max) return ok(raw)
  const range = min === max ? `must be ${min}` : `must be from ${min} to ${max}`
  return fault(`${raw}: ${range}${because === undefined ? '' : `, since ${because}`}`)
}

function readListeners(raw: unknown, { fromProgram }: ReadOptions): Reading {
  const read = readList(raw, (item) => {
    const given = fromProgram && isListenerSpec(item) ? item : undefined
    const url = given === undefined ? item : formatListenerUrl(given)
    if (typeof url !== 'string') return fault(`${shown(item)} is not a listener URL`)
    const parsed = parseListenerUrl(url, { hookAllowed: fromProgram })
    if (parsed.kind === 'fault') return fault(`${url}: ${parsed.message}`, parsed.suggestion)
    return ok(given ?? parsed.spec)
  })
  if (read.kind === 'fault') return read
  const taken = new Set<string>()
  for (const { url, host, port } of read.value as readonly ListenerSpec[]) {
    const address = `${host.toLowerCase()} ${port}`
    if (port !== 0 && taken.has(address)) return fault(`${url}: another listener has this port`)
    taken.add(address)
  }
  return read
}

/** Whether its fields hold together is then asked of its URL. */
function isListenerSpec(item: unknown): item is ListenerSpec {
  if (!isJsonObject(item)) return false
  const { url, protocol, host, port, profile, auth, optional } = item
  return (
    [url, protocol, host, profile, auth].every((field) => typeof field === 'string') &&
    typeof port === 'number' &&
    typeof optional === 'boolean'
  )
}

function readList(raw: unknown, readItem: (item: unknown) => Reading): Reading {
  const items: readonly unknown[] = Array.isArray(raw) ? raw : [raw]
  if (items.length > MAX_LIST_ITEMS) return fault(`has more than ${MAX_LIST_ITEMS} entries`)
  const values: unknown[] = []
  for (const item of items) {
    const reading = readItem(item)
    if (reading.kind === 'fault') return reading
    values.push(reading.value)
  }
  return ok(values)
}

function shown(raw: unknown): string {
  const text = JSON.stringify(raw) ?? String(raw)
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

function ok(value: unknown): Reading {
  return { kind: 'ok', value }
}

function fault(message: string, suggestion?: string): Reading {
  return { kind: 'fault', message, suggestion }
}
