/** `tidegate status`: once, or again every second with rates. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import type { StatusReport } from '../../../core/domain/status.ts'
import { action, type Client, clientCommand, show } from '../client.ts'
import { statusText } from '../status-text.ts'
import { processTerminal, type Terminal, UsageError } from '../terminal.ts'
import { readInteger } from '../values.ts'

const WATCH_MS = 1000
const MANY_TIMES = 1_000_000_000 // 30 years

interface StatusOptions {
  readonly watch?: boolean
  readonly times?: string
}

export function addStatusCommand(program: Command, terminal: Terminal = processTerminal): void {
  clientCommand(program, 'status', 'Show what a running server is doing')
    .option('--watch', 'again every second, with rates, until Ctrl-C; --json gives one line each')
    .option('--times <n>', 'with --watch: stop after so many')
    .addHelpText('after', '\nExample:\n  tidegate status --watch --times 60')
    .action(
      action(terminal, async (client, options: StatusOptions) => {
        if (options.watch === true) await watch(client, options.times)
        else if (options.times !== undefined) throw new UsageError('--times goes with --watch.')
        else await once(client)
      }),
    )
}

async function once(client: Client): Promise<void> {
  const report = await client.api.get<StatusReport>('/status')
  if (client.json) show(client, report, {})
  else client.terminal.out(`${statusText(report)}\n`)
}

/** Until the server does not answer any more, which is told as an error. */
async function watch(client: Client, times: string | undefined): Promise<void> {
  const { terminal } = client
  let left = times === undefined ? MANY_TIMES : readInteger('--times', times, 1, MANY_TIMES)
  let before: { readonly at: number; readonly report: StatusReport } | undefined
  for (; left > 0; left--) {
    if (before !== undefined) await wait(WATCH_MS)
    const report = await client.api.get<StatusReport>('/status')
    const at = performance.now()
    const seconds = before === undefined ? 0 : (at - before.at) / 1000
    if (client.json) terminal.out(`${JSON.stringify(report)}\n`)
    else terminal.out(`${statusText(report, { before: before?.report ?? report, seconds })}\n\n`)
    before = { at, report }
  }
}
