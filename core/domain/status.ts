/**
 * What an operator asks of the whole process: the answer of `GET /api/v1/status`, of `GET /api/v1/metrics`
 * and of `tidegate status`. Values only; the roof gathers them from its threads. Totals rise from the start
 * of a shard's thread: readers make rates of them (status-rates.ts), so that they do not disturb each other.
 */
import type { Durability } from './settings.ts'

/** Upper bounds of the lengths by which turns are counted, ms; what is longer is counted behind the last. */
export const TURN_BOUNDS_MS: readonly number[] = [
  0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000,
]

export interface TurnStatus {
  /** Since the shard was last asked, ms. */
  readonly longestMs: number
  /** 99th percentile since the shard was last asked, ms: the bound below which they were. */
  readonly p99Ms: number
  readonly count: number
  readonly totalMs: number
  /** How many were within each of `TURN_BOUNDS_MS` and above the one before; the last: above all. */
  readonly byLength: readonly number[]
}

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

/** Custody of devices: given to other shards, come from them, and connects that did not get it. */
interface HandOverStatus {
  readonly given: number
  readonly adopted: number
  readonly declined: number
  readonly timedOut: number
  readonly superseded: number
  /** Connects that wait for it now. */
  readonly waiting: number
}

/** One shard thread as it tells of itself, since its start. */
export interface ShardStatus {
  readonly shard: number
  /** Its heap is nearly full, or it has failed: it lets nobody in. */
  readonly shedding: boolean
  /** Open sockets, devices and back ends together. */
  readonly connections: number
  readonly devicesOnline: number
  readonly messagesIn: number
  readonly messagesOut: number
  /** 99th percentile of the event loop's delay since the shard was last asked, ms. */
  readonly lagMs: number
  readonly turn: TurnStatus
  readonly heap: { readonly usedBytes: number; readonly limitBytes: number }
  readonly handOvers: HandOverStatus
  /** What it says to each other shard. */
  readonly mesh: readonly MeshStatus[]
  /** Rows that a crash left online, and that are still to be looked at. */
  readonly settling: number
  /** Its message log: the newest entry (0 before the first), and what this thread has written. */
  readonly log: { readonly sequence: number; readonly writes: number; readonly bytes: number }
  /** What was refused, by `name.reason`. */
  readonly refusals: Readonly<Record<string, number>>
  /** Every other counter, by name. */
  readonly counters: Readonly<Record<string, number>>
}

/** A shard that has answered. */
export interface AnsweringShard extends ShardStatus {
  readonly state: 'serving' | 'shedding'
  /** Threads that had its number before this one. */
  readonly restarts: number
}

/** A shard that has not: its event loop stands still, or another thread is taking its number. */
interface SilentShard {
  readonly shard: number
  readonly state: 'stalled' | 'starting'
  readonly restarts: number
  /** As it said last. */
  readonly devicesOnline: number
}

export type ShardReport = AnsweringShard | SilentShard

export interface StatusReport {
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly uptimeSec: number
  readonly durability: Durability
  readonly shards: readonly ShardReport[]
  readonly devices: { readonly registered: number; readonly online: number }
  /** What was brought into the store from the logs at the start. */
  readonly recovery: { readonly entries: number; readonly rows: number; readonly tookMs: number }
  /** Of the whole process. */
  readonly memory: { readonly rssBytes: number }
  readonly cpu: { readonly userSec: number; readonly systemSec: number }
}

/** What came of asking one shard. */
export type ShardAnswer =
  | { readonly kind: 'answered'; readonly status: ShardStatus }
  | {
      readonly kind: 'silent'
      readonly state: SilentShard['state']
      /** What it said last; absent where it never did. */
      readonly before: ShardStatus | undefined
    }

interface StatusParts extends Omit<StatusReport, 'uptimeSec' | 'shards' | 'devices'> {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** By number, from 0. */
  readonly answers: readonly ShardAnswer[]
  /** By number. */
  readonly restarts: readonly number[]
  readonly registered: number
}

/** Pure: one report of what each shard has said, or has not. */
export function assembleStatus(parts: StatusParts): StatusReport {
  const { now, answers, restarts, registered, ...rest } = parts
  const shards = answers.map((answer, shard) => shardReport(shard, restarts[shard] ?? 0, answer))
  const online = shards.reduce((sum, { devicesOnline }) => sum + devicesOnline, 0)
  const uptimeSec = Math.round((now - rest.startedAt) / 1000)
  return { ...rest, uptimeSec, shards, devices: { registered, online } }
}

function shardReport(shard: number, restarts: number, answer: ShardAnswer): ShardReport {
  if (answer.kind === 'silent') {
    const { state, before } = answer
    return { shard, state, restarts, devicesOnline: before?.devicesOnline ?? 0 }
  }
  const { status } = answer
  return { ...status, shard, state: status.shedding ? 'shedding' : 'serving', restarts }
}

export function isAnswering(shard: ShardReport): shard is AnsweringShard {
  return shard.state === 'serving' || shard.state === 'shedding'
}

/** The shards that have answered. */
export function answeringShards({ shards }: StatusReport): readonly AnsweringShard[] {
  return shards.filter(isAnswering)
}
