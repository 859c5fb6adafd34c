/** `tidegate config print|check|explain`: what is set, whether it holds, and what can be set. */
import type { Command } from 'commander'
import { nearestWord } from '../../core/domain/nearest-word.ts'
import { describeType, environmentName } from '../../core/domain/setting.ts'
import type { ListenerSpec, Settings } from '../../core/domain/settings.ts'
import type { SettingOrigins } from '../../core/domain/settings-schema.ts'
import { suggestKey } from '../../core/domain/settings-schema.ts'
import { SETTING_KEYS, SETTINGS, type SettingKey } from '../../core/domain/settings-table.ts'
import { addSettingOptions, loadSettings, reportFaults } from './config-options.ts'
import { record, table } from './table.ts'
import { type Terminal, UsageError } from './terminal.ts'

export function addConfigCommands(program: Command, terminal: Terminal): void {
  const config = program.command('config').description('Print, check and explain the settings')
  addPrint(config, terminal)
  addCheck(config, terminal)
  addExplain(config, terminal)
}

function addPrint(config: Command, terminal: Terminal): void {
  const print = config
    .command('print')
    .description('Print what is in force, as a file for --config; comments say where it comes from')
    .option('--json', 'print JSON')
  const given = addSettingOptions(print)
  print.action(async ({ json }: { readonly json?: boolean }) => {
    const resolution = await loadSettings(given, terminal.env)
    if (resolution.kind === 'invalid') {
      reportFaults(terminal, resolution.faults)
      return
    }
    const { settings, origins } = resolution
    terminal.out(
      json === true
        ? `${JSON.stringify(asWritten(settings), undefined, 2)}\n`
        : await yamlWithOrigins(settings, origins),
    )
  })
}

function addCheck(config: Command, terminal: Terminal): void {
  const check = config
    .command('check')
    .description('Check file, environment and flags, all of them')
  const given = addSettingOptions(check)
  check.action(async () => {
    const resolution = await loadSettings(given, terminal.env)
    if (resolution.kind === 'invalid') reportFaults(terminal, resolution.faults)
    else terminal.out('The settings are valid.\n')
  })
}

function addExplain(config: Command, terminal: Terminal): void {
  config
    .command('explain [key]')
    .description('Explain a setting, a group such as limits, or all of them')
    .option('--json', 'print JSON')
    .action((key: string | undefined, { json }: { readonly json?: boolean }) => {
      const keys = selectKeys(key)
      const rows = keys.map(explanation)
      if (json === true) terminal.out(`${JSON.stringify(rows, undefined, 2)}\n`)
      else if (keys.length === 1) terminal.out(`${rows.map((row) => record({ ...row })).join()}\n`)
      else {
        const cells = rows.map((row) => [row.setting, row.default, row.values, row.meaning])
        terminal.out(`${table(['SETTING', 'DEFAULT', 'VALUES', 'MEANING'], cells)}\n`)
      }
    })
}

/** @throws UsageError  neither a setting nor a group */
function selectKeys(key: string | undefined): readonly SettingKey[] {
  if (key === undefined) return SETTING_KEYS
  const keys = SETTING_KEYS.filter((known) => known === key || known.startsWith(`${key}.`))
  if (keys.length > 0) return keys
  const groups = SETTING_KEYS.flatMap((known) => (known.includes('.') ? known.split('.', 1) : []))
  const near = nearestWord(key, groups) ?? suggestKey(key)
  const hint = near === undefined ? '' : ` Did you mean ${near}?`
  throw new UsageError(`There is no setting ${JSON.stringify(key)}.${hint}`)
}

interface Explanation {
  readonly setting: SettingKey
  readonly meaning: string
  readonly default: string
  readonly values: string
  readonly flag: string
  readonly environment: string
}

function explanation(key: SettingKey): Explanation {
  const { meaning, initial, type, flag } = SETTINGS[key]
  return {
    setting: key,
    meaning,
    default: typeof initial === 'object' ? initial.map(urlOf).join(' ') : `${initial ?? ''}`,
    values: describeType(type),
    flag: flag ?? `--set ${key}=<value>`,
    environment: environmentName(key),
  }
}

/** Listeners as URLs, what is undefined left out: as a file has it. */
function asWritten(settings: Settings): Record<string, unknown> {
  const listeners = settings.listeners.map(urlOf)
  return JSON.parse(JSON.stringify({ ...settings, listeners })) as Record<string, unknown>
}

async function yamlWithOrigins(settings: Settings, origins: SettingOrigins): Promise<string> {
  const { Document, isNode, isSeq } = await import('yaml')
  const document = new Document(asWritten(settings))
  for (const key of SETTING_KEYS) {
    const node = document.getIn(key.split('.'), true)
    if (!isNode(node)) continue
    const comment = ` ${origins[key].name}`
    if (isSeq(node)) node.commentBefore = comment
    else node.comment = comment
  }
  return document.toString({ lineWidth: 0 })
}

function urlOf(item: string | ListenerSpec): string {
  return typeof item === 'string' ? item : item.url
}
