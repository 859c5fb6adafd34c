/** `tidegate properties …` */
import type { Command } from 'commander'
import type { CurrentProperty } from '../../../core/services/properties.ts'
import { pathTo } from '../api-client.ts'
import { action, clientCommand, list, subcommand } from '../client.ts'
import { addCommandOptions, type CommandOptions, sendCommand } from '../device-command.ts'
import { when } from '../table.ts'
import { processTerminal, type Terminal } from '../terminal.ts'
import { readValues } from '../values.ts'

export function addPropertiesCommands(
  program: Command,
  terminal: Terminal = processTerminal,
): void {
  const properties = clientCommand(
    program,
    'properties',
    'What a device reported, and asking it to change',
  )
  properties.addHelpText(
    'after',
    '\nExamples:\n  tidegate properties get k1demoPK01a meter-0042\n  tidegate properties set k1demoPK01a meter-0042 target=21 mode=eco --wait 5',
  )

  subcommand(
    properties,
    'get <product> <device>',
    'Show the latest value of every property',
  ).action(
    action(terminal, async (client, key: string, name: string) => {
      const path = pathTo('products', key, 'devices', name, 'properties')
      const { items } = await client.api.get<{ items: readonly CurrentProperty[] }>(path)
      await list(client, items, ['PROPERTY', 'VALUE', 'UNIT', 'TIME', 'NAME'], (p) => [
        p.identifier,
        p.value,
        p.unit,
        when(p.time),
        p.name,
      ])
    }),
  )

  const set = subcommand(properties, 'set <product> <device> [values...]', 'Set name=value …')
  addCommandOptions(set).action(
    action(
      terminal,
      (client, key: string, name: string, pairs: string[], options: CommandOptions) => {
        const path = pathTo('products', key, 'devices', name, 'properties')
        return sendCommand(client, path, { values: readValues(pairs, options.jsonValues) }, options)
      },
    ),
  )
}
