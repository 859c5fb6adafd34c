/** The command line of the restart bench. */
import { parseArgs } from 'node:util'
import type { RestartOptions } from './restart.ts'

export const RESTART_HELP = `Usage: npm run bench -- restart [options]

How long the server takes until it accepts: behind a crash that left a tail in the message logs, and behind a
clean shutdown.

Options
  --devices N      registered devices, 1 to 10000000 (1000000)
  --log-bytes B    of all message logs together, up to 100000000000 (2000000000)
  --shards N       as many logs, 1 to 64 (4)
  --json           the result as JSON
  --help
`

export type ParsedRestart =
  | { readonly kind: 'run'; readonly options: RestartOptions; readonly json: boolean }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly message: string }

export function parseRestart(argv: readonly string[]): ParsedRestart {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const options = { devices: text, 'log-bytes': text, shards: text, json: flag, help: flag }
  try {
    const { values } = parseArgs({ args: [...argv], options })
    if (values.help === true) return { kind: 'help' }
    return {
      kind: 'run',
      json: values.json === true,
      options: {
        devices: whole('devices', values.devices, 1_000_000, 10_000_000),
        logBytes: whole('log-bytes', values['log-bytes'], 2_000_000_000, 100_000_000_000),
        shards: whole('shards', values.shards, 4, 64),
      },
    }
  } catch (error) {
    return { kind: 'wrong', message: error instanceof Error ? error.message : String(error) }
  }
}

function whole(name: string, raw: string | undefined, fallback: number, max: number): number {
  if (raw === undefined) return fallback
  const value = raw.trim() === '' ? Number.NaN : Number(raw)
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  throw new Error(`--${name} must be a whole number from 1 to ${max}`)
}
