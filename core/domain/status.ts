/**
 * What an operator asks of the whole process: the answer of `GET /api/v1/status` and of
 * `tidegate status`. Values only; the roof gathers them from its threads.
 */
import type { Durability } from './settings.ts'

/** Traffic of one shard with another, from the one's side. */
interface MeshStatus {
  readonly peer: number
  readonly framesIn: number
  readonly framesOut: number
  readonly controlIn: number
  readonly controlOut: number
  readonly dataIn: number
  readonly dataOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Of data that may still be sent; at 0 or below the other is behind. */
  readonly creditBytes: number
  readonly waiting: number
}

/** One shard thread, since its start. */
export interface ShardStatus {
  readonly shard: number
  /** `silent`: it stands still or is being replaced, and the figures below are not known. */
  readonly state: 'serving' | 'silent'
  /** How often another thread has taken its number since the start. */
  readonly restarts: number
  /** Open sockets, devices and back ends together. */
  readonly connections: number
  readonly devicesOnline: number
  readonly messagesIn: number
  readonly messagesOut: number
  /** 99th percentile of the event loop's delay, milliseconds. */
  readonly lagMs: number
  /** Of its turns since it was last asked. */
  readonly turn: { readonly longestMs: number; readonly count: number }
  readonly heap: { readonly usedBytes: number; readonly limitBytes: number }
  /** Custody of devices: given to other shards, come from them, and connects that did not get it. */
  readonly handOvers: {
    readonly given: number
    readonly adopted: number
    readonly declined: number
    readonly timedOut: number
    readonly superseded: number
    /** Connects that wait for it now. */
    readonly waiting: number
  }
  /** What it says to each other shard. */
  readonly mesh: readonly MeshStatus[]
  /** Devices that a crash left online, and that are not told offline yet. */
  readonly settling: number
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
