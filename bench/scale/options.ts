/** The command line of the scale bench. */
import { parseArgs } from 'node:util'

export const SCALE_HELP = `Usage: npm run bench -- scale [options]

What a million filters cost the router, and what a client that subscribes to a million retained messages costs
the others.

Options
  --filters N      subscriptions in the router, 1000 to 10000000 (1000000)
  --retained N     retained messages, 1000 to 10000000 (1000000)
  --only PART      filters or retained (both)
  --probes N       publishers with a subscriber each, whose latency is measured, 1 to 1000 (20)
  --rate N         messages a second of all probes, 1 to 10000 (1000)
  --quiet S        seconds in which the probes are alone, 1 to 600 (5)
  --qos 0|1        of the subscribers that take the retained messages (0)
  --shards N       of the server, 1 to 64 (1)
  --json           the result as JSON
  --help
`

type Part = 'filters' | 'retained'

export interface ScaleOptions {
  readonly parts: readonly Part[]
  readonly filters: number
  readonly retained: number
  readonly probes: number
  readonly rate: number
  readonly quietSec: number
  readonly qos: 0 | 1
  readonly shards: number
}

export type ParsedScale =
  | { readonly kind: 'run'; readonly options: ScaleOptions; readonly json: boolean }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly message: string }

export function parseScale(argv: readonly string[]): ParsedScale {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const options = {
    filters: text,
    retained: text,
    only: text,
    probes: text,
    rate: text,
    quiet: text,
    qos: text,
    shards: text,
    json: flag,
    help: flag,
  }
  try {
    const { values } = parseArgs({ args: [...argv], options })
    if (values.help === true) return { kind: 'help' }
    return {
      kind: 'run',
      json: values.json === true,
      options: {
        parts: partsOf(values.only),
        filters: whole('filters', values.filters, 1_000_000, 1000, 10_000_000),
        retained: whole('retained', values.retained, 1_000_000, 1000, 10_000_000),
        probes: whole('probes', values.probes, 20, 1, 1000),
        rate: whole('rate', values.rate, 1000, 1, 10_000),
        quietSec: whole('quiet', values.quiet, 5, 1, 600),
        qos: whole('qos', values.qos, 0, 0, 1) === 1 ? 1 : 0,
        shards: whole('shards', values.shards, 1, 1, 64),
      },
    }
  } catch (error) {
    return { kind: 'wrong', message: error instanceof Error ? error.message : String(error) }
  }
}

function partsOf(only: string | undefined): readonly Part[] {
  if (only === undefined) return ['filters', 'retained']
  if (only === 'filters' || only === 'retained') return [only]
  throw new Error('--only must be filters or retained')
}

function whole(
  name: string,
  raw: string | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  if (raw === undefined) return fallback
  const value = raw.trim() === '' ? Number.NaN : Number(raw)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new Error(`--${name} must be a whole number from ${min} to ${max}`)
}
