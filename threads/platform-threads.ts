/** Starts the worker threads in the order of what they need of each other, and ends them in the reverse. */
import { randomBytes } from 'node:crypto'
import { MessageChannel } from 'node:worker_threads'
import { RetainedFigures } from '../actors/router/retained-figures.ts'
import type { Remote } from '../actors/runtime/conversation.ts'
import { PresenceTable } from '../actors/runtime/presence-table.ts'
import { ShardBoard } from '../actors/runtime/shard-board.ts'
import { SessionFigures } from '../actors/session/session-figures.ts'
import type { PlatformError } from '../core/domain/errors.ts'
import type { ListenerSpec, Settings } from '../core/domain/settings.ts'
import type { Diagnostics } from '../core/ports/diagnostics.ts'
import type { TlsMaterial } from '../protocol/listeners/listener.ts'
import type { AuthenticationHook, LoginHook } from '../protocol/mqtt/login.ts'
import type { DataDirectory } from '../storage/data-directory.ts'
import { HIGH_WATER_BYTES } from '../storage/log/high-water.ts'
import { ShardSupervisor } from './shard-supervisor.ts'
import {
  type ShardStart,
  STORAGE_METHODS,
  type StorageControl,
  type StorageReady,
  type StorageStart,
} from './thread-start.ts'
import type { LogPlace } from './uplinks.ts'
import { WorkerThread } from './worker-thread.ts'

const REQUEST_MS = 60_000 // longer than any wait for a device's reply
const TICKET_KEY_BYTES = 48 // what node:tls asks for
const ABANDON_MS = 1000 // a process that ends waits so long for a shard to let go

export interface PlatformThreadsOptions {
  readonly data: DataDirectory
  readonly settings: Settings
  readonly secretKey: Uint8Array
  readonly listeners: readonly ListenerSpec[]
  readonly certificate: { readonly certFile: string; readonly keyFile: string } | undefined
  readonly diagnostics: Diagnostics
  readonly login: LoginHook | undefined
  readonly authenticate: AuthenticationHook | undefined
  readonly onFailure: (error: PlatformError) => void
}

export interface PlatformThreads {
  readonly storage: Remote<StorageControl>
  readonly shards: ShardSupervisor
  readonly presence: PresenceTable
  readonly logs: readonly LogPlace[]
  readonly replayed: StorageReady['replayed']
  readonly retained: RetainedFigures
  /** Real ports, in the order of `listeners`. */
  readonly ports: readonly number[]
  close(): Promise<void>
}

/** @throws what a thread could not start for */
export async function startThreads(options: PlatformThreadsOptions): Promise<PlatformThreads> {
  const { data, settings, secretKey, diagnostics, login, authenticate, onFailure } = options
  const bounds = { limit: settings.limits.shardRequests, timeoutMs: REQUEST_MS }
  const common = { diagnostics, login, authenticate, bounds }
  const retained = new RetainedFigures()
  const sessions = new SessionFigures()
  const storageStart: StorageStart = {
    storePath: data.store,
    logsPath: data.logs,
    secretKey,
    settings,
    retained: retained.memory,
    sessions: sessions.memory,
  }
  const storageThread = new WorkerThread({
    ...common,
    name: 'storage',
    url: new URL('./storage.js', import.meta.url),
    data: storageStart,
    transfer: [],
    onFailure,
  })
  const storage = storageThread.conversation.remote<StorageControl>(STORAGE_METHODS)
  const found = (await storageThread.ready) as StorageReady

  const { shards: count, limits } = settings
  // Numbers of devices come first; behind them each shard lends as many as there may be connections and sessions.
  const lent = Math.max(found.lastSession, count * (limits.connections + limits.sessions))
  const presence = PresenceTable.create(limits.devices + lent)
  const board = ShardBoard.create(count)
  const highWaters = Array.from({ length: count }, () => new SharedArrayBuffer(HIGH_WATER_BYTES))
  const tls = tlsMaterial(options)
  const shards = new ShardSupervisor({
    count,
    presence,
    board,
    diagnostics,
    onFailure,
    nextSequence: (shard) => found.nextSequences.get(shard) ?? 1,
    replayLog: (shard) => storage.replayLog(shard),
    startThread: (start, onEnd) => {
      const line = new MessageChannel()
      storageThread.worker.postMessage({ shardPort: line.port1 }, [line.port1])
      const { shard } = start
      const shardStart: ShardStart = {
        ...start,
        shards: count,
        incarnation: found.incarnation,
        storePath: data.store,
        logPath: data.log(shard),
        secretKey,
        settings,
        listeners: options.listeners,
        tls,
        presence: presence.memory,
        retained: retained.memory,
        sessions: sessions.memory,
        board: board.memory,
        highWater: highWaters[shard] as SharedArrayBuffer,
        storagePort: line.port2,
      }
      return new WorkerThread({
        ...common,
        name: `shard-${shard}`,
        url: new URL('./shard.js', import.meta.url),
        data: shardStart,
        heapMb: limits.shardHeapMb,
        transfer: [line.port2, ...start.meshPorts.map(({ port }) => port)],
        onFailure: onEnd,
      })
    },
  })
  try {
    await shards.start()
  } catch (error) {
    await storageThread.end(() => storage.close())
    throw error
  }
  const onExit = (): void => shards.abandon(ABANDON_MS)
  process.on('exit', onExit)
  return {
    storage,
    shards,
    presence,
    logs: logPlaces(data, highWaters, found),
    replayed: found.replayed,
    retained,
    ports: shards.ports,
    close: async () => {
      try {
        await shards.close()
      } finally {
        process.off('exit', onExit)
        await storageThread.end(() => storage.close())
      }
    },
  }
}

/** Those that are written, and those that an earlier start with more shards has left. */
function logPlaces(
  data: DataDirectory,
  highWaters: readonly SharedArrayBuffer[],
  { nextSequences }: StorageReady,
): LogPlace[] {
  const logs = new Set([...highWaters.keys(), ...nextSequences.keys()])
  return [...logs]
    .sort((a, b) => a - b)
    .map((log) => ({
      log,
      directory: data.log(log),
      highWater: highWaters[log],
      lastSequence: (nextSequences.get(log) ?? 1) - 1,
    }))
}

function tlsMaterial(options: PlatformThreadsOptions): TlsMaterial | undefined {
  const { certificate, settings } = options
  if (certificate === undefined) return undefined
  const { minVersion } = settings.tls
  return { ...certificate, minVersion, ticketKeys: randomBytes(TICKET_KEY_BYTES) }
}
