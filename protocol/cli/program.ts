/** The program `tidegate`: every command, and how it ends. Exit codes: 0 done, 1 failed, 2 wrong usage. */
import { Command } from 'commander'
import { addClientCommands } from './client-commands.ts'
import { addConfigCommands } from './config-command.ts'
import type { ServeSurroundings } from './serve.ts'
import { addServeCommand } from './serve-command.ts'
import { UsageError } from './terminal.ts'
import { isUsageRefusal, reportUsage } from './usage.ts'

function createProgram(around: ServeSurroundings): Command {
  const { terminal, version } = around
  const program = new Command('tidegate')
    .description('Self-hosted IoT platform core: MQTT and Alink thing models')
    .version(version)
    .showSuggestionAfterError()
  reportUsage(program, terminal)
  addServeCommand(program, around)
  addConfigCommands(program, terminal)
  addClientCommands(program, terminal)
  return program
}

/** @param args  as they stand behind the program's name */
export async function runProgram(
  args: readonly string[],
  around: ServeSurroundings,
): Promise<void> {
  const { terminal } = around
  try {
    await createProgram(around).parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (isUsageRefusal(error)) return
    const usage = error instanceof UsageError
    const text = error instanceof Error ? (usage ? error.message : error.stack) : String(error)
    terminal.err(`tidegate: ${text}\n`)
    terminal.exitCode(usage ? 2 : 1)
  }
}
