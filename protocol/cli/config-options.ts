/** The flags of settings, made from their table, and the way from a command line to settings. */
import type { Command } from 'commander'
import {
  formatFault,
  type GivenFlag,
  resolveSettings,
  type SettingFault,
  type SettingsResolution,
} from '../../core/domain/settings-schema.ts'
import { SETTING_KEYS, SETTINGS } from '../../core/domain/settings-table.ts'
import { DEFAULT_CONFIG_FILE, readConfigFile } from './config-file.ts'
import { type Terminal, UsageError } from './terminal.ts'

/** What the command line said of settings, filled while commander reads it. */
export interface GivenSettings {
  readonly flags: readonly GivenFlag[]
  readonly configFile: string | undefined
}

/** Adds every flag of a setting, `--set` and `--config`; the result is complete when the action runs. */
export function addSettingOptions(command: Command): GivenSettings {
  const flags = new Map<string, { key: string; name: string; values: string[] }>()
  const given = { configFile: undefined as string | undefined }
  const add = (key: string, name: string, value: string): void => {
    const flag = flags.get(`${name} ${key}`) ?? { key, name, values: [] }
    flag.values.push(value)
    flags.set(`${name} ${key}`, flag)
  }
  command.option('--config <file>', `YAML or JSON (${DEFAULT_CONFIG_FILE}, where it is there)`)
  command.on('option:config', (file: string) => {
    given.configFile = file
  })
  for (const key of SETTING_KEYS) {
    const { flag, meaning, type } = SETTINGS[key]
    if (flag === undefined) continue
    const isList = type.kind === 'listeners' || type.kind === 'names'
    command.option(flag, isList ? `${meaning} May be given again and again.` : meaning)
    const name = flag.split(' ')[0] as string
    command.on(`option:${name.slice(2)}`, (value: string | null) => add(key, name, value ?? 'true'))
  }
  command.option('--set <key=value>', 'Any setting by its path: --set limits.packetBytes=65536')
  command.on('option:set', (pair: string) => {
    const at = pair.indexOf('=')
    if (at < 1) throw new UsageError(`--set: ${JSON.stringify(pair)} is not key=value.`)
    add(pair.slice(0, at), '--set', pair.slice(at + 1))
  })
  return {
    get flags() {
      return [...flags.values()]
    },
    get configFile() {
      return given.configFile
    },
  }
}

/** Reads the file and resolves. A file that cannot be read is a fault like any other. */
export async function loadSettings(
  given: GivenSettings,
  environment: Terminal['env'],
): Promise<SettingsResolution> {
  const file = await readConfigFile(given.configFile)
  if (file.kind === 'fault') {
    const origin = { kind: 'file', name: file.name } as const
    const fault = { code: 'config.invalid', key: '', origin, suggestion: undefined } as const
    return { kind: 'invalid', faults: [{ ...fault, message: file.message }] }
  }
  return resolveSettings({
    flags: given.flags,
    environment,
    file: file.kind === 'ok' ? file : undefined,
  })
}

/** Tells every fault, one a line. Exit code 2 where a flag is to blame, else 1. */
export function reportFaults(terminal: Terminal, faults: readonly SettingFault[]): void {
  for (const fault of faults) terminal.err(`tidegate: ${formatFault(fault)}\n`)
  terminal.exitCode(faults.some(({ origin }) => origin.kind === 'flag') ? 2 : 1)
}
