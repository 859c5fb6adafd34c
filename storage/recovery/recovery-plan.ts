/** What recovery is about to read: the logs, and how much of each is not in the rows yet. */
import { join } from 'node:path'
import type { DeviceNumber } from '../../core/domain/identifiers.ts'
import type { CheckpointSink } from '../../core/ports/checkpoint-sink.ts'
import { type LogFiles, SYSTEM_FILES } from '../log/log-files.ts'
import { listSegments } from '../log/segment.ts'
import type { StateValue } from '../stored-values.ts'

const LOG_NAME = /^\d{1,5}$/

export interface ValueRow {
  readonly number: DeviceNumber
  readonly value: StateValue
}

/** Rows as they are stored. */
export interface RowStore {
  /** The greatest device number that was ever given. */
  lastNumber(): number
  row(number: DeviceNumber): StateValue | undefined
  /** Resolves once committed. */
  putRows(rows: readonly ValueRow[]): Promise<void>
}

/** And how far each log is in them. */
export type RecoveryStore = RowStore & CheckpointSink & { position(log: number): number }

export interface RecoverySource {
  /** `data/log` */
  readonly logsDirectory: string
  /** Only these; absent: all there are. */
  readonly logs?: readonly number[]
  readonly files?: LogFiles
}

interface PlannedLog {
  readonly log: number
  /** Up to this sequence it is in the rows. */
  readonly checkpointed: number
  /** Its writer gives no lower sequence: behind the checkpoint, and in its last segment. */
  readonly leastNext: number
}

/** Plain data, for threads. */
export interface RecoveryPlan {
  /** `data/log` */
  readonly logsDirectory: string
  readonly logs: readonly PlannedLog[]
  /** Of the segments that are read. */
  readonly bytes: number
}

/** Makes the ends of the logs last: a row may not outlive the entries that it is made of. */
export function planRecovery(
  source: RecoverySource,
  store: Pick<RecoveryStore, 'position'>,
): RecoveryPlan {
  const { logsDirectory, files = SYSTEM_FILES } = source
  let bytes = 0
  const logs = (source.logs ?? logNumbers(files, logsDirectory)).map((log) => {
    const checkpointed = store.position(log)
    const segments = listSegments(files, join(logsDirectory, String(log)))
    for (const [i, { path }] of segments.entries()) {
      const next = segments[i + 1]
      if (next === undefined) syncSegment(files, path)
      if (next === undefined || next.first > checkpointed + 1) bytes += files.stat(path).bytes
    }
    const lastSegment = segments.at(-1)?.first ?? 1
    return { log, checkpointed, leastNext: Math.max(checkpointed + 1, lastSegment) }
  })
  return { logsDirectory, logs, bytes }
}

/** Of the logs there are, rising. */
export function logNumbers(files: LogFiles, directory: string): readonly number[] {
  const names = files.list(directory).filter((name) => LOG_NAME.test(name))
  return names.map(Number).sort((a, b) => a - b)
}

function syncSegment(files: LogFiles, path: string): void {
  const fd = files.open(path)
  try {
    files.sync(fd)
  } finally {
    files.close(fd)
  }
}
