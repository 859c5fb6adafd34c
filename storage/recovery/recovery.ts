/**
 * Recovery: brings the rows of devices up to the end of the message logs, at start, and for the log of a
 * shard that died. Safe to repeat, and to be killed within.
 *
 * One pass, the logs in any order: an entry counts where its stamp is newer than its row's. That suffices
 * because what a shard says of a number under a token stands on the row in the store, or on an adopt
 * record before it in the same log, which is the whole row (docs/adr/0008-one-pass-recovery.md). Wall-clock
 * time orders nothing.
 */
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EntryClass } from '../../core/domain/log-entry.ts'
import { ENTRY_CLASS } from '../../core/domain/log-entry.ts'
import type { CheckpointSink } from '../../core/ports/checkpoint-sink.ts'
import type { RetainedSink } from '../../core/ports/retained-store.ts'
import type { LogFiles } from '../log/log-files.ts'
import { LogReader } from '../log/log-reader.ts'
import { EntryView, RECORD_HEADER_BYTES } from '../log/record-codec.ts'
import { type ChainBounds, EntryChains } from './entry-chains.ts'
import {
  planRecovery,
  type RecoveryPlan,
  type RecoverySource,
  type RecoveryStore,
  type RowStore,
} from './recovery-plan.ts'
import { RetainedGathering } from './retained-gathering.ts'
import type { ChangeOf } from './row-fold.ts'
import { RowWriter } from './row-writer.ts'
import { type RecoveredSessions, SessionGathering } from './session-gathering.ts'

const PAUSE_BYTES = 4_194_304 // read at a stretch: then others on the thread have their turn

/** How far it is. */
export interface RecoveryProgress {
  readonly entries: number
  readonly bytes: number
  readonly totalBytes: number
  /** Rows that were written. */
  readonly rows: number
}

export interface RecoveryParts {
  readonly store: RowStore
  /** Where in its payload that begins which tells what an entry does to the row of its device. */
  readonly tellingPart: (kind: EntryClass, bytes: Buffer, start: number, end: number) => number
  /** What it does, by that part. */
  readonly changeOf: ChangeOf
  /** Where retained messages go; absent: another part brings them. */
  readonly retained?: RetainedSink
  /** Where sessions go, and what waits for them; absent: another part brings them. */
  readonly sessions?: RecoveredSessions
  /** Called after every few megabytes and every batch of rows. */
  readonly progress?: (progress: RecoveryProgress) => void
  readonly files?: LogFiles
  /** Of what is read and not yet folded. */
  readonly chainBounds?: ChainBounds
}

export interface RecoveredLog {
  readonly log: number
  /** Where its writer goes on: behind the last entry and behind the checkpoint. */
  readonly nextSequence: number
}

export interface Recovery {
  /** Entries behind the checkpoints. */
  readonly entries: number
  /** Rows that were written. */
  readonly rows: number
  readonly logs: readonly RecoveredLog[]
}

/** @throws data.unreadable, data.newer */
export async function recover(
  options: RecoverySource & RecoveryParts & { readonly store: RecoveryStore },
): Promise<Recovery> {
  const plan = planRecovery(options, options.store)
  const recovery = await recoverPart(plan, { first: 1, last: options.store.lastNumber() }, options)
  await finishRecovery(options.store, recovery.logs)
  return recovery
}

/** The numbers of a part: `first` to `last`. */
export interface NumberRange {
  readonly first: number
  readonly last: number
}

/**
 * Reads all logs and brings the rows of one part of the numbers up to date.
 *
 * @throws data.unreadable, data.newer
 */
export async function recoverPart(
  plan: RecoveryPlan,
  range: NumberRange,
  parts: RecoveryParts,
): Promise<Recovery> {
  const { store, files, tellingPart, changeOf } = parts
  const chains = new EntryChains(range, parts.chainBounds)
  const writer = new RowWriter(store, changeOf)
  const retained = parts.retained && new RetainedGathering(parts.retained)
  const sessions = parts.sessions && new SessionGathering(parts.sessions)
  const entry = new EntryView()
  const logs: RecoveredLog[] = []
  let [entries, bytes, pauseAt] = [0, 0, PAUSE_BYTES]
  const tell = (): void =>
    parts.progress?.({ entries, bytes, totalBytes: plan.bytes, rows: writer.written })
  for (const { log, checkpointed, leastNext } of plan.logs) {
    let nextSequence = leastNext
    const directory = join(plan.logsDirectory, String(log))
    const reader = new LogReader({ directory, log, ...(files && { files }) })
    reader.seek(checkpointed)
    try {
      for (const { bytes: chunk, at, record } of reader.records()) {
        nextSequence = Math.max(nextSequence, record.firstSequence + record.count)
        let position = at + RECORD_HEADER_BYTES
        for (let i = 0; i < record.count; i++) {
          position = entry.moveTo(chunk, position)
          if (record.firstSequence + i <= checkpointed) continue
          entries += 1
          const { number } = entry
          if (entry.class === ENTRY_CLASS.retained) retained?.add(entry)
          else if (entry.class === ENTRY_CLASS.waiting) sessions?.addWaiting(entry)
          else if (entry.class === ENTRY_CLASS.session) sessions?.addChange(entry)
          if (entry.class >= ENTRY_CLASS.retained) continue
          if (number < range.first || number > range.last) continue
          chains.add(entry, tellingPart(entry.class, chunk, entry.payloadAt, entry.end))
        }
        bytes += record.length
        if (retained?.isFull === true) await retained.write()
        if (sessions?.isFull === true) await sessions.write()
        if (chains.isFull) {
          await writer.write(chains, tell)
          chains.clear()
        }
        if (bytes < pauseAt) continue
        pauseAt = bytes + PAUSE_BYTES
        tell()
        await nextTurn()
      }
    } finally {
      reader.close()
    }
    logs.push({ log, nextSequence })
  }
  tell()
  await retained?.write()
  await sessions?.write()
  await writer.write(chains, tell)
  return { entries, rows: writer.written, logs }
}

/** When all rows are in the store: the logs up to here need not be read again. */
export async function finishRecovery(
  store: CheckpointSink,
  logs: readonly RecoveredLog[],
): Promise<void> {
  for (const { log, nextSequence } of logs) {
    await store.checkpoint([], { log, sequence: nextSequence - 1 })
  }
}
