/**
 * The table of scenarios: what each sends, and what Tidegate is to cost in it. Names and sizes stay, so that
 * results of different days can be compared. Pure.
 */
import type { Figures } from './round.ts'
import type { Shape } from './shape.ts'

const IDS = [
  'b0',
  'b1',
  'b1k',
  'a0',
  'c',
  'd20',
  'd1',
  'b0w1',
  'g20k',
  'e',
  'e-tls',
  'f',
  'f-tls',
  'p2p-1K-1K-1K-1K',
  'fanout-1-1K-1-20K',
  'sharedsub-1K-5-1K-1K',
] as const
export type ScenarioId = (typeof IDS)[number]
export const SCENARIO_IDS: readonly ScenarioId[] = IDS

/** Who sends to whom; `traffic.ts` has what each means. */
export type TrafficKind =
  | 'pairs'
  | 'ingest'
  | 'fan-in'
  | 'fan-out'
  | 'shared'
  | 'connect'
  | 'connect-tls'
  | 'idle'
  | 'idle-tls'

export interface Goal {
  readonly figure: keyof Figures
  /** Tidegate is to cost at most so much. */
  readonly atMost: number
}

export interface Scenario {
  readonly title: string
  readonly traffic: TrafficKind
  /** Where it differs from the defaults. */
  readonly shape: Partial<Shape>
  readonly goals: readonly Goal[]
}

export const SCENARIOS: Readonly<Record<ScenarioId, Scenario>> = {
  b0: message('pairs, QoS 0', 'pairs', { qos: 0 }, 0.25),
  b1: message('pairs, QoS 1 both legs', 'pairs', { qos: 1 }, 0.45),
  b1k: message('pairs, QoS 1, 1 KiB', 'pairs', { qos: 1, payloadBytes: 1024 }, 0.85),
  a0: message('fan-in, 50 to 1', 'fan-in', { publishers: 50, qos: 0, window: 100 }, 0.25),
  c: message('fan-out, 1 to 1,000', 'fan-out', { publishers: 1, subscribers: 1000, qos: 0 }, 0.45),
  d20: message('ingest, QoS 1', 'ingest', { publishers: 1000, window: 20, chunk: 5 }, 0.8),
  d1: message('ingest, one at a time', 'ingest', { publishers: 1000, window: 1, chunk: 1 }, 10),
  b0w1: message('pairs, one at a time', 'pairs', { qos: 0, window: 1, chunk: 1 }, 5),
  g20k: message('pairs at 20,000 msg/s', 'pairs', { qos: 0, window: 400, rate: 20_000 }, 13),
  e: {
    title: 'connects',
    traffic: 'connect',
    shape: { clients: 10_000, qos: 0 },
    goals: [{ figure: 'cpuUsPerConnect', atMost: 60 }],
  },
  'e-tls': {
    title: 'connects over TLS 1.3, then resumed',
    traffic: 'connect-tls',
    shape: { clients: 10_000, qos: 0 },
    goals: [
      { figure: 'cpuUsPerConnect', atMost: 430 },
      { figure: 'cpuUsPerReconnect', atMost: 310 },
    ],
  },
  f: {
    title: 'idle connections',
    traffic: 'idle',
    shape: { clients: 10_000, filters: 3, qos: 0 },
    goals: [{ figure: 'rssKibPerClient', atMost: 7.5 }],
  },
  'f-tls': {
    title: 'idle connections over TLS 1.3',
    traffic: 'idle-tls',
    shape: { clients: 10_000, filters: 3, qos: 0 },
    goals: [{ figure: 'rssKibPerClient', atMost: 33 }],
  },
  // EMQ's open benchmark suite, basic set (QoS 1, 16 B); fan-out at twenty times its rate, for 1 msg/s says little
  'p2p-1K-1K-1K-1K': emq('1,000 pairs at 1,000 msg/s', 'pairs', { publishers: 1000, rate: 1000 }),
  'fanout-1-1K-1-20K': emq('fan-out to 1,000 at 20 msg/s', 'fan-out', {
    publishers: 1,
    subscribers: 1000,
    rate: 20,
  }),
  'sharedsub-1K-5-1K-1K': emq('1,000 to 5 that share, at 1,000 msg/s', 'shared', {
    publishers: 1000,
    subscribers: 5,
    rate: 1000,
  }),
}

/** Other names: EMQ's, of what is sized for this machine. */
export const ALIASES: Readonly<Record<string, ScenarioId>> = {
  'conn-tcp-10K': 'e',
  'conn-tls-10K': 'e-tls',
  'p2p-200-200': 'b1',
  'fanout-1-1K': 'c',
}

export function isScenario(workload: string): workload is ScenarioId {
  return IDS.some((id) => id === workload)
}

/** `undefined`: the workload is not of the table. */
export function scenarioOf(workload: string): Scenario | undefined {
  return isScenario(workload) ? SCENARIOS[workload] : undefined
}

function message(
  title: string,
  traffic: TrafficKind,
  shape: Partial<Shape>,
  atMost: number,
): Scenario {
  return { title, traffic, shape, goals: [{ figure: 'cpuUsPerMessage', atMost }] }
}

function emq(title: string, traffic: TrafficKind, shape: Partial<Shape>): Scenario {
  return { title, traffic, shape: { qos: 1, payloadBytes: 16, ...shape }, goals: [] }
}
