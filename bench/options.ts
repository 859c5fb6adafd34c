/** What the command line may say. Everything has a default and a bound. */
import { parseArgs } from 'node:util'
import { decimal, whole, words } from './arguments.ts'
import { ALIASES, SCENARIO_IDS, type ScenarioId } from './scenarios.ts'
import type { ServerName } from './servers/server.ts'
import type { Shape } from './shape.ts'

const WORKLOADS = ['ingest', 'pairs', 'telemetry', 'connect', 'crossing'] as const
export type WorkloadName = (typeof WORKLOADS)[number] | ScenarioId
const NAMES: readonly WorkloadName[] = [...WORKLOADS, ...SCENARIO_IDS]

const SERVERS: readonly ServerName[] = ['tidegate', 'mosquitto', 'aedes', 'nats-server', 'flashmq']
const KNOWN: readonly ServerName[] = [...SERVERS, 'tidegate-2', 'tidegate-4']

const ROUNDS = 5
const ROUNDS_OF_ALL = 3

export interface BenchOptions {
  readonly workloads: readonly WorkloadName[]
  readonly servers: readonly ServerName[]
  /** What was said of the shape; the workload says the rest. */
  readonly said: Partial<Shape>
  readonly rounds: number
  readonly json: boolean
  readonly record: boolean
  /** Results go to files in bench/results. */
  readonly save: boolean
  /** Results of an earlier run, to be compared with. */
  readonly compare: string | undefined
}

export type Parsed =
  | { readonly kind: 'run'; readonly options: BenchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly message: string }

export function parseOptions(argv: readonly string[]): Parsed {
  try {
    const { values, positionals } = readArguments(argv)
    if (values.help === true) return { kind: 'help' }
    const all = values.all === true
    const named = words(
      'workload',
      positionals.map((name) => ALIASES[name] ?? name),
      NAMES,
    )
    const options: BenchOptions = {
      workloads: all ? [...new Set([...SCENARIO_IDS, ...named])] : named,
      servers: values.only === undefined ? SERVERS : words('server', values.only.split(','), KNOWN),
      said: shapeSaid(values),
      rounds: whole('rounds', values.rounds, 1, 50) ?? (all ? ROUNDS_OF_ALL : ROUNDS),
      json: values.json === true,
      record: values.record === true,
      save: all || values.save === true,
      compare: values.compare,
    }
    if (options.workloads.length === 0) throw new Error('Name a workload.')
    return { kind: 'run', options }
  } catch (error) {
    return { kind: 'wrong', message: error instanceof Error ? error.message : String(error) }
  }
}

function shapeSaid(values: RawArguments['values']): Partial<Shape> {
  const window = whole('window', values.window, 1, 1000)
  if (window !== undefined && window !== 1 && window % 2 !== 0) {
    throw new Error('--window must be 1 or even')
  }
  const qos = whole('qos', values.qos, 0, 1)
  return given({
    publishers: whole('pubs', values.pubs, 1, 1000),
    subscribers: whole('subs', values.subs, 1, 1000),
    qos: qos === undefined ? undefined : qos === 0 ? 0 : 1,
    payloadBytes: whole('payload', values.payload, 0, 65_536),
    window,
    chunk: whole('chunk', values.chunk, 1, window ?? 1000),
    rate: whole('rate', values.rate, 1, 1_000_000),
    warmSec: decimal('warm', values.warm, 0, 120),
    seconds: decimal('seconds', values.seconds, 0.1, 600),
    replies: values['no-reply'] === true ? false : undefined,
    filters: whole('filters', values.filters, 1, 3),
    clients: whole('clients', values.clients, 1, 10_000),
  })
}

/** Without what was not given, so that it hides nothing it is spread over. */
function given(shape: { readonly [name in keyof Shape]: Shape[name] | undefined }): Partial<Shape> {
  return Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== undefined))
}

const TEXTS = [
  'pubs',
  'subs',
  'clients',
  'filters',
  'qos',
  'payload',
  'window',
  'chunk',
  'rate',
  'warm',
  'seconds',
  'rounds',
  'only',
  'compare',
] as const
const FLAGS = ['all', 'save', 'no-reply', 'json', 'record', 'help'] as const

interface RawArguments {
  readonly positionals: readonly string[]
  readonly values: { readonly [name in (typeof TEXTS)[number]]?: string } & {
    readonly [name in (typeof FLAGS)[number]]?: boolean
  }
}

function readArguments(argv: readonly string[]): RawArguments {
  const texts = TEXTS.map((name) => [name, { type: 'string' }] as const)
  const flags = FLAGS.map((name) => [name, { type: 'boolean' }] as const)
  const options = Object.fromEntries<{ type: 'string' | 'boolean' }>([...texts, ...flags])
  return parseArgs({ args: [...argv], allowPositionals: true, options })
}
