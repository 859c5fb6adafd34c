/** How much of what is sent how in a workload; the same for every server of a run. */
export interface Shape {
  readonly publishers: number
  /** Of fan-in, fan-out and shared subscriptions; `pairs` has one for each publisher. */
  readonly subscribers: number
  readonly qos: 0 | 1
  readonly payloadBytes: number
  /** Messages in flight per publisher. */
  readonly window: number
  /** A publisher sends once so many fit into its window; at most the window. */
  readonly chunk: number
  /** Messages a second of all publishers, whatever comes back; 0: a closed loop by the window. */
  readonly rate: number
  readonly warmSec: number
  readonly seconds: number
  /** Telemetry asks for Alink replies. */
  readonly replies: boolean
  /** Of connects and idle connections; the others have publishers. */
  readonly clients: number
  /** Filters of each of these clients. */
  readonly filters: number
}

/** What holds where neither the workload nor the command line says otherwise. */
const DEFAULT_SHAPE: Shape = {
  publishers: 200,
  subscribers: 1,
  qos: 1,
  payloadBytes: 64,
  window: 40,
  chunk: 10,
  rate: 0,
  warmSec: 2,
  seconds: 3,
  replies: true,
  clients: 5000,
  filters: 1,
}

/** @param said  of the workload, then of the command line: the last word counts */
export function shapeFrom(...said: readonly Partial<Shape>[]): Shape {
  const shape = said.reduce<Shape>((sum, one) => ({ ...sum, ...one }), DEFAULT_SHAPE)
  return { ...shape, chunk: Math.min(shape.chunk, shape.window) }
}
