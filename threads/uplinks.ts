/**
 * What devices say, as an async iterator over the message log: it reads the files behind the shard, so
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
import { HighWater } from '../storage/log/high-water.ts'
import { LogFollower } from '../storage/log/log-follower.ts'

export interface UplinkOptions extends UplinkFilter {
  /** `now` (default), `oldest` that is still kept, or the cursor of the message seen last. */
  readonly from?: string
  readonly signal?: AbortSignal
}

export interface UplinkSource {
  readonly directory: string
  readonly log: number
  readonly highWater: SharedArrayBuffer
  /** Aborted when the platform closes. */
  readonly closing: AbortSignal
  readonly diagnostics: Diagnostics
}

/**
 * The place is taken at the call, not at the first `next`: nothing said in between is missed.
 *
 * @throws request.invalid for a malformed cursor
 */
export function followUplinks(
  source: UplinkSource,
  options: UplinkOptions,
): AsyncGenerator<UplinkMessage, void, undefined> {
  const after = startOf(source, options.from ?? 'now')
  const signals = [source.closing, ...(options.signal === undefined ? [] : [options.signal])]
  const { directory, log, highWater } = source
  const signal = AbortSignal.any(signals)
  const follower = new LogFollower({ directory, log, highWater, after, signal })
  return read(follower, source, options)
}

async function* read(
  follower: LogFollower,
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
        if (!passes(entry, filter)) continue
        const message = uplinkMessageOf(entry)
        if (message !== undefined) yield message
      }
    }
  } finally {
    await follower.return()
  }
}

function startOf(source: UplinkSource, from: string): number {
  if (from === 'oldest') return 0
  if (from === 'now') return Math.max(0, new HighWater(source.highWater).read().sequence)
  const [log, sequence] = from.split(':').map(Number)
  if (log === source.log && Number.isSafeInteger(sequence)) return sequence as number
  throw new PlatformError(
    'request.invalid',
    `${JSON.stringify(from)} is no cursor of this platform`,
  )
}
