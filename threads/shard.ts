/**
 * A shard: listeners, connections, device actors and a message log of its own, all on this thread. Reads
 * LMDB, never writes it. Ends by itself once it is drained: nothing here is ever terminated.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Checkpointer } from '../actors/device/checkpointer.ts'
import { LiveDevices } from '../actors/device/live-devices.ts'
import { ModelCache } from '../actors/device/model-cache.ts'
import { Router } from '../actors/router/router.ts'
import { Conversation } from '../actors/runtime/conversation.ts'
import { PostedDiagnostics } from '../actors/runtime/posted-diagnostics.ts'
import { PresenceTable } from '../actors/runtime/presence-table.ts'
import { ShardTurn } from '../actors/runtime/shard-turn.ts'
import { Tally } from '../actors/runtime/tally.ts'
import { TimingWheel } from '../actors/runtime/timing-wheel.ts'
import { LocalDirectory } from '../actors/session/local-directory.ts'
import { Session } from '../actors/session/session.ts'
import { MessageIdSource } from '../core/domain/message-id.ts'
import type { ShardStatus } from '../core/domain/status.ts'
import type { CheckpointSink } from '../core/ports/checkpoint-sink.ts'
import type { MessageLog } from '../core/ports/message-log.ts'
import { AlinkJournal } from '../protocol/alink/alink-journal.ts'
import { OpenConnections } from '../protocol/listeners/connection-gate.ts'
import type { Listener } from '../protocol/listeners/listener.ts'
import { openListener } from '../protocol/listeners/open-listener.ts'
import { OutputSlab } from '../protocol/listeners/output-slab.ts'
import { ReadBuffer } from '../protocol/listeners/socket-transport.ts'
import { ControlPackets } from '../protocol/mqtt/control-packets.ts'
import { IncomingPublish } from '../protocol/mqtt/incoming-publish.ts'
import type { LoginHook } from '../protocol/mqtt/login.ts'
import { Environment } from '../storage/environment.ts'
import { HighWater } from '../storage/log/high-water.ts'
import { LogWriter } from '../storage/log/log-writer.ts'
import { RegistryStore } from '../storage/registry-store.ts'
import { SecretBox } from '../storage/sealed-secret.ts'
import { systemClock, systemRandom } from './system.ts'
import { CHECKPOINT_METHODS, SHARD_METHODS, type ShardStart } from './thread-start.ts'

const TICK_MS = 1000 // of the timing wheel
const CHECKPOINT_MS = 1000 // what a crash makes us replay, per shard
const DRAIN_MS = 5000 // for clients to read our last words
const ACKS_PER_WRITE = 4096 // acknowledgements of one read that are written together
const LAG_RESOLUTION_MS = 10

const start = workerData as ShardStart
const { settings, shard, incarnation } = start
const main = parentPort as MessagePort
const conversation = new Conversation(main, {
  limit: settings.limits.shardRequests,
  timeoutMs: 30_000,
})
const storage = new Conversation(start.storagePort, { limit: 16, timeoutMs: 60_000 })
const diagnostics = new PostedDiagnostics(
  (...line) => conversation.tell('diagnose', ...line),
  systemClock,
  settings.logLevel,
)
const tally = new Tally()
const environment = Environment.open({ path: start.storePath, readOnly: true })
const registry = new RegistryStore(environment, new SecretBox(start.secretKey, systemRandom))

// ---- what a turn stores and writes

const ids = new MessageIdSource(shard, systemClock)
const highWater = new HighWater(start.highWater)
const log = LogWriter.open({
  directory: start.logPath,
  log: shard,
  incarnation,
  durability: settings.durability,
  segmentBytes: settings.log.segmentBytes,
  clock: systemClock,
  ids,
  diagnostics,
  firstSequence: start.nextSequence,
  highWater: start.highWater,
})
const slab = new OutputSlab()
const turn = new ShardTurn({
  clock: systemClock,
  log,
  counters: tally,
  schedule: (end) => setImmediate(end),
  onFlushed: slab.reset,
})
/** Whoever appends is in a turn: otherwise nobody would commit the entry. */
const turnLog: MessageLog = {
  append: (entry) => {
    turn.enter()
    return log.append(entry)
  },
}

// ---- devices

const timers = new TimingWheel(systemClock)
const models = new ModelCache(registry)
const presence = new PresenceTable(start.presence)
const checkpointer = new Checkpointer({
  sink: storage.remote<CheckpointSink>(CHECKPOINT_METHODS),
  log: shard,
  storedSequence: () => highWater.read().sequence,
  onCheckpoint: retireSegments,
  onClean: (actor) => devices.passivate(actor),
  diagnostics,
})
const devices = new LiveDevices({
  shard,
  incarnation,
  presence,
  registry,
  diagnostics,
  journal: new AlinkJournal(turnLog),
  counters: tally,
  timers,
  ids,
  pendingCommands: settings.limits.pendingCommands,
  now: () => {
    turn.enter()
    return turn.now
  },
  modelOf: models.modelOf,
  forgetModel: models.forget,
  onDirty: checkpointer.add,
})
devices.settleAfterCrash()

// ---- connections

const open = new OpenConnections(settings.limits.connections)
const traffic = { received: 0, sent: 0 }
const spaces = { alibaba: new Router(), plain: new Router() }
const directories = { alibaba: new LocalDirectory(), plain: new LocalDirectory() }
const { limits } = settings
const shared = {
  turn,
  timers,
  counters: tally,
  diagnostics,
  random: systemRandom,
  limits,
  traffic,
  packets: new ControlPackets(),
  incoming: new IncomingPublish(),
  acks: new Uint16Array(ACKS_PER_WRITE),
  devices,
  inbox: devices,
  makeSession: (outlet: ConstructorParameters<typeof Session>[0], receiveMaximum: number) =>
    new Session(
      outlet,
      {
        inflight: Math.min(limits.inflight, receiveMaximum),
        queue: { messages: limits.queueMessages, bytes: limits.queueBytes },
      },
      tally,
    ),
}
const loginParts = {
  registry,
  strictSecureMode: settings.strictSecureMode,
  hook: conversation.remote<{ login: LoginHook }>(['login']).login,
}
const doors = {
  transport: { turn, slab, backlogBytes: limits.backlogBytes },
  read: new ReadBuffer(),
  tls: start.tls,
  open,
  login: loginParts,
  diagnostics,
}
const listeners: Listener[] = []

// ---- what runs by the clock

const tick = setInterval(() => timers.tick(), TICK_MS)
const checkpoint = setInterval(checkpointBetweenTurns, CHECKPOINT_MS)
const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
lag.enable()

const control = {
  status(): ShardStatus {
    const counts = Object.entries(tally.snapshot())
    const isRefusal = ([name]: readonly [string, number]): boolean =>
      /refused|rejected|dropped|closed|failed/.test(name)
    const lagMs = Math.max(0, lag.percentile(99) / 1e6 - LAG_RESOLUTION_MS)
    lag.reset()
    return {
      shard,
      connections: open.count,
      devicesOnline: devices.online,
      messagesIn: traffic.received,
      messagesOut: traffic.sent,
      lagMs: Number.isFinite(lagMs) ? Math.round(lagMs * 10) / 10 : 0,
      logSequence: log.nextSequence - 1,
      refusals: Object.fromEntries(counts.filter(isRefusal)),
      counters: Object.fromEntries(counts.filter((entry) => !isRefusal(entry))),
    }
  },

  /** Accepts no more, says goodbye, stores everything, ends. */
  async close(): Promise<void> {
    const closed = listeners.map((listener) => listener.close())
    open.closeAll()
    const deadline = systemClock.monotonic() + DRAIN_MS
    while (open.count > 0 && systemClock.monotonic() < deadline) await pause(10)
    open.destroyAll()
    await Promise.all(closed)
    clearInterval(tick)
    clearInterval(checkpoint)
    lag.disable()
    await pause(0) // the last turn ends
    // Twice: rows change while the first is under way. A store that cannot take them is not waited for:
    // what they are made of is in the log, and is replayed at the next start.
    const stored = checkpointer.run().then(() => checkpointer.run())
    await atMost(DRAIN_MS, stored)
    try {
      await log.close() // may say log.full, which whoever closes the platform shall hear
    } finally {
      await environment.close()
      start.storagePort.close()
      setImmediate(() => main.close())
    }
  },
}
conversation.serve({ ...bound(devices), ...control }, SHARD_METHODS)

for (const spec of start.listeners) {
  const { profile } = spec
  const around = {
    ...shared,
    profile,
    relay: spaces[profile],
    directory: directories[profile],
  }
  listeners.push(await openListener(spec, around, doors))
}
conversation.tell(
  'ready',
  listeners.map(({ port }) => port),
)

/** A row may not be stored before the entries that made it. */
function checkpointBetweenTurns(): void {
  if (turn.open) setImmediate(checkpointBetweenTurns)
  else void checkpointer.run()
}

/** Segments that stay because the file system refused are tried again at the next checkpoint. */
function retireSegments(sequence: number): void {
  try {
    log.retire(sequence, systemClock.now(), settings.log)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    diagnostics.warn('old segments of the message log could not be removed', { error: message })
  }
}

/** The timer ends with the work: a thread lives as long as its timers. */
function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  return Promise.race([work, deadline]).finally(() => clearTimeout(timer))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function bound(
  live: LiveDevices,
): Pick<LiveDevices, 'state' | 'command' | 'custom' | 'evict' | 'productChanged'> {
  return {
    state: live.state.bind(live),
    command: live.command.bind(live),
    custom: live.custom.bind(live),
    evict: live.evict.bind(live),
    productChanged: live.productChanged.bind(live),
  }
}
