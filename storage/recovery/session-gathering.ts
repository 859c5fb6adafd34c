/**
 * What a replay has read of sessions and of the messages that wait for them, on its way to the store. The changes of
 * each session are kept in the order of their stamps, and folded into its row when there is enough.
 *
 * Bound: `MAX_BYTES`; whoever fills it asks `isFull` and writes.
 */
import { decodeChange, encodeCursor, encodeHead } from '../../core/domain/session-codec.ts'
import {
  applyChange,
  changesHead,
  type SessionChange,
  type SessionRow,
} from '../../core/domain/session-row.ts'
import { compareStamps, type Stamp } from '../../core/domain/token.ts'
import type {
  SessionReader,
  SessionSink,
  SessionUpdate,
  WaitingBatch,
} from '../../core/ports/session-store.ts'
import type { EntryView } from '../log/record-codec.ts'

const MAX_BYTES = 8_388_608
const ENTRY_BYTES = 200 // what a change takes in memory, or more

interface StampedChange extends Stamp {
  readonly change: SessionChange
}

/** Where sessions of a replay go. */
export interface RecoveredSessions {
  readonly sink: SessionSink
  readonly reader: Pick<SessionReader, 'session' | 'refresh'>
}

export class SessionGathering {
  readonly #to: RecoveredSessions
  #waiting: WaitingBatch[] = []
  #changes = new Map<number, StampedChange[]>()
  #bytes = 0

  constructor(to: RecoveredSessions) {
    this.#to = to
  }

  get isFull(): boolean {
    return this.#bytes >= MAX_BYTES
  }

  /** Copies: the entry is valid during the call only. */
  addWaiting(entry: EntryView): void {
    const payload = Uint8Array.from(entry.bytes.subarray(entry.payloadAt, entry.end))
    this.#waiting.push({ targets: entry.targets, payload })
    this.#bytes += payload.length + ENTRY_BYTES
  }

  addChange(entry: EntryView): void {
    const payload = Uint8Array.from(entry.bytes.subarray(entry.payloadAt, entry.end))
    const { number, incarnation, epoch, version } = entry
    const change = { token: { incarnation, epoch }, version, change: decodeChange(payload) }
    const known = this.#changes.get(number)
    if (known === undefined) this.#changes.set(number, [change])
    else known.push(change)
    this.#bytes += payload.length + ENTRY_BYTES
  }

  /** Resolves once the store has them. */
  async write(): Promise<void> {
    const waiting = this.#waiting
    const changes = this.#changes
    if (this.#bytes === 0) return
    this.#waiting = []
    this.#changes = new Map()
    this.#bytes = 0
    if (waiting.length > 0) await this.#to.sink.storeWaiting(waiting)
    this.#to.reader.refresh()
    const updates: SessionUpdate[] = []
    for (const [number, entries] of changes) {
      const update = foldSession(number, this.#to.reader.session(number), entries)
      if (update !== undefined) updates.push(update)
    }
    await this.#to.sink.storeSessions(updates)
    this.#to.reader.refresh()
  }
}

/** `undefined` where none of the changes is newer than the row. */
function foldSession(
  number: number,
  stored: SessionRow | undefined,
  entries: readonly StampedChange[],
): SessionUpdate | undefined {
  let row = stored
  let [changed, headChanged] = [false, false]
  for (const { change, token, version } of [...entries].sort(compareStamps)) {
    const stamp = { token, version }
    if (row !== undefined && compareStamps(stamp, row.cursor.stamp) <= 0) continue
    if (change.kind === 'whole') {
      row = change.row
    } else if (row === undefined) {
      continue // of a session whose row is gone: it has ended
    } else {
      applyChange(row, change)
    }
    row.cursor.stamp = stamp
    changed = true
    headChanged ||= changesHead(change)
  }
  if (row === undefined || !changed) return undefined
  const head = headChanged ? encodeHead(row.head) : undefined
  return { number, head, cursor: encodeCursor(row.cursor) }
}
