/**
 * What devices say, as an async iterator over the message logs: it reads the files behind the shards, so
 * a slow reader costs disk, never memory or a device's time. It ends when the platform closes.
 */
import { PlatformError } from '../core/domain/errors.ts'
import {
  passes,
  type UplinkFilter,
  type UplinkMessage,
  uplinkMessageOf,
} from '../core/domain/uplink-message.ts'
import type { Diagnostics } from '../core/ports/diagnostics.ts'
import { HIGH_WATER_BYTES, HighWater } from '../storage/log/high-water.ts'
import { LogFollower } from '../storage/log/log-follower.ts'
import type { LogPlace } from './platform-threads.ts'

export interface UplinkOptions extends UplinkFilter {
  /** `now` (default), `oldest` that is still kept, or the cursor of the message seen last. */
  readonly from?: string
  readonly signal?: AbortSignal
}

export interface UplinkSource {
  readonly logs: readonly LogPlace[]
  /** Aborted when the platform closes. */
  readonly closing: AbortSignal
  readonly diagnostics: Diagnostics
}

/**
 * The place is taken at the call, not at the first `next`: nothing said in between is missed. Each message
 * comes once; those of one shard in the order in which they were stored. Where a device has moved between
 * shards meanwhile, `messageId`s and times tell its order.
 *
 * @throws request.invalid for a malformed cursor
 */
export function followUplinks(
  source: UplinkSource,
  options: UplinkOptions,
): AsyncGenerator<UplinkMessage, void, undefined> {
  const positions = startOf(source, options.from ?? 'now')
  const signals = [source.closing, ...(options.signal === undefined ? [] : [options.signal])]
  const signal = AbortSignal.any(signals)
  const followers = source.logs.map(({ log, directory, highWater }) => {
    const after = positions.get(log) ?? 0
    const mark = highWater ?? new SharedArrayBuffer(HIGH_WATER_BYTES) // nobody writes it any more
    return { log, follower: new LogFollower({ directory, log, highWater: mark, after, signal }) }
  })
  return read(followers, positions, source, options)
}

interface Followed {
  readonly log: number
  readonly follower: LogFollower
}

/** One batch of each log is under way, so memory does not depend on how far a reader is behind. */
async function* read(
  followers: readonly Followed[],
  positions: Map<number, number>,
  source: UplinkSource,
  filter: UplinkFilter,
): AsyncGenerator<UplinkMessage, void, undefined> {
  const next = async ({ log, follower }: Followed) => ({ log, result: await follower.next() })
  const pending = new Map(followers.map((followed) => [followed.log, next(followed)]))
  try {
    while (pending.size > 0) {
      const { log, result } = await Promise.race(pending.values())
      const followed = followers.find((one) => one.log === log) as Followed
      pending.delete(log)
      if (result.done === true) continue
      const { entries, skipped } = result.value
      if (skipped > 0) {
        source.diagnostics.warn('a reader of the message log came too late for some of it', {
          skipped,
        })
      }
      for (const entry of entries) {
        positions.set(log, entry.sequence)
        if (!passes(entry, filter)) continue
        const message = uplinkMessageOf(entry, cursorOf(positions))
        if (message !== undefined) yield message
      }
      pending.set(log, next(followed)) // behind those that wait already: no log starves another
    }
  } finally {
    for (const { follower } of followers) await follower.return()
  }
}

/** A place in every log: `0:123,1:456`. */
function cursorOf(positions: ReadonlyMap<number, number>): string {
  return [...positions].map(([log, sequence]) => `${log}:${sequence}`).join(',')
}

function startOf({ logs }: UplinkSource, from: string): Map<number, number> {
  if (from === 'oldest') return new Map(logs.map(({ log }) => [log, 0]))
  if (from === 'now') {
    return new Map(logs.map(({ log, highWater }) => [log, lastSequence(highWater)]))
  }
  const positions = new Map(logs.map(({ log }) => [log, 0])) // a log that is younger than the cursor
  for (const place of from.split(',')) {
    const [log = Number.NaN, sequence = Number.NaN] = place.split(':').map(Number)
    const named = /^\d{1,5}:\d{1,16}$/.test(place) && Number.isSafeInteger(sequence)
    if (!named) {
      const message = `${JSON.stringify(from)} is no cursor of this platform`
      throw new PlatformError('request.invalid', message)
    }
    positions.set(log, sequence)
  }
  return positions
}

/** Of a log that nobody writes any more: what is in it is from before now. */
function lastSequence(highWater: SharedArrayBuffer | undefined): number {
  if (highWater === undefined) return Number.MAX_SAFE_INTEGER - 1
  return Math.max(0, new HighWater(highWater).read().sequence)
}
