/** `tidegate model …` */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { parseJson } from '../../../core/domain/json.ts'
import type { ModelSummary } from '../../../core/services/thing-models.ts'
import { pathTo } from '../api-client.ts'
import { action, clientCommand, show, subcommand } from '../client.ts'
import { processTerminal, type Terminal, UsageError } from '../terminal.ts'

export function addModelCommands(program: Command, terminal: Terminal = processTerminal): void {
  const model = clientCommand(program, 'model', 'Thing models: properties, events and services')
  model.addHelpText(
    'after',
    '\nExamples:\n  tidegate model import k1demoPK01a meter.tsl.json\n  tidegate model export k1demoPK01a > meter.tsl.json',
  )

  subcommand(model, 'import <product> <file>', 'Import a TSL file (- reads standard input)').action(
    action(terminal, async (client, key: string, file: string) => {
      const tsl = parseJson(await readInput(file))
      if (tsl === undefined) throw new UsageError(`${file}: not JSON.`)
      const summary = await client.api.put<ModelSummary>(pathTo('products', key, 'model'), tsl)
      show(client, summary, { ...summary })
    }),
  )

  subcommand(model, 'export <product>', 'Write the thing model to standard output, as TSL').action(
    action(terminal, async (client, key: string) => {
      const tsl = await client.api.get<unknown>(pathTo('products', key, 'model'))
      terminal.out(`${JSON.stringify(tsl, undefined, 2)}\n`)
    }),
  )
}

async function readInput(file: string): Promise<string> {
  if (file === '-') return text(process.stdin)
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
