/**
 * The replay at start, in the storage thread, before anything else runs. Where there is much to read a helper
 * thread takes the higher numbers: it reads the same logs, and sends its rows to be stored.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { Conversation } from '../actors/runtime/conversation.ts'
import type { Diagnostics } from '../core/ports/diagnostics.ts'
import type { RetainedSink } from '../core/ports/retained-store.ts'
import { replayedChange, tellingPart } from '../protocol/alink/alink-replay.ts'
import type { CheckpointStore } from '../storage/checkpoint-store.ts'
import type { Environment } from '../storage/environment.ts'
import type { PackedRows } from '../storage/packed-rows.ts'
import { PackingStore } from '../storage/recovery/packing-store.ts'
import {
  finishRecovery,
  type NumberRange,
  type Recovery,
  type RecoveryProgress,
  recoverPart,
} from '../storage/recovery/recovery.ts'
import { planRecovery, type RecoveryPlan } from '../storage/recovery/recovery-plan.ts'
import type { RecoveredSessions } from '../storage/recovery/session-gathering.ts'
import { systemClock } from './system.ts'
import type { StorageReady } from './thread-start.ts'
import { threadFailed } from './worker-thread.ts'

const PROGRESS_MS = 1000 // a replay that takes longer says how far it is
const HELPED_BYTES = 33_554_432 // less than this is read before a helper has started
const OWN_SHARE = 0.47 // of the numbers: this thread also stores the rows of both
const YOUNG_MB = 96 // most of what it makes lives for one batch
const BOUNDS = { limit: 64, timeoutMs: 600_000 }
const MEGABYTE = 1_000_000

export interface ReplayParts {
  readonly environment: Environment
  readonly checkpoints: CheckpointStore
  readonly retained: RetainedSink
  readonly sessions: RecoveredSessions
  readonly storePath: string
  readonly logsPath: string
  readonly diagnostics: Diagnostics
}

/** What a helper is started with. */
export interface HelperStart {
  readonly storePath: string
  readonly plan: RecoveryPlan
  readonly range: NumberRange
}

/** What the storage thread serves to a helper. */
export interface HelperControl {
  restore(rows: PackedRows): Promise<void>
  /** It is done, and has had so many rows stored. */
  finished(rows: number): void
}

export const HELPER_METHODS: readonly (keyof HelperControl)[] = ['restore', 'finished']

/** @throws data.unreadable, data.newer */
export async function replayAtStart(
  parts: ReplayParts,
): Promise<StorageReady['replayed'] & Pick<Recovery, 'logs'>> {
  const { environment, checkpoints, retained, sessions } = parts
  const { storePath, logsPath, diagnostics } = parts
  const startedAt = systemClock.monotonic()
  const plan = planRecovery({ logsDirectory: logsPath }, checkpoints)
  const store = new PackingStore(environment, (rows) => checkpoints.restore(rows))
  const last = store.lastNumber()
  const helped = plan.bytes >= HELPED_BYTES && availableParallelism() > 1
  const own = { first: 1, last: helped ? Math.floor(last * OWN_SHARE) : last }
  const rest = { first: own.last + 1, last }
  const source = { store, tellingPart, changeOf: replayedChange, progress: reporter(diagnostics) }
  const [recovery, helperRows] = await Promise.all([
    recoverPart(plan, own, { ...source, retained, sessions }),
    helped ? help({ storePath, plan, range: rest }, checkpoints) : 0,
  ])
  await finishRecovery(checkpoints, recovery.logs)
  const { entries, logs } = recovery
  const rows = recovery.rows + helperRows
  const tookMs = Math.round(systemClock.monotonic() - startedAt)
  if (entries > 0) diagnostics.info('message log replayed', { entries, rows, tookMs })
  return { entries, rows, tookMs, logs }
}

/** Rows that the helper has had stored. */
function help(start: HelperStart, checkpoints: CheckpointStore): Promise<number> {
  return new Promise((resolve, reject) => {
    const name = 'replay'
    const worker = new Worker(new URL('./replay-helper.js', import.meta.url), {
      name,
      workerData: start,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    })
    const control: HelperControl = {
      restore: (rows) => checkpoints.restore(rows),
      finished: resolve,
    }
    new Conversation(worker, BOUNDS).serve(control, HELPER_METHODS)
    let fault: unknown
    worker.on('error', (error) => {
      fault = error
    })
    worker.once('exit', () => reject(threadFailed(name, fault)))
  })
}

/** At most a line a second, none in the first. */
function reporter(diagnostics: Diagnostics): (progress: RecoveryProgress) => void {
  let saidAt = systemClock.monotonic()
  return ({ entries, bytes, totalBytes, rows }) => {
    const now = systemClock.monotonic()
    if (now - saidAt < PROGRESS_MS) return
    saidAt = now
    diagnostics.info('replaying the message log', {
      entries,
      megabytes: Math.round(bytes / MEGABYTE),
      of: Math.round(totalBytes / MEGABYTE),
      percent: Math.floor((100 * bytes) / Math.max(1, totalBytes)),
      rows,
    })
  }
}
