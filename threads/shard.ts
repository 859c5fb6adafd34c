/**
 * A shard: listeners, connections, device actors and a message log of its own, all on this thread. Reads
 * LMDB, never writes it. Ends by itself once it is drained: nothing here is ever terminated.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Checkpointer } from '../actors/device/checkpointer.ts'
import { LiveDevices } from '../actors/device/live-devices.ts'
import { ModelCache } from '../actors/device/model-cache.ts'
import { Settlement } from '../actors/device/settlement.ts'
import { forwardDownlink, onForwarded } from '../actors/router/remote-inbox.ts'
import { RemoteRoutes } from '../actors/router/remote-routes.ts'
import { RetainedFigures } from '../actors/router/retained-figures.ts'
import { RetainedMessages } from '../actors/router/retained-messages.ts'
import { Router } from '../actors/router/router.ts'
import { SharedRetained } from '../actors/router/shared-retained.ts'
import { Background } from '../actors/runtime/background.ts'
import { Conversation } from '../actors/runtime/conversation.ts'
import { Mesh } from '../actors/runtime/mesh.ts'
import { PostedDiagnostics } from '../actors/runtime/posted-diagnostics.ts'
import { PresenceTable } from '../actors/runtime/presence-table.ts'
import { ShardBoard } from '../actors/runtime/shard-board.ts'
import { ShardTurn } from '../actors/runtime/shard-turn.ts'
import { Tally } from '../actors/runtime/tally.ts'
import { TimingWheel } from '../actors/runtime/timing-wheel.ts'
import type { LastingSession } from '../actors/session/lasting-session.ts'
import { Session } from '../actors/session/session.ts'
import { SessionFigures } from '../actors/session/session-figures.ts'
import { SessionHouse } from '../actors/session/session-house.ts'
import { SharedDirectory } from '../actors/session/shared-directory.ts'
import { retainedEntry } from '../core/domain/log-entry.ts'
import { MessageIdSource } from '../core/domain/message-id.ts'
import type { ShardStatus } from '../core/domain/status.ts'
import type { ShardTraffic, SystemFigure } from '../core/domain/system-figures.ts'
import type { WaitingMessage } from '../core/domain/waiting-message.ts'
import type { CheckpointSink } from '../core/ports/checkpoint-sink.ts'
import type { ClientDirectory } from '../core/ports/client-directory.ts'
import type { SessionMaker } from '../core/ports/client-session.ts'
import type { MessageLog } from '../core/ports/message-log.ts'
import type { RetainedSink } from '../core/ports/retained-store.ts'
import type { SessionSink } from '../core/ports/session-store.ts'
import { AlinkJournal } from '../protocol/alink/alink-journal.ts'
import { customTopicOf } from '../protocol/alink/device-topics.ts'
import { OpenConnections } from '../protocol/listeners/connection-gate.ts'
import type { Listener } from '../protocol/listeners/listener.ts'
import { openListener } from '../protocol/listeners/open-listener.ts'
import { OutputSlab } from '../protocol/listeners/output-slab.ts'
import { canSharePorts } from '../protocol/listeners/shared-port.ts'
import { ConnectRates } from '../protocol/mqtt/connect-rates.ts'
import { ControlPackets, IncomingAcknowledgement } from '../protocol/mqtt/control-packets.ts'
import { Entrance } from '../protocol/mqtt/entrance.ts'
import { IncomingPublish } from '../protocol/mqtt/incoming-publish.ts'
import type { AuthenticationHook, LoginHook } from '../protocol/mqtt/login.ts'
import { routeMessage } from '../protocol/mqtt/message-route.ts'
import { SharedFrames } from '../protocol/mqtt/shared-frames.ts'
import { Environment } from '../storage/environment.ts'
import { HighWater } from '../storage/log/high-water.ts'
import { LogWriter } from '../storage/log/log-writer.ts'
import { RegistryStore } from '../storage/registry-store.ts'
import { RetainedStore } from '../storage/retained-store.ts'
import { SecretBox } from '../storage/sealed-secret.ts'
import { SessionStore } from '../storage/session-store.ts'
import { meshPort } from './shard-lines.ts'
import { ShardWatch } from './shard-watch.ts'
import { systemClock, systemRandom } from './system.ts'
import {
  CHECKPOINT_METHODS,
  RETAINED_METHODS,
  SESSION_METHODS,
  SHARD_METHODS,
  type ShardReady,
  type ShardStart,
} from './thread-start.ts'

const SPACE = { alibaba: 0, plain: 1 } // stored: never change one

const TICK_MS = 1000 // of the timing wheel
const CHECKPOINT_MS = 1000 // what a crash makes us replay, per shard
const DRAIN_MS = 5000 // for clients to read our last words
const SETTLE_AGAIN_MS = 100
const ACKS_PER_WRITE = 4096 // acknowledgements of one read that are written together
const FAILED_DRAIN_MS = 500 // the same, where the shard itself is in doubt

const start = workerData as ShardStart
const { settings, shard, shards, incarnation, successor } = start
const { limits } = settings
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

// ---- the other shards

const inLaterTurn = (slice: () => void): void =>
  void setImmediate(() => {
    turn.enter()
    slice()
  })
const background = new Background(systemClock, inLaterTurn)
const timers = new TimingWheel(systemClock)
const mesh = new Mesh({ shard, turn })
for (const { peer, port } of start.meshPorts) mesh.join(peer, meshPort(port))

// ---- devices

const models = new ModelCache(registry)
const presence = new PresenceTable(start.presence)
const checkpointer = new Checkpointer({
  sink: storage.remote<CheckpointSink>(CHECKPOINT_METHODS),
  log: shard,
  storedSequence: () => highWater.read().sequence,
  lasting: () =>
    settings.durability === 'flush'
      ? new Promise((resolve) => log.sync(resolve))
      : Promise.resolve(true),
  onCheckpoint: retireSegments,
  onClean: (actor) => devices.passivate(actor),
  shares: [() => retained.share(), () => sessions.waiting.share(), () => sessions.sessions.share()],
  diagnostics,
})
const devices = new LiveDevices({
  shard,
  incarnation,
  presence,
  mesh,
  forward: (to, downlink) => forwardDownlink(mesh, to, downlink),
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
onForwarded(mesh, (downlink) => {
  const delivery = devices.deliverForwarded(downlink)
  if (delivery !== 'sent') tally.add('downlink.dropped', delivery)
})
/**
 * Devices whose connection died with the process before, or with the shard that had our number: by their rows,
 * since an offline entry may have been lost with the last turn. Those that a shard holds are not touched.
 */
const settlement = new Settlement({
  devices,
  onlineNumbers: (after, limit) => registry.onlineNumbers(after, limit),
  count: registry.onlineCount(),
  isOurs: (number) => successor || number % shards === shard,
  unstored: () => checkpointer.unstored,
})

// ---- connections

const board = new ShardBoard(start.board)
const open = new OpenConnections(limits.connections, limits.connectionsPerAddress, {
  count: () => board.connections(),
  add: (by) => board.addConnections(shard, by),
})
const traffic = { received: 0, sent: 0 }
const routes = shards > 1 ? new RemoteRoutes({ mesh, timers, counters: tally }) : undefined
const sharedRetained = new SharedRetained(mesh, (peer) => {
  if (routes !== undefined) routes.overdrawn = peer
})
const retained = new RetainedMessages({
  shard,
  incarnation,
  figures: new RetainedFigures(start.retained),
  bounds: { messages: limits.retainedMessages, bytes: limits.retainedBytes },
  reader: new RetainedStore(environment),
  sink: storage.remote<RetainedSink>(RETAINED_METHODS),
  journal: (row) => turnLog.append(retainedEntry(row)),
  announce: sharedRetained.announce,
  announceStored: sharedRetained.announceStored,
  now: () => turn.now,
})
sharedRetained.serve(retained)
const onNobody = (): void => tally.add('delivery.dropped', 'no-member')
const directory = new SharedDirectory({
  shard,
  shards,
  presence,
  mesh,
  timers,
  firstNumber: limits.devices + 1,
  capacity: limits.connections + limits.sessions,
  awaits: successor ? mesh.peers : [],
})
const makeSession: SessionMaker = (outlet, { receiveMaximum, arrivals }) => {
  const inflight = Math.min(limits.inflight, receiveMaximum)
  const queue = { messages: limits.queueMessages, bytes: limits.queueBytes }
  const bounds = { inflight, arrivals, queue, queuePolicy: limits.queuePolicy }
  const now = (): number => turn.now
  return new Session(outlet, { bounds, counters: tally, now, background: background.add })
}
const sessions = new SessionHouse({
  shard,
  incarnation,
  figures: new SessionFigures(start.sessions),
  mesh,
  directory,
  base: limits.devices,
  reader: new SessionStore(environment),
  sink: storage.remote<SessionSink>(SESSION_METHODS),
  limits,
  counters: tally,
  timers,
  background: background.add,
  now: () => turn.now,
  append: (entry) => void turnLog.append(entry),
  makeSession,
  publishWill,
  onOverdrawn: (peer) => {
    if (routes !== undefined) routes.overdrawn = peer
  },
  onTold: () => routes?.touch(),
})
const routerParts = { others: routes, retained, onNobody, waiting: sessions.waiting }
const spaces = {
  alibaba: new Router({ ...routerParts, space: SPACE.alibaba }),
  plain: new Router({ ...routerParts, space: SPACE.plain }),
}
for (const profile of ['alibaba', 'plain'] as const) {
  sessions.attach(SPACE[profile], spaces[profile])
}
sessions.load((session) => successor || session % shards === shard)
for (const peer of mesh.peers) routes?.peerJoined(peer)
const shared = {
  turn,
  timers,
  counters: tally,
  diagnostics,
  random: systemRandom,
  limits,
  traffic,
  entrance: new Entrance({
    clock: systemClock,
    turn,
    schedule: inLaterTurn,
    limit: limits.connectsWaiting,
    shedding: () => open.shedding !== undefined,
  }),
  rates: new ConnectRates(limits, systemClock.monotonic()),
  packets: new ControlPackets(limits.userProperties),
  incoming: new IncomingPublish(limits.userProperties),
  frames: new SharedFrames(),
  acknowledgement: new IncomingAcknowledgement(limits.userProperties),
  acks: new Uint16Array(ACKS_PER_WRITE),
  devices,
  inbox: devices,
  makeSession,
}
const hooks = conversation.remote<{ login: LoginHook; authenticate: AuthenticationHook }>([
  'login',
  'authenticate',
])
const loginParts = {
  registry,
  strictSecureMode: settings.strictSecureMode,
  hook: hooks.login,
  authenticate: hooks.authenticate,
}
const doors = {
  transport: { turn, slab, backlogBytes: limits.backlogBytes },
  rawSockets: settings.rawSockets,
  tls: start.tls,
  open,
  login: loginParts,
  diagnostics,
}
const listeners: Listener[] = []
let failing = false
let closing = false

// ---- what runs by the clock

const tick = setInterval(() => {
  timers.tick()
  turn.enter()
  sessions.sessions.tick((session) => session % shards === shard)
  for (const router of Object.values(spaces)) router.tidy()
}, TICK_MS)
const checkpoint = setInterval(checkpointBetweenTurns, CHECKPOINT_MS)
const watch = new ShardWatch({ shard, board, open, counters: tally, diagnostics })
settleSome()

const control = {
  status(): ShardStatus {
    const counts = Object.entries(tally.snapshot())
    const isRefusal = ([name]: readonly [string, number]): boolean =>
      /refused|rejected|dropped|closed|failed/.test(name)
    return {
      shard,
      shedding: open.shedding !== undefined,
      connections: open.count,
      devicesOnline: devices.online,
      messagesIn: traffic.received,
      messagesOut: traffic.sent,
      lagMs: watch.takeLagMs(),
      turn: turn.takeLengths(),
      heap: watch.heap,
      handOvers: devices.counts,
      mesh: mesh.status(),
      settling: settlement.left,
      log: { sequence: log.nextSequence - 1, ...log.written },
      refusals: Object.fromEntries(counts.filter(isRefusal)),
      counters: Object.fromEntries(counts.filter((entry) => !isRefusal(entry))),
    }
  },

  traffic(): ShardTraffic {
    const { received, sent } = traffic
    const dropped = Object.entries(tally.snapshot())
      .filter(([name]) => name.startsWith('delivery.dropped.'))
      .reduce((sum, [, count]) => sum + count, 0)
    const { alibaba, plain } = spaces
    const subscriptions = alibaba.subscriptions + plain.subscriptions
    return { connections: open.count, subscriptions, received, sent, dropped }
  },

  figures(figures: readonly SystemFigure[]): void {
    turn.enter()
    for (const router of Object.values(spaces)) router.tellSystem(figures)
  },

  /** What the dead shard had posted is handled first: custody may be in it. */
  async peerGone(peer: number): Promise<void> {
    try {
      mesh.drain(peer)
    } finally {
      mesh.leave(peer)
      devices.custody.peerGone(peer)
      directory.peerGone(peer)
      routes?.peerGone(peer)
      sessions.shared.peerGone(peer)
    }
    await nextTurn()
    await checkpointer.run()
    await checkpointer.run() // one that was under way had begun before
  },

  peerRecovered(peer: number): void {
    turn.enter()
    devices.custody.peerRecovered()
    directory.peerRecovered()
    retained.stored(peer, Number.POSITIVE_INFINITY)
    sessions.shared.peerRecovered()
  },

  peerJoined(peer: number): void {
    turn.enter()
    directory.peerJoined(peer)
    directory.lookUpAgain(peer)
    routes?.peerJoined(peer)
    sessions.shared.peerJoined(peer)
    for (const row of retained.ownUnstored()) sharedRetained.tell(peer, row)
  },

  async reopen(): Promise<ShardReady> {
    await Promise.all(listeners.splice(0).map((listener) => listener.close()))
    return openDoors()
  },

  /** Accepts no more, says goodbye, stores everything, ends. */
  async close(drainMs: number = DRAIN_MS): Promise<void> {
    closing = true // what is not settled yet is at the next start
    const closed = listeners.map((listener) => listener.close())
    open.closeAll()
    const deadline = systemClock.monotonic() + drainMs
    while (open.count > 0 && systemClock.monotonic() < deadline) await pause(10)
    open.destroyAll()
    await Promise.all(closed)
    clearInterval(tick)
    clearInterval(checkpoint)
    watch.stop()
    await pause(0) // the last turn ends
    // Twice: rows change while the first is under way. A store that cannot take them is not waited for:
    // what they are made of is in the log, and is replayed at the next start.
    const stored = checkpointer.run().then(() => checkpointer.run())
    await atMost(DRAIN_MS, stored)
    try {
      await log.close() // may say log.full, which whoever closes the platform shall hear
    } finally {
      mesh.close()
      await environment.close()
      start.storagePort.close()
      setImmediate(() => main.close())
    }
  },
}
conversation.serve({ ...bound(devices), ...control }, SHARD_METHODS)
main.on('message', (message: unknown) => {
  const {
    meshPort: port,
    peer,
    abandon,
  } = message as {
    readonly meshPort?: MessagePort
    readonly peer?: number
    readonly abandon?: boolean
  }
  if (port !== undefined && peer !== undefined) mesh.join(peer, meshPort(port))
  if (abandon === true) abandonAll()
})
process.on('uncaughtException', failed)
process.on('unhandledRejection', failed)
conversation.tell('ready', await openDoors())

async function openDoors(): Promise<ShardReady> {
  // Where several threads cannot listen on one port, the first shard has all the connections.
  const mine = shard === 0 || canSharePorts() ? start.listeners : []
  for (const spec of mine) {
    const { profile } = spec
    const named = {
      mayKnow: (name: string) => directory.mayKnow(`${profile}/${name}`),
      claim: claimIn(profile),
      release: releaseIn(profile),
    }
    const relay = spaces[profile]
    const host = sessions.host(SPACE[profile], `${profile}/`)
    const around = { ...shared, profile, relay, directory: named, sessions: host }
    listeners.push(await openListener(spec, around, doors))
  }
  return {
    ports: listeners.map(({ port }) => port),
    descriptors: listeners.flatMap(({ descriptors }) => descriptors),
  }
}

/** A Will whose delay is over, or that nobody has said yet of a connection that died. */
function publishWill(session: LastingSession, will: WaitingMessage): void {
  const withDevices = will.space === SPACE.alibaba
  const relay = withDevices ? spaces.alibaba : spaces.plain
  const parts = { relay, counters: tally, inbox: withDevices ? devices : undefined }
  const { topic } = will
  const device = withDevices ? customTopicOf(topic) : undefined
  routeMessage(parts, relay.route(topic), device, will, session)
}

/** Each topic space has client identifiers of its own. */
function claimIn(profile: string): ClientDirectory['claim'] {
  return (name, holder, onClaim) => directory.claim(`${profile}/${name}`, holder, onClaim)
}

function releaseIn(profile: string): ClientDirectory['release'] {
  return (name, holder) => directory.release(`${profile}/${name}`, holder)
}

/** In turns of their own, with others between them. */
function settleSome(): void {
  const next = settlement.run()
  if (next !== 'done' && !closing) setTimeout(settleSome, next === 'more' ? 2 : SETTLE_AGAIN_MS)
}

/** A defect, in whatever was called last: the shard closes in order, and another thread takes its number. */
function failed(error: unknown): void {
  if (failing) return
  failing = true
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error)
  diagnostics.error('a shard has failed and closes', { error: told })
  open.shedding = 'shard-failed'
  void control.close(FAILED_DRAIN_MS).catch(() => {})
}

/** The process ends without having closed us: open native handles would abort it. */
function abandonAll(): void {
  for (const listener of listeners) listener.abandon()
  log.commit(systemClock.now())
  void environment.close().finally(() => board.abandoned(shard))
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

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
