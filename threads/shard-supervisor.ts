/**
 * Starts the shards, and starts another thread in the place of one that ended: the order of
 * docs/ownership.md, "When a shard dies". Watches that their event loops turn: the doors of one that stands
 * still are closed from outside, so that the kernel sends it no more connections.
 *
 * Bound: `MAX_DEATHS` within a minute; one more, or one while another is being replaced, is a failure of the
 * platform.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { Remote } from '../actors/runtime/conversation.ts'
import {
  held,
  nextOf,
  ownerOf,
  type PresenceTable,
  phaseOf,
  saysOnline,
  UNOWNED,
} from '../actors/runtime/presence-table.ts'
import type { ShardBoard } from '../actors/runtime/shard-board.ts'
import { PlatformError } from '../core/domain/errors.ts'
import type { Diagnostics } from '../core/ports/diagnostics.ts'
import { stopListening } from '../protocol/listeners/shared-port.ts'
import { sharedNow } from './system.ts'
import {
  type MeshLine,
  SHARD_METHODS,
  type ShardControl,
  type ShardReady,
  type ShardStart,
} from './thread-start.ts'
import type { WorkerThread } from './worker-thread.ts'

const WATCH_MS = 250
const STALLED_MS = 1500 // a shard beats four times a second
const MAX_DEATHS = 5
const MINUTE_MS = 60_000

export interface ShardSupervisorParts {
  readonly count: number
  readonly presence: PresenceTable
  readonly board: ShardBoard
  readonly diagnostics: Diagnostics
  /** Starts the thread; `onEnd` where it ends without having been asked to. */
  readonly startThread: (
    start: Pick<ShardStart, 'shard' | 'nextSequence' | 'meshPorts' | 'successor'>,
    onEnd: (error: PlatformError) => void,
  ) => WorkerThread
  readonly nextSequence: (shard: number) => number
  /** Replays what the dead shard has left. */
  readonly replayLog: (shard: number) => Promise<{ readonly nextSequence: number }>
  readonly onFailure: (error: PlatformError) => void
}

interface Seat {
  thread: WorkerThread
  control: Remote<ShardControl>
  ready: ShardReady
  stalled: boolean
  restarts: number
}

export class ShardSupervisor {
  readonly #parts: ShardSupervisorParts
  readonly #seats: Seat[] = []
  readonly #deaths: number[] = []
  #watch: NodeJS.Timeout | undefined
  #replacing = false
  #closing = false

  constructor(parts: ShardSupervisorParts) {
    this.#parts = parts
  }

  get count(): number {
    return this.#parts.count
  }

  control(shard: number): Remote<ShardControl> {
    return (this.#seats[shard] as Seat).control
  }

  /** What is known of a shard without asking it. */
  seat(shard: number): { readonly stalled: boolean; readonly restarts: number } {
    return this.#seats[shard] as Seat
  }

  get ports(): readonly number[] {
    return this.#seats[0]?.ready.ports ?? []
  }

  /** All of them at once. @throws what one could not start for; the others are closed then */
  async start(): Promise<void> {
    const { count } = this.#parts
    const lines: MeshLine[][] = Array.from({ length: count }, () => [])
    for (let a = 0; a < count; a++) {
      for (let b = a + 1; b < count; b++) {
        const { port1, port2 } = new MessageChannel()
        lines[a]?.push({ peer: b, port: port1 })
        lines[b]?.push({ peer: a, port: port2 })
      }
    }
    const threads = lines.map((meshPorts, shard) =>
      this.#startThread(shard, this.#parts.nextSequence(shard), meshPorts, false),
    )
    const ready = await Promise.allSettled(threads.map((thread) => thread.ready))
    for (const [shard, thread] of threads.entries()) {
      const outcome = ready[shard] as PromiseSettledResult<unknown>
      if (outcome.status === 'fulfilled') this.#sit(shard, thread, outcome.value as ShardReady)
    }
    const refused = ready.find((outcome) => outcome.status === 'rejected')
    if (refused !== undefined) {
      this.#closing = true
      await Promise.all(this.#seats.map((seat) => seat.thread.end(() => seat.control.close())))
      throw refused.reason
    }
    this.#watch = setInterval(this.#look, WATCH_MS)
    this.#watch.unref()
  }

  async close(): Promise<void> {
    this.#closing = true
    clearInterval(this.#watch)
    const ends = this.#seats.map((seat) => seat.thread.end(() => seat.control.close()))
    const outcomes = await Promise.allSettled(ends)
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** The last moments of a process that ends without having closed us: what is native must be let go. */
  abandon(timeoutMs: number): void {
    for (const { thread } of this.#seats) thread.worker.postMessage({ abandon: true })
    for (const shard of this.#seats.keys()) this.#parts.board.waitAbandoned(shard, timeoutMs)
  }

  #startThread(
    shard: number,
    nextSequence: number,
    meshPorts: readonly MeshLine[],
    successor: boolean,
  ): WorkerThread {
    this.#parts.board.beat(shard, sharedNow())
    const start = { shard, nextSequence, meshPorts, successor }
    return this.#parts.startThread(start, (error) => void this.#ended(shard, error))
  }

  #sit(shard: number, thread: WorkerThread, ready: ShardReady): void {
    const control = thread.conversation.remote<ShardControl>(SHARD_METHODS)
    const restarts = (this.#seats[shard]?.restarts ?? -1) + 1
    this.#seats[shard] = { thread, control, ready, stalled: false, restarts }
  }

  // ---- a shard stands still

  readonly #look = (): void => {
    const now = sharedNow()
    for (const [shard, seat] of this.#seats.entries()) {
      const silentMs = this.#parts.board.silentMs(shard, now)
      if (!seat.stalled && silentMs > STALLED_MS) this.#stop(shard, seat, silentMs)
      else if (seat.stalled && silentMs < WATCH_MS * 2) void this.#reopen(shard, seat)
    }
  }

  #stop(shard: number, seat: Seat, silentMs: number): void {
    seat.stalled = true
    const doors = this.count > 1 && stopListening(seat.ready.descriptors) // the others take over
    this.#parts.diagnostics.warn('a shard stands still', { shard, silentMs, doorsClosed: doors })
  }

  async #reopen(shard: number, seat: Seat): Promise<void> {
    seat.stalled = false
    try {
      seat.ready = await seat.control.reopen()
      this.#parts.diagnostics.info('a shard goes on', { shard })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#parts.diagnostics.warn('a shard could not open its doors again', { shard, reason })
    }
  }

  // ---- a shard ended

  async #ended(shard: number, error: PlatformError): Promise<void> {
    if (this.#closing) return
    const { diagnostics, onFailure } = this.#parts
    const now = sharedNow()
    this.#deaths.push(now)
    if (this.#deaths.length > MAX_DEATHS) this.#deaths.shift()
    const often = this.#deaths.length === MAX_DEATHS && now - (this.#deaths[0] ?? 0) < MINUTE_MS
    // What is left of a process in which a heap was full is in doubt: its supervisor starts it anew.
    const lost = error.code === 'thread.out-of-memory'
    if (lost || this.#replacing || often || this.#seats[shard] === undefined) {
      onFailure(error)
      return
    }
    this.#replacing = true
    diagnostics.error('a shard ended and is replaced', { shard, error: error.message })
    try {
      await this.#replace(shard)
      diagnostics.info('the shard is replaced', { shard, tookMs: sharedNow() - now })
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      onFailure(
        new PlatformError('thread.failed', `shard ${shard} could not be replaced: ${message}`),
      )
    } finally {
      this.#replacing = false
    }
  }

  async #replace(shard: number): Promise<void> {
    const { board, presence, replayLog } = this.#parts
    const others = [...this.#seats.entries()].filter(([number]) => number !== shard)
    board.clear(shard)
    const { nextSequence } = await replayLog(shard)
    await Promise.all(others.map(([, { control }]) => control.peerGone(shard)))
    sweep(presence, shard)
    await Promise.all(others.map(([, { control }]) => control.peerRecovered(shard)))
    const meshPorts: MeshLine[] = []
    const theirs: [Seat, MessagePort][] = []
    for (const [peer, seat] of others) {
      const { port1, port2 } = new MessageChannel()
      meshPorts.push({ peer, port: port1 })
      theirs.push([seat, port2])
    }
    const thread = this.#startThread(shard, nextSequence, meshPorts, true)
    for (const [{ thread: other }, port] of theirs) {
      other.worker.postMessage({ meshPort: port, peer: shard }, [port])
    }
    await Promise.all(theirs.map(([{ control }]) => control.peerJoined(shard)))
    this.#sit(shard, thread, (await thread.ready) as ShardReady)
  }
}

/** What a dead shard held, or was being given, is in the store now. */
export function sweep(presence: PresenceTable, dead: number): void {
  for (let number = 1; number <= presence.last; number++) {
    for (;;) {
      const word = presence.word(number)
      const to = swept(word, dead)
      if (to === word) break
      if (presence.swap(number, word, to)) break
    }
  }
}

function swept(word: number, dead: number): number {
  switch (phaseOf(word)) {
    case 'unowned':
      return word
    case 'held':
      return ownerOf(word) === dead ? UNOWNED : word
    case 'asked':
      if (ownerOf(word) === dead) return UNOWNED
      return nextOf(word) === dead ? held(ownerOf(word), saysOnline(word)) : word
    case 'given':
      return ownerOf(word) === dead || nextOf(word) === dead ? UNOWNED : word
  }
}
