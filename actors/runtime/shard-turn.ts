/**
 * The turn of one shard: bounds what is read, then stores one record and writes every socket once.
 *
 * Order at the end of a turn is the meaning of an acknowledgement (design §5): the record is committed
 * before anything gathered leaves. At `flush` several turns share one sync; what they gathered is held
 * until it is done. A record that could not be stored takes its connections with it.
 */
import type { TurnStatus } from '../../core/domain/status.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { Turn, TurnReader, TurnWriter } from '../../core/ports/turn.ts'
import type { TurnLog } from '../../core/ports/turn-log.ts'
import { TurnLengths } from './turn-lengths.ts'

const SOCKET_BYTES = 65_536 // one read: a fast sender may not fill a turn alone
const TURN_BYTES = 1_048_576
const TURN_MS = 2
const RESUMED_PER_TURN = TURN_BYTES / SOCKET_BYTES // what one turn can read from full sockets

export interface ShardTurnParts {
  readonly clock: Clock
  readonly log: TurnLog
  readonly counters: Counters
  /** Runs the end of the turn once its input is in: `setImmediate` where the clock is real. */
  readonly schedule: (end: () => void) => void
  /** All writers have flushed: output memory may be used again. */
  readonly onFlushed: () => void
}

export class ShardTurn implements Turn {
  serial = 0
  now: number
  monotonic: number
  readonly #lengths = new TurnLengths()
  readonly #parts: ShardTurnParts
  #open = false
  #bytes = 0
  #writers: TurnWriter[] = []
  #unsynced: TurnWriter[] = []
  #syncing = false
  #covered: TurnWriter[] = []
  #synced: boolean | undefined = undefined
  /** Oldest first, each once: one that cannot stop at once runs over the budget again and again. */
  readonly #stopped = new Set<TurnReader>()

  constructor(parts: ShardTurnParts) {
    this.#parts = parts
    this.now = parts.clock.now()
    this.monotonic = parts.clock.monotonic()
  }

  /** True while entries may be appended that are not in the log yet. */
  get open(): boolean {
    return this.#open
  }

  takeLengths(): TurnStatus {
    return this.#lengths.take()
  }

  enter(): void {
    if (this.#open) return
    this.#open = true
    this.serial += 1
    this.#bytes = 0
    this.now = this.#parts.clock.now()
    this.monotonic = this.#parts.clock.monotonic()
    this.#parts.schedule(this.#end)
  }

  spend(reader: TurnReader, bytes: number, own: number): boolean {
    this.enter()
    this.#bytes += bytes
    if (own < SOCKET_BYTES && this.#bytes < TURN_BYTES) {
      if (this.#parts.clock.monotonic() - this.monotonic < TURN_MS) return true
    }
    this.#stopped.add(reader)
    return false
  }

  writeLater(writer: TurnWriter): void {
    this.enter()
    this.#writers.push(writer)
  }

  readonly #end = (): void => {
    this.#open = false
    const startedAt = this.monotonic
    const writers = this.#writers
    this.#writers = []
    switch (this.#parts.log.commit(this.now)) {
      case 'empty':
      case 'stored':
        // Behind a sync that is under way even these wait: a connection's output keeps its order.
        if (this.#syncing) this.#unsynced.push(...writers)
        else for (const writer of writers) writer.flush()
        break
      case 'unsynced':
        this.#unsynced.push(...writers)
        break
      case 'failed':
        this.#parts.counters.add('turn.failed', 'log-append')
        for (const writer of writers) writer.discard()
        break
    }
    if (this.#synced !== undefined) this.#release(this.#synced)
    if (!this.#syncing && this.#unsynced.length > 0) this.#sync()
    // A writer that ended just now may have made others gather: their output waits in that memory.
    if (!this.#syncing && this.#writers.length === 0) this.#parts.onFlushed()
    this.#lengths.add(this.#parts.clock.monotonic() - startedAt)
    this.#resumeStopped()
  }

  /** One sync at a time; it covers every turn that ended before it began. */
  #sync(): void {
    this.#covered = [...new Set(this.#unsynced)] // a socket may have asked in several of them
    this.#unsynced = []
    for (const writer of this.#covered) writer.hold()
    this.#syncing = true
    this.#parts.log.sync((synced) => {
      // Released at the end of a turn, when what was gathered meanwhile is committed too.
      this.#synced = synced
      this.enter()
    })
  }

  #release(synced: boolean): void {
    const covered = this.#covered
    this.#covered = []
    this.#synced = undefined
    this.#syncing = false
    if (!synced) this.#parts.counters.add('turn.failed', 'log-sync')
    for (const writer of covered) {
      if (synced) writer.flush()
      else writer.discard()
    }
  }

  #resumeStopped(): void {
    let left = RESUMED_PER_TURN
    for (const reader of this.#stopped) {
      if (left-- === 0) break
      this.#stopped.delete(reader)
      reader.resumeReading()
    }
    if (this.#stopped.size > 0) this.enter() // the next turn resumes the next ones
  }
}
