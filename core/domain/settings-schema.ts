/**
 * From what was written (flags, environment, file, or a program's own record) to `Settings`: flags beat the
 * environment, which beats the file, which beats the defaults. Pure; every fault is told, not only the first.
 */
import { PlatformError } from './errors.ts'
import { isJsonObject } from './json.ts'
import { isAnonymousBeyondLoopback } from './listener-url.ts'
import { nearestWord } from './nearest-word.ts'
import {
  environmentName,
  type Reading,
  type ReadOptions,
  readSettingText,
  readSettingValue,
} from './setting.ts'
import type { Limits, ListenerSpec, LogSettings, Settings, TlsSettings } from './settings.ts'
import { isSettingKey, SETTING_KEYS, SETTINGS, type SettingKey } from './settings-table.ts'

/** Where a value comes from; `name` as its writer knows it: `--shards`, `TIDEGATE_SHARDS`, a file. */
interface SettingOrigin {
  readonly kind: 'default' | 'file' | 'environment' | 'flag' | 'program'
  readonly name: string
}

export interface SettingFault {
  readonly code: 'config.invalid' | 'listener.anonymous'
  /** Path of the setting, or what was written instead of one. */
  readonly key: string
  readonly origin: SettingOrigin
  readonly message: string
  /** What was probably meant. */
  readonly suggestion: string | undefined
}

export type SettingOrigins = Readonly<Record<SettingKey, SettingOrigin>>

export type SettingsResolution =
  | { readonly kind: 'ok'; readonly settings: Settings; readonly origins: SettingOrigins }
  | { readonly kind: 'invalid'; readonly faults: readonly [SettingFault, ...SettingFault[]] }

/** One flag as it was given. A flag of a list may be given again and again. */
export interface GivenFlag {
  readonly key: string
  /** `--listen`, `--set`. */
  readonly name: string
  readonly values: readonly string[]
}

export interface SettingSources {
  readonly flags?: readonly GivenFlag[]
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Parsed YAML or JSON; `undefined` where there is no file. */
  readonly file?: { readonly name: string; readonly content: unknown } | undefined
}

/** What an embedding program may say: any part; listeners as URLs or read already, `auth=hook` included. */
export interface PartialSettings
  extends Partial<Omit<Settings, 'listeners' | 'limits' | 'tls' | 'log'>> {
  readonly listeners?: readonly (string | ListenerSpec)[]
  readonly limits?: Partial<Limits>
  readonly tls?: Partial<TlsSettings>
  readonly log?: Partial<LogSettings>
}

/** Names of the environment that begin like settings and are none. */
const OTHER_ENVIRONMENT: ReadonlySet<string> = new Set([
  'TIDEGATE_KEY', // of the client commands
  'TIDEGATE_SECRET_KEY', // never a setting: settings are printed
  'TIDEGATE_URL', // of the client commands
])
/** What container platforms inject for a service that is called tidegate. */
const INJECTED_ENVIRONMENT = /^TIDEGATE_(?:SERVICE_(?:HOST|PORT)|PORT(?:_\d+_|$)|NAME$|ENV_)/

export function resolveSettings(sources: SettingSources): SettingsResolution {
  const draft = new Draft({ fromProgram: false })
  if (sources.file !== undefined) draft.addRecord('file', sources.file.name, sources.file.content)
  draft.addEnvironment(sources.environment ?? {})
  for (const flag of sources.flags ?? []) draft.addFlag(flag)
  return draft.resolve()
}

/**
 * The settings of an embedding program: defaults where it says nothing; it reads no environment.
 *
 * @throws config.invalid (details.errors: path and message of every fault), listener.anonymous
 */
export function deriveSettings(partial: PartialSettings): Settings {
  const draft = new Draft({ fromProgram: true })
  draft.addRecord('program', 'settings', partial)
  const resolution = draft.resolve()
  if (resolution.kind === 'ok') return resolution.settings
  const [first] = resolution.faults
  throw new PlatformError(first.code, resolution.faults.map(formatFault).join('\n'), {
    details: { errors: resolution.faults.map(({ key, message }) => ({ path: key, message })) },
  })
}

/** One line: where it was written, what is wrong, and what was probably meant. */
export function formatFault(fault: SettingFault): string {
  const { key, origin, message, suggestion } = fault
  const direct =
    (origin.kind === 'flag' && origin.name !== '--set') || origin.kind === 'environment'
  const parts = direct ? [origin.name] : origin.kind === 'default' ? [key] : [origin.name, key]
  const place = parts.filter(Boolean).join(': ')
  return `${place}: ${message}${suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`}`
}

class Draft {
  readonly #readOptions: ReadOptions
  readonly #values = new Map<SettingKey, unknown>()
  readonly #origins: Record<SettingKey, SettingOrigin>
  readonly #faults: SettingFault[] = []

  constructor(readOptions: ReadOptions) {
    this.#readOptions = readOptions
    this.#origins = {} as Record<SettingKey, SettingOrigin>
    for (const key of SETTING_KEYS) {
      this.#values.set(key, SETTINGS[key].initial)
      this.#origins[key] = { kind: 'default', name: 'default' }
    }
  }

  /** Nested, as in a file; `undefined` is as good as absent, an empty section too. */
  addRecord(kind: 'file' | 'program', name: string, content: unknown): void {
    const origin = { kind, name }
    if (content === undefined || content === null) return
    if (isJsonObject(content)) this.#addSection(content, '', origin)
    else this.#fault('', origin, 'holds no settings: names and values are expected')
  }

  addEnvironment(environment: Readonly<Record<string, string | undefined>>): void {
    const known = new Map<string, SettingKey>(
      SETTING_KEYS.map((key) => [environmentName(key), key]),
    )
    for (const [name, text] of Object.entries(environment)) {
      if (text === undefined || !name.startsWith('TIDEGATE_')) continue
      if (OTHER_ENVIRONMENT.has(name) || INJECTED_ENVIRONMENT.test(name)) continue
      const origin: SettingOrigin = { kind: 'environment', name }
      const key = known.get(name)
      if (key === undefined) {
        this.#fault(name, origin, 'unknown setting', nearestWord(name, known.keys()))
      } else {
        this.#set(key, origin, readSettingText(SETTINGS[key].type, text, this.#readOptions))
      }
    }
  }

  addFlag({ key, name, values }: GivenFlag): void {
    const origin: SettingOrigin = { kind: 'flag', name }
    if (!isSettingKey(key)) {
      this.#fault(key, origin, 'unknown setting', suggestKey(key))
      return
    }
    const { type } = SETTINGS[key]
    const isList = type.kind === 'names' || type.kind === 'listeners'
    const text = isList ? values.join(' ') : (values.at(-1) ?? '')
    this.#set(key, origin, readSettingText(type, text, this.#readOptions))
  }

  resolve(): SettingsResolution {
    if (this.#faults.length === 0) this.#checkTogether()
    const [first, ...others] = this.#faults
    if (first !== undefined) return { kind: 'invalid', faults: [first, ...others] }
    const settings: Record<string, unknown> = {}
    for (const [key, value] of this.#values) assign(settings, key.split('.'), value)
    return { kind: 'ok', settings: settings as unknown as Settings, origins: this.#origins }
  }

  #addSection(section: object, prefix: string, origin: SettingOrigin): void {
    for (const [name, value] of Object.entries(section) as [string, unknown][]) {
      if (value === undefined) continue
      const key = `${prefix}${name}`
      const isSection = SETTING_KEYS.some((known) => known.startsWith(`${key}.`))
      if (isSettingKey(key)) {
        const reading = readSettingValue(SETTINGS[key].type, value, this.#readOptions)
        this.#set(key, origin, reading)
      } else if (!isSection) {
        this.#fault(key, origin, 'unknown setting', suggestKey(key))
      } else if (isJsonObject(value)) {
        this.#addSection(value, `${key}.`, origin)
      } else if (value !== null) {
        this.#fault(key, origin, 'is a group of settings, not a setting')
      }
    }
  }

  #set(key: SettingKey, origin: SettingOrigin, reading: Reading): void {
    if (reading.kind === 'fault') {
      this.#fault(key, origin, reading.message, reading.suggestion)
      return
    }
    const emptyList = Array.isArray(reading.value) && reading.value.length === 0
    if (key === 'listeners' && emptyList) {
      this.#fault(key, origin, 'names no listener; leave it out for the default ones')
      return
    }
    this.#values.set(key, reading.value)
    this.#origins[key] = origin
  }

  /** What only holds between settings. */
  #checkTogether(): void {
    const value = <Key extends SettingKey>(key: Key): (typeof SETTINGS)[Key]['initial'] =>
      this.#values.get(key) as (typeof SETTINGS)[Key]['initial']
    for (const [one, other] of [
      ['tls.certFile', 'tls.keyFile'],
      ['tls.keyFile', 'tls.certFile'],
    ] as const) {
      if (value(one) === undefined || value(other) !== undefined) continue
      this.#fault(one, this.#origins[one], `needs ${other} beside it`)
    }
    if (value('limits.packetBytes') > value('limits.queueBytes')) {
      const key = 'limits.packetBytes'
      this.#fault(key, this.#origins[key], 'exceeds limits.queueBytes, so it could never be queued')
    }
    if (value('allowAnonymousRemote')) return
    for (const listener of value('listeners').filter(isAnonymousBeyondLoopback)) {
      this.#faults.push({
        code: 'listener.anonymous',
        key: 'listeners',
        origin: this.#origins.listeners,
        message:
          `${listener.url} would let anyone in who reaches this machine; listen on 127.0.0.1, take ` +
          'auth=password, or say --allow-anonymous-remote (allowAnonymousRemote)',
        suggestion: undefined,
      })
    }
  }

  #fault(key: string, origin: SettingOrigin, message: string, suggestion?: string): void {
    this.#faults.push({ code: 'config.invalid', key, origin, message, suggestion })
  }
}

/** By spelling, and by the last name alone: `packetBytes` is `limits.packetBytes`. */
export function suggestKey(key: string): string | undefined {
  const near = nearestWord(key, SETTING_KEYS)
  if (near !== undefined) return near
  const lastName = (path: string): string => path.slice(path.lastIndexOf('.') + 1)
  const last = nearestWord(lastName(key), SETTING_KEYS.map(lastName))
  return SETTING_KEYS.find((known) => lastName(known) === last)
}

function assign(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [head = '', ...rest] = path
  if (rest.length === 0) {
    target[head] = value
    return
  }
  const section = (target[head] ??= {}) as Record<string, unknown>
  assign(section, rest, value)
}
