/** All commands that talk to a running server, in the order in which help shows them. */
import type { Command } from 'commander'
import { addCallCommand } from './commands/call.ts'
import { addDeviceCommands } from './commands/device.ts'
import { addKeyCommands } from './commands/key.ts'
import { addModelCommands } from './commands/model.ts'
import { addProductCommands } from './commands/product.ts'
import { addPropertiesCommands } from './commands/properties.ts'
import { addPublishCommand } from './commands/publish.ts'
import { addSimulateCommand } from './commands/simulate.ts'
import { addStatusCommand } from './commands/status.ts'
import { processTerminal, type Terminal } from './terminal.ts'

export function addClientCommands(program: Command, terminal: Terminal = processTerminal): void {
  for (const add of [
    addProductCommands,
    addModelCommands,
    addDeviceCommands,
    addPropertiesCommands,
    addCallCommand,
    addPublishCommand,
    addKeyCommands,
    addStatusCommand,
    addSimulateCommand,
  ]) {
    add(program, terminal)
  }
}
