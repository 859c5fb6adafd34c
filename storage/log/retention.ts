/** How long segments of a message log stay, for consumers: by age and by size, and as long as a row needs them. */
import { join } from 'node:path'
import type { LogFiles } from './log-files.ts'
import { listSegments, type Segment } from './segment.ts'

const HOUR_MS = 3_600_000

export interface Retention {
  readonly retentionHours: number
  readonly retentionBytes: number
}

export interface KeptSegment extends Segment {
  readonly bytes: number
  readonly lastSequence: number
  /** When the last record was written, ms since the epoch. */
  readonly writtenAt: number
}

/** How many of the oldest may go: all in the rows, and too old or too much. */
export function countRetired(
  segments: readonly KeptSegment[],
  checkpointed: number,
  now: number,
  { retentionHours, retentionBytes }: Retention,
): number {
  const oldest = now - retentionHours * HOUR_MS
  let bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
  let retired = 0
  for (const segment of segments) {
    if (segment.lastSequence > checkpointed) break
    if (segment.writtenAt >= oldest && bytes <= retentionBytes) break
    bytes -= segment.bytes
    retired += 1
  }
  return retired
}

/**
 * Removes segments of a log that no shard writes any more, the last one too: where its writer would go on stands
 * in the checkpoint. Returns how many. @throws what the file system says
 */
export function retireOrphan(
  files: LogFiles,
  logsDirectory: string,
  { log, checkpointed }: { readonly log: number; readonly checkpointed: number },
  now: number,
  retention: Retention,
): number {
  const segments = listSegments(files, join(logsDirectory, String(log)))
  const kept = segments.map((segment, i): KeptSegment => {
    const { bytes, modifiedAt } = files.stat(segment.path)
    const lastSequence = (segments[i + 1]?.first ?? checkpointed + 1) - 1
    return { ...segment, bytes, lastSequence, writtenAt: modifiedAt }
  })
  const retired = countRetired(kept, checkpointed, now, retention)
  for (const { path } of kept.slice(0, retired)) files.remove(path)
  return retired
}
