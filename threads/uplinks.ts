/**
 * What devices say, as an async iterator over the message logs: it reads the files behind the shards, so
 * a slow reader costs disk, never memory or a device's time. It ends when the platform closes.
 */
import { UplinkCursor } from '../core/domain/uplink-cursor.ts'
import {
  passes,
  type UplinkFilter,
  type UplinkMessage,
  uplinkMessageOf,
} from '../core/domain/uplink-message.ts'
import type { Diagnostics } from '../core/ports/diagnostics.ts'
import { HighWater } from '../storage/log/high-water.ts'
import { LogFollower } from '../storage/log/log-follower.ts'

export interface UplinkOptions extends UplinkFilter {
  /** `now` (default), `oldest` that is still kept, or the cursor of the message seen last. */
  readonly from?: string
  readonly signal?: AbortSignal
}

/** A message log, as its readers find it. */
export interface LogPlace {
  readonly log: number
  readonly directory: string
  /** `undefined` for a log that no shard writes any more: it is read to its end. */
  readonly highWater: SharedArrayBuffer | undefined
  /** Of the last entry when the platform started. */
  readonly lastSequence: number
}

export interface UplinkSource {
  readonly logs: readonly LogPlace[]
  /** Aborted when the platform closes. */
  readonly closing: AbortSignal
  readonly diagnostics: Diagnostics
}

/**
 * The place is taken at the call, not at the first `next`: nothing said in between is missed. Each message
 * comes once. Messages of one shard come in the order in which they were stored, and those of one device in
 * the order in which it said them, also where it has moved between shards: always while the reader keeps up;
 * in a backlog that is larger than what is in view (log-follower.ts) as far as `storedAt` tells it. An idle
 * shard is never waited for. Between devices of different shards there is no order.
 *
 * A cursor holds for any later number of shards: a log that it does not name is read from its start, for it
 * is younger than the cursor.
 *
 * @throws request.invalid for a malformed cursor
 */
export function followUplinks(
  source: UplinkSource,
  options: UplinkOptions,
): AsyncGenerator<UplinkMessage, void, undefined> {
  const cursor = startOf(source, options.from ?? 'now')
  const signals = [source.closing, ...(options.signal === undefined ? [] : [options.signal])]
  const logs = source.logs.map(({ log, directory, highWater }) => {
    return { log, directory, highWater, after: cursor.sequence(log) }
  })
  const follower = new LogFollower({ logs, signal: AbortSignal.any(signals) })
  return read(follower, cursor, source, options)
}

async function* read(
  follower: LogFollower,
  cursor: UplinkCursor,
  source: UplinkSource,
  filter: UplinkFilter,
): AsyncGenerator<UplinkMessage, void, undefined> {
  try {
    for await (const { entries, skipped } of follower) {
      if (skipped > 0) {
        source.diagnostics.warn('a reader of the message log came too late for some of it', {
          skipped,
        })
      }
      for (const entry of entries) {
        cursor.advance(entry.log, entry.sequence)
        if (!passes(entry, filter)) continue
        const message = uplinkMessageOf(entry, cursor.toString())
        if (message !== undefined) yield message
      }
    }
  } finally {
    await follower.return()
  }
}

/** @throws request.invalid */
function startOf({ logs }: UplinkSource, from: string): UplinkCursor {
  if (from !== 'now' && from !== 'oldest') return UplinkCursor.parse(from)
  const cursor = new UplinkCursor()
  if (from === 'now') for (const place of logs) cursor.advance(place.log, newest(place))
  return cursor
}

/** What its writer has said since the start is behind what was there then. */
function newest({ highWater, lastSequence }: LogPlace): number {
  const written = highWater === undefined ? 0 : new HighWater(highWater).read().sequence
  return Math.max(written, lastSequence, 0)
}
