#!/usr/bin/env node
/** The process `tidegate`: the command line over the library. Exit codes: 0 done, 1 failed, 2 wrong usage. */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runProgram } from './protocol/cli/program.ts'
import { processTerminal } from './protocol/cli/terminal.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const LINGER_MS = 3000 // a handle that somebody forgot must not keep the process

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error // the reader of a pipe may go before us
  })
}

const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { readonly version: string }

await runProgram(process.argv.slice(2), {
  // the platform is loaded when it is opened: help and client commands do without
  openPlatform: async (options) => (await import('./index.ts')).Platform.open(options),
  terminal: processTerminal,
  process: {
    onSignal: (listener) => {
      for (const signal of SIGNALS) process.on(signal, listener)
      return () => {
        for (const signal of SIGNALS) process.off(signal, listener)
      }
    },
    exitNow: (code) => process.exit(code),
  },
  version,
  invocation: invocation(),
})
setTimeout(() => process.exit(), LINGER_MS).unref()

/** As the person called it: by the name of the package's command, or by this file. */
function invocation(): string {
  const file = fileURLToPath(import.meta.url)
  if (process.argv[1] !== file) return 'tidegate'
  const path = relative(process.cwd(), file)
  return `node ${path.startsWith('..') ? file : path}`
}
