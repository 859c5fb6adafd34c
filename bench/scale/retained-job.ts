/** What the harness tells the process of the retained messages (JSON on stdin), and what that and its collectors print. */
import type { Target } from '../generator/job.ts'

export interface RetainedJob extends Target {
  readonly retained: number
  readonly probes: number
  readonly rate: number
  readonly quietSec: number
  readonly qos: 0 | 1
}

export interface CollectorJob {
  readonly host: string
  readonly port: number
  readonly filter: string
  readonly qos: 0 | 1
  /** It ends with so many, or where none comes for long. */
  readonly expected: number
}

/** Moments are milliseconds since the epoch. */
export interface Collected {
  readonly connectedFrom: number
  readonly firstAt: number
  readonly lastAt: number
  readonly retained: number
  /** Why it ended before it had all. */
  readonly lost?: string
}

/** Milliseconds. */
export interface Latency {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** What the probes met while something went on. */
export interface ProbeFigures {
  /** PUBLISH to PUBACK. */
  readonly acknowledged: Latency
  /** PUBLISH to its subscriber. */
  readonly delivered: Latency
  /** How late the probes' own process was at worst: what it adds to its maxima. */
  readonly ownLagMs: number
}

export interface PhaseFigures extends ProbeFigures {
  readonly name: string
  readonly seconds: number
  /** CPU seconds per second. */
  readonly serverCpu: number | undefined
  /** The highest meanwhile. */
  readonly rssMiB: number | undefined
  /** Of it what is not the mapped store. */
  readonly anonymousMiB: number | undefined
}

export interface TakeFigures extends PhaseFigures {
  readonly filter: string
  readonly expected: number
  readonly retained: number
  /** From connecting to the first and the last. */
  readonly firstMs: number
  readonly lastMs: number
}

export interface RetainedFigures {
  readonly fillSec: number
  /** Behind the fill, once the store has it. */
  readonly filledRssMiB: number | undefined
  readonly filledAnonymousMiB: number | undefined
  readonly quiet: PhaseFigures
  readonly takes: readonly TakeFigures[]
  readonly faults: readonly string[]
}
