/** `tidegate serve`: its options, and the way to `serve.ts`, which is loaded only when it is asked for. */
import type { Command } from 'commander'
import { addSettingOptions, loadSettings, reportFaults } from './config-options.ts'
import type { ServeSurroundings } from './serve.ts'

interface ServeFlags {
  readonly demo?: boolean
  readonly readyFile?: string
}

export function addServeCommand(program: Command, around: ServeSurroundings): void {
  const command = program
    .command('serve')
    .description('Run the server until Ctrl-C')
    .option('--demo', 'add the product demo-temp-sensor with device001, to try things')
    .option('--ready-file <path>', 'write one JSON object there when every listener is up')
  const given = addSettingOptions(command)
  command.addHelpText(
    'after',
    '\nAll settings, also those without a flag: tidegate config explain\n' +
      'Flags beat the environment (TIDEGATE_…), which beats the file.',
  )
  command.action(async ({ demo, readyFile }: ServeFlags) => {
    const resolution = await loadSettings(given, around.terminal.env)
    if (resolution.kind === 'invalid') {
      reportFaults(around.terminal, resolution.faults)
      return
    }
    const { serve } = await import('./serve.ts')
    await serve({ settings: resolution.settings, demo: demo === true, readyFile }, around)
  })
}
