/**
 * What happened between two looks at the same platform. Pure. A thread that has taken a shard's number in
 * between counts from 0: all that it tells is of this time.
 */
import {
  type AnsweringShard,
  answeringShards,
  type StatusReport,
  TURN_BOUNDS_MS,
} from './status.ts'

/** Per second. */
export interface ShardRates {
  readonly messagesIn: number
  readonly messagesOut: number
  readonly logBytes: number
}

const NONE: ShardRates = { messagesIn: 0, messagesOut: 0, logBytes: 0 }

/** By shard, of those that answered now; 0 where one did not answer before. @param seconds  in between */
export function shardRates(
  before: StatusReport,
  now: StatusReport,
  seconds: number,
): ReadonlyMap<number, ShardRates> {
  const known = new Map(answeringShards(before).map((shard) => [shard.shard, shard]))
  return new Map(
    answeringShards(now).map((shard) => [
      shard.shard,
      ratesOf(known.get(shard.shard), shard, seconds),
    ]),
  )
}

/** Of all shards together. */
export function totalRates(before: StatusReport, now: StatusReport, seconds: number): ShardRates {
  const total = { ...NONE }
  for (const rates of shardRates(before, now, seconds).values()) {
    total.messagesIn += rates.messagesIn
    total.messagesOut += rates.messagesOut
    total.logBytes += rates.logBytes
  }
  return total
}

function ratesOf(
  before: AnsweringShard | undefined,
  now: AnsweringShard,
  seconds: number,
): ShardRates {
  if (before === undefined || seconds <= 0) return NONE
  const rate = (figure: (shard: AnsweringShard) => number): number =>
    (figure(now) - (before.restarts === now.restarts ? figure(before) : 0)) / seconds
  return {
    messagesIn: rate(({ messagesIn }) => messagesIn),
    messagesOut: rate(({ messagesOut }) => messagesOut),
    logBytes: rate(({ log }) => log.bytes),
  }
}

/**
 * The bound of `TURN_BOUNDS_MS` below which the share of turns was; 0 without turns, `longestMs` where it is
 * behind the last bound.
 */
export function turnQuantile(
  byLength: ArrayLike<number>,
  share: number,
  longestMs: number,
): number {
  let left = 0
  for (let i = 0; i < byLength.length; i++) left += byLength[i] as number
  if (left === 0) return 0
  left *= share
  for (const [i, bound] of TURN_BOUNDS_MS.entries()) {
    left -= byLength[i] ?? 0
    if (left <= 0) return Math.min(bound, longestMs)
  }
  return longestMs
}
