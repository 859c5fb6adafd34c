/** One shard of the simulation: the real turn, log, mesh, custody and actors; sockets and threads are the world's. */
import { Checkpointer } from '../../actors/device/checkpointer.ts'
import type { DeviceActor } from '../../actors/device/device-actor.ts'
import { LiveDevices } from '../../actors/device/live-devices.ts'
import { ModelCache } from '../../actors/device/model-cache.ts'
import type { ControlLane } from '../../actors/runtime/custody.ts'
import { Mesh } from '../../actors/runtime/mesh.ts'
import type { PresenceTable } from '../../actors/runtime/presence-table.ts'
import { ShardTurn } from '../../actors/runtime/shard-turn.ts'
import { Tally } from '../../actors/runtime/tally.ts'
import { TimingWheel } from '../../actors/runtime/timing-wheel.ts'
import type { LogEntry } from '../../core/domain/log-entry.ts'
import { MessageIdSource } from '../../core/domain/message-id.ts'
import type { Durability } from '../../core/domain/settings.ts'
import type { CheckpointSink } from '../../core/ports/checkpoint-sink.ts'
import { AlinkJournal } from '../../protocol/alink/alink-journal.ts'
import { HIGH_WATER_BYTES, HighWater } from '../../storage/log/high-water.ts'
import { LogWriter } from '../../storage/log/log-writer.ts'
import type { MemoryFiles } from '../storage/log/memory-files.ts'
import type { FakeClock } from '../support/fake-clock.ts'
import type { MemoryRegistry } from '../support/memory-registry.ts'
import { RecordedDiagnostics } from '../support/recorded-diagnostics.ts'

export const LOGS = '/data/log'
const DATA = 200 // channel of what only fills the data lane
const WINDOW_BYTES = 2000

export interface SimShardParts {
  readonly number: number
  readonly incarnation: number
  readonly nextSequence: number
  readonly durability: Durability
  readonly clock: FakeClock
  readonly files: MemoryFiles
  readonly presence: PresenceTable
  readonly registry: MemoryRegistry
  readonly store: CheckpointSink
  /** Every entry, as it is appended. */
  readonly onEntry: (entry: LogEntry) => void
  /** What a broken rule puts in the place of the mesh. */
  readonly lane: (mesh: Mesh) => ControlLane
}

export class SimShard {
  readonly number: number
  readonly mesh: Mesh
  readonly turn: ShardTurn
  readonly timers: TimingWheel
  readonly devices: LiveDevices
  readonly checkpointer: Checkpointer
  readonly diagnostics: RecordedDiagnostics = new RecordedDiagnostics()
  stalled = false
  dead = false
  readonly #ends: (() => void)[] = []

  constructor(parts: SimShardParts) {
    const { number, incarnation, clock, files, presence, registry, durability } = parts
    this.number = number
    const counters = new Tally()
    const ids = new MessageIdSource(number, clock)
    const highWater = new SharedArrayBuffer(HIGH_WATER_BYTES)
    const mark = new HighWater(highWater)
    const log = LogWriter.open({
      directory: `${LOGS}/${number}`,
      log: number,
      incarnation,
      durability,
      segmentBytes: 16_384,
      clock,
      ids,
      diagnostics: this.diagnostics,
      firstSequence: parts.nextSequence,
      highWater,
      files,
    })
    const schedule = (end: () => void): void => void this.#ends.push(end)
    this.turn = new ShardTurn({ clock, log, counters, schedule, onFlushed: () => {} })
    this.timers = new TimingWheel(clock)
    this.mesh = new Mesh({ shard: number, turn: this.turn, windowBytes: WINDOW_BYTES })
    this.mesh.onData(DATA, () => {})
    const append = (entry: LogEntry): number => {
      this.turn.enter()
      parts.onEntry(entry)
      return log.append(entry)
    }
    const models = new ModelCache(registry)
    this.checkpointer = new Checkpointer({
      sink: parts.store,
      log: number,
      storedSequence: () => mark.read().sequence,
      lasting: () =>
        durability === 'flush'
          ? new Promise((resolve) => log.sync(resolve))
          : Promise.resolve(true),
      onCheckpoint: () => {},
      onClean: (actor: DeviceActor) => this.devices.passivate(actor),
      diagnostics: this.diagnostics,
    })
    this.devices = new LiveDevices({
      shard: number,
      incarnation,
      presence,
      mesh: parts.lane(this.mesh),
      forward: () => 'sent',
      registry,
      diagnostics: this.diagnostics,
      journal: new AlinkJournal({ append }),
      counters,
      timers: this.timers,
      ids,
      pendingCommands: 2,
      now: () => {
        this.turn.enter()
        return this.turn.now
      },
      modelOf: models.modelOf,
      forgetModel: models.forget,
      onDirty: this.checkpointer.add,
    })
  }

  /** True where a turn is open. */
  get busy(): boolean {
    return this.#ends.length > 0
  }

  endTurn(): void {
    this.#ends.shift()?.()
  }

  /** Something for the data lane, where it has credit. */
  sendData(peer: number, bytes: number): void {
    this.turn.enter()
    this.mesh.reserve(peer, DATA, bytes, false)
  }
}
