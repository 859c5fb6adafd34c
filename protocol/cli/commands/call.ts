/** `tidegate call …` */
import type { Command } from 'commander'
import { pathTo } from '../api-client.ts'
import { action, clientCommand } from '../client.ts'
import { addCommandOptions, type CommandOptions, sendCommand } from '../device-command.ts'
import { processTerminal, type Terminal } from '../terminal.ts'
import { readValues } from '../values.ts'

export function addCallCommand(program: Command, terminal: Terminal = processTerminal): void {
  const call = clientCommand(program, 'call', 'Call a service of a device')
    .argument('<product>')
    .argument('<device>')
    .argument('<service>')
    .argument('[inputs...]', 'name=value …')
    .addHelpText(
      'after',
      '\nExample:\n  tidegate call k1demoPK01a meter-0042 Reboot Delay=5 --wait 10',
    )
  addCommandOptions(call).action(
    action(
      terminal,
      (
        client,
        key: string,
        name: string,
        service: string,
        pairs: string[],
        options: CommandOptions,
      ) => {
        const path = pathTo('products', key, 'devices', name, 'services', service)
        return sendCommand(client, path, { inputs: readValues(pairs, options.jsonValues) }, options)
      },
    ),
  )
}
