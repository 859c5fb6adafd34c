/**
 * Commander's own refusals (unknown option, missing argument) as exit code 2; help and version as
 * 0.
 */
import type { Command, CommanderError } from 'commander'
import type { Terminal } from './terminal.ts'

/**
 * Before commands are added: they inherit it. The refusal is thrown on, so that nothing runs;
 * `isUsageRefusal` tells whoever parses that it has been told to the person already.
 */
export function reportUsage(program: Command, terminal: Terminal): void {
  program.exitOverride((error) => {
    terminal.exitCode(error.exitCode === 0 ? 0 : 2)
    throw error
  })
  program.configureOutput({
    writeOut: (text) => terminal.out(text),
    writeErr: (text) => terminal.err(text),
  })
}

export function isUsageRefusal(error: unknown): error is CommanderError {
  return error instanceof Error && 'exitCode' in error && 'code' in error
    ? String(error.code).startsWith('commander.')
    : false
}
