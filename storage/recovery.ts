/**
 * Recovery: brings the rows of devices up to the end of the message logs, at start, in the storage
 * thread, before a shard appends or reads. Safe to repeat, and to be killed within.
 *
 * A device may have moved between logs, so its entries are folded in order of their stamps, not of
 * the files: one token belongs to one log and its versions rise there, so what a tenure did is summed
 * up as it is read, and tenures are applied in token order. Wall-clock time orders nothing.
 *
 * Bound: 20,000 rows in memory; where more devices have spoken, the logs are read again for the next
 * ones. Only a number is remembered of a row that is done.
 */
import { join } from 'node:path'
import {
  applyChange,
  BLANK_STATE,
  type DeviceState,
  type StateChange,
} from '../core/domain/device-state.ts'
import type { DeviceNumber } from '../core/domain/identifiers.ts'
import type { StoredEntry } from '../core/domain/log-entry.ts'
import { compareStamps, type Stamp } from '../core/domain/token.ts'
import type { CheckpointRow, CheckpointSink } from '../core/ports/checkpoint-sink.ts'
import { type LogFiles, SYSTEM_FILES } from './log/log-files.ts'
import { LogReader } from './log/log-reader.ts'
import { listSegments } from './log/segment.ts'

const MAX_ROWS = 20_000
const ROWS_PER_COMMIT = 1000
const LOG_NAME = /^\d{1,5}$/

/** Rows as they are stored, and how far each log is in them. */
export interface RecoveryStore extends CheckpointSink {
  position(log: number): number
  state(number: DeviceNumber): DeviceState | undefined
}

export interface RecoveryOptions {
  readonly store: RecoveryStore
  /** `data/log` */
  readonly logsDirectory: string
  /** What an entry does to the row of its device. */
  readonly stateChangeOf: (entry: StoredEntry) => StateChange
  /** Called after each batch with the entries read so far. */
  readonly progress?: (entries: number) => void
  /** Only these; absent: all there are. */
  readonly logs?: readonly number[]
  readonly maxRows?: number
  readonly files?: LogFiles
}

interface RecoveredLog {
  readonly log: number
  /** Of the last entry; `undefined`: the log holds none. */
  readonly lastMessageId: string | undefined
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
export async function recover(options: RecoveryOptions): Promise<Recovery> {
  const { store, logsDirectory, files = SYSTEM_FILES } = options
  const done = new Set<number>()
  let rows = 0
  for (;;) {
    const fold = new Fold(store, done, options.maxRows ?? MAX_ROWS)
    const wanted = options.logs ?? logNumbers(files, logsDirectory)
    const logs = wanted.map((log) =>
      readLog(join(logsDirectory, String(log)), log, store.position(log), files, (entry) => {
        fold.add(entry, options.stateChangeOf)
        if (fold.entries % 1000 === 0) options.progress?.(fold.entries)
      }),
    )
    rows += await writeRows(store, fold.rows())
    if (fold.isWhole) {
      for (const { log, nextSequence } of logs) {
        await store.checkpoint([], { log, sequence: nextSequence - 1 })
      }
      options.progress?.(fold.entries)
      return { entries: fold.entries, rows, logs }
    }
  }
}

function logNumbers(files: LogFiles, directory: string): readonly number[] {
  const names = files.list(directory).filter((name) => LOG_NAME.test(name))
  return names.map(Number).sort((a, b) => a - b)
}

/** Reads what is behind the checkpoint, and the last segment in any case: it tells the last id. */
function readLog(
  directory: string,
  log: number,
  checkpointed: number,
  files: LogFiles,
  visit: (entry: StoredEntry) => void,
): RecoveredLog {
  let lastMessageId: string | undefined
  let nextSequence = checkpointed + 1
  const last = listSegments(files, directory).at(-1)
  if (last !== undefined) syncSegment(files, last.path)
  const lastSegment = last?.first ?? 1
  const reader = new LogReader({ directory, log, files })
  reader.seek(Math.min(checkpointed, lastSegment - 1))
  try {
    for (const entry of reader.entries()) {
      lastMessageId = entry.messageId
      if (entry.sequence <= checkpointed) continue
      nextSequence = entry.sequence + 1
      visit(entry)
    }
  } finally {
    reader.close()
  }
  return { log, lastMessageId, nextSequence: Math.max(nextSequence, lastSegment) }
}

/**
 * What is about to become rows that survive a loss of power shall survive it itself: a row that outlived its entries
 * would leave the log's last word on it wrong.
 */
function syncSegment(files: LogFiles, path: string): void {
  const fd = files.open(path)
  try {
    files.sync(fd)
  } finally {
    files.close(fd)
  }
}

async function writeRows(store: RecoveryStore, rows: Iterable<CheckpointRow>): Promise<number> {
  let written = 0
  let batch: CheckpointRow[] = []
  for (const row of rows) {
    if (batch.push(row) < ROWS_PER_COMMIT) continue
    await store.checkpoint(batch, undefined)
    written += batch.length
    batch = []
  }
  if (batch.length > 0) await store.checkpoint(batch, undefined)
  return written + batch.length
}

/** What one pass over the logs gathers. */
class Fold {
  entries = 0
  /** False where more devices have spoken than fit: another pass is needed. */
  isWhole = true
  readonly #store: RecoveryStore
  readonly #done: Set<number>
  readonly #maxRows: number
  readonly #rows = new Map<DeviceNumber, RowFold>()

  constructor(store: RecoveryStore, done: Set<number>, maxRows: number) {
    this.#store = store
    this.#done = done
    this.#maxRows = maxRows
  }

  add(entry: StoredEntry, stateChangeOf: (entry: StoredEntry) => StateChange): void {
    this.entries += 1
    const { number } = entry
    if (number === 0 || this.#done.has(number)) return
    let row = this.#rows.get(number)
    if (row === undefined) {
      if (this.#rows.size >= this.#maxRows) {
        this.isWhole = false
        return
      }
      row = new RowFold(this.#store.state(number) ?? BLANK_STATE)
      this.#rows.set(number, row)
    }
    row.add(entry, stateChangeOf(entry))
  }

  *rows(): Generator<CheckpointRow, void, void> {
    for (const [number, row] of this.#rows) {
      this.#done.add(number)
      const state = row.result()
      if (state !== undefined) yield { number, state }
    }
  }
}

type Status = Extract<StateChange, { kind: 'status' }>

/** What the owner of one token did to a row: its properties merged, and the changes of status that tell. */
interface Tenure {
  stamp: Stamp
  /** The row as its owner got it: what came before is in it. */
  adopted: DeviceState | undefined
  merged: DeviceState
  statuses: Status[]
}

/** The entries of one row that are newer than its stored state. */
class RowFold {
  readonly #stored: DeviceState
  readonly #tenures: Tenure[] = []

  constructor(stored: DeviceState) {
    this.#stored = stored
  }

  add(entry: StoredEntry, change: StateChange): void {
    const { token, version } = entry
    if (compareStamps(entry, this.#stored) <= 0) return
    let tenure = this.#tenures.find(({ stamp }) => sameToken(stamp, entry))
    if (tenure === undefined) {
      tenure = {
        stamp: { token, version },
        adopted: undefined,
        merged: BLANK_STATE,
        statuses: [],
      }
      this.#tenures.push(tenure)
    } else if (compareStamps(entry, tenure.stamp) <= 0) return
    tenure.stamp = { token, version }
    if (change.kind === 'adopt') {
      tenure.adopted = change.state
      tenure.merged = BLANK_STATE
      tenure.statuses = []
    } else if (change.kind === 'properties') {
      tenure.merged = applyChange(tenure.merged, tenure.stamp, change)
    } else if (change.kind === 'status') {
      tenure.statuses.push(change)
      if (tenure.statuses.length > 3) tenure.statuses = tellingStatuses(tenure.statuses)
    }
  }

  /** The row as it is now; `undefined` where nothing was newer. */
  result(): DeviceState | undefined {
    if (this.#tenures.length === 0) return undefined
    let state = this.#stored
    for (const { stamp, adopted, merged, statuses } of this.#tenures.sort((a, b) =>
      compareStamps(a.stamp, b.stamp),
    )) {
      if (adopted !== undefined) state = adopted
      const properties = { kind: 'properties', items: merged.properties } as const
      state = applyChange(state, stamp, properties)
      for (const status of statuses) state = applyChange(state, stamp, status)
    }
    return state
  }
}

function sameToken(a: Stamp, b: Stamp): boolean {
  return a.token.incarnation === b.token.incarnation && a.token.epoch === b.token.epoch
}

/** The first and the last time online and the last offline, in their order: the others leave no trace. */
function tellingStatuses(statuses: readonly Status[]): Status[] {
  const telling = new Set([
    statuses.find(({ online }) => online),
    statuses.findLast(({ online }) => online),
    statuses.findLast(({ online }) => !online),
  ])
  return statuses.filter((status) => telling.has(status))
}
