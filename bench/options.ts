/** What the command line may say. Everything has a default and a bound. */
import { parseArgs } from 'node:util'
import type { ServerName } from './servers/server.ts'

const WORKLOADS = ['ingest', 'pairs', 'telemetry', 'connect', 'crossing'] as const
export type WorkloadName = (typeof WORKLOADS)[number]

const SERVERS: readonly ServerName[] = ['tidegate', 'mosquitto', 'aedes']
const KNOWN: readonly ServerName[] = [...SERVERS, 'tidegate-2', 'tidegate-4']

/** How much of what is sent how; the same for every server of a run. */
export interface Shape {
  readonly publishers: number
  readonly qos: 0 | 1
  readonly payloadBytes: number
  readonly window: number
  readonly chunk: number
  readonly warmSec: number
  readonly seconds: number
  /** Telemetry asks for Alink replies. */
  readonly replies: boolean
  /** Of `connect`; the other workloads have publishers. */
  readonly clients: number
}

export interface BenchOptions extends Omit<Shape, 'qos'> {
  /** `undefined`: the workload's own. */
  readonly qos: 0 | 1 | undefined
  readonly workloads: readonly WorkloadName[]
  readonly servers: readonly ServerName[]
  readonly rounds: number
  readonly json: boolean
  readonly record: boolean
}

export const HELP = `Usage: npm run bench -- WORKLOAD... [options]

Workloads
  ingest      publishers send, nobody is subscribed (QoS 1): what one uplink costs
  pairs       every publisher has one subscriber (QoS 0): what passing a message on costs
  telemetry   signed devices post Alink properties (QoS 1), Tidegate only, against its plain ingest
  connect     clients connect, subscribe to a topic of their own and stay: what one connect costs;
              for Tidegate also signed devices. Behind a first wave that is not measured

  crossing    pairs whose ends are on one shard, and on two: what it costs to cross; of tidegate-2
              and tidegate-4
  restart     how long a start takes with a million devices; has options of its own (restart --help)
  scale       a million filters, a million retained messages; has options of its own (scale --help)

Options
  --pubs N         publishers, 1 to 1000 (200)
  --qos 0|1        (ingest and telemetry 1, pairs and crossing 0)
  --payload B      bytes, 0 to 65536 (64); telemetry has its own
  --window W       messages in flight per publisher, an even number up to 1000 (40)
  --chunk K        a publisher sends once K fit into its window (10)
  --clients N      connect: 1 to 10000 (5000)
  --warm S         seconds before the measured ones (2); connect: between the two waves
  --seconds S      measured seconds of a round, 0.1 to 600 (3); connect: until all are there
  --rounds R       rounds, interleaved over the servers, 1 to 50 (5)
  --only A,B       of tidegate, mosquitto, aedes (all that are installed); also tidegate-2 and
                   tidegate-4: with so many shards
  --no-reply       telemetry: devices ask for no reply (sys.ack 0)
  --json           results as one JSON document a workload
  --record         append the medians to the table in bench/README.md
  --help

Progress goes to stderr, results to stdout. Exit: 0 all rounds valid, 1 some were not, 2 wrong use.
bench/README.md says what each figure means.
`

export type Parsed =
  | { readonly kind: 'run'; readonly options: BenchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly message: string }

export function parseOptions(argv: readonly string[]): Parsed {
  try {
    const { values, positionals } = readArguments(argv)
    if (values.help === true) return { kind: 'help' }
    const window = number('window', values.window, 40, 2, 1000)
    const options: BenchOptions = {
      workloads: words('workload', positionals, WORKLOADS),
      servers: values.only === undefined ? SERVERS : words('server', values.only.split(','), KNOWN),
      publishers: number('pubs', values.pubs, 200, 1, 1000),
      qos: values.qos === undefined ? undefined : number('qos', values.qos, 0, 0, 1) === 0 ? 0 : 1,
      payloadBytes: number('payload', values.payload, 64, 0, 65_536),
      window,
      chunk: number('chunk', values.chunk, Math.min(10, window), 1, window),
      warmSec: decimal('warm', values.warm, 2, 0, 120),
      seconds: decimal('seconds', values.seconds, 3, 0.1, 600),
      rounds: number('rounds', values.rounds, 5, 1, 50),
      replies: values['no-reply'] !== true,
      clients: number('clients', values.clients, 5000, 1, 10_000),
      json: values.json === true,
      record: values.record === true,
    }
    if (window % 2 !== 0) throw new Error('--window must be even')
    if (options.workloads.length === 0) throw new Error('Name a workload.')
    return { kind: 'run', options }
  } catch (error) {
    return { kind: 'wrong', message: error instanceof Error ? error.message : String(error) }
  }
}

type TextOption =
  | 'pubs'
  | 'clients'
  | 'qos'
  | 'payload'
  | 'window'
  | 'chunk'
  | 'warm'
  | 'seconds'
  | 'rounds'
  | 'only'

interface RawArguments {
  readonly positionals: readonly string[]
  readonly values: { readonly [name in TextOption]?: string } & {
    readonly [name in 'no-reply' | 'json' | 'record' | 'help']?: boolean
  }
}

function readArguments(argv: readonly string[]): RawArguments {
  const string = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      pubs: string,
      clients: string,
      qos: string,
      payload: string,
      window: string,
      chunk: string,
      warm: string,
      seconds: string,
      rounds: string,
      only: string,
      'no-reply': flag,
      json: flag,
      record: flag,
      help: flag,
    },
  })
}

function words<T extends string>(what: string, raw: readonly string[], known: readonly T[]): T[] {
  const named = raw.map((word) => {
    const found = known.find((one) => one === word)
    if (found !== undefined) return found
    throw new Error(`There is no ${what} ${JSON.stringify(word)}; there are ${known.join(', ')}.`)
  })
  return [...new Set(named)]
}

function number(
  name: string,
  raw: string | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  const value = decimal(name, raw, fallback, min, max)
  if (!Number.isInteger(value)) throw new Error(`--${name} must be a whole number`)
  return value
}

function decimal(
  name: string,
  raw: string | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  if (raw === undefined) return fallback
  const value = raw.trim() === '' ? Number.NaN : Number(raw)
  if (value >= min && value <= max) return value
  throw new Error(`--${name} must be ${min} to ${max}`)
}
