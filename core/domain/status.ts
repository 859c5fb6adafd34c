/**
 * What an operator asks of the whole process: the answer of `GET /api/v1/status` and of
 * `tidegate status`. Values only; the roof gathers them from its threads.
 */
import type { Durability } from './settings.ts'

/** One shard thread, since its start. */
export interface ShardStatus {
  readonly shard: number
  /** Open sockets, devices and back ends together. */
  readonly connections: number
  readonly devicesOnline: number
  readonly messagesIn: number
  readonly messagesOut: number
  /** 99th percentile of the event loop's delay, milliseconds. */
  readonly lagMs: number
  /** Sequence of the newest entry of its message log; 0 before the first. */
  readonly logSequence: number
  /** What was refused, by `name.reason`. */
  readonly refusals: Readonly<Record<string, number>>
  /** Every other counter, by name. */
  readonly counters: Readonly<Record<string, number>>
}

export interface StatusReport {
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly uptimeSec: number
  readonly durability: Durability
  readonly shards: readonly ShardStatus[]
  readonly devices: { readonly registered: number; readonly online: number }
  /** Resident set of the whole process. */
  readonly memory: { readonly rssBytes: number }
}
