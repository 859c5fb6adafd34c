/** Starts the worker threads in the order of what they need of each other, and ends them in the reverse. */
import { randomBytes } from 'node:crypto'
import { MessageChannel } from 'node:worker_threads'
import type { Remote } from '../actors/runtime/conversation.ts'
import { PresenceTable } from '../actors/runtime/presence-table.ts'
import type { PlatformError } from '../core/domain/errors.ts'
import type { ListenerSpec, Settings } from '../core/domain/settings.ts'
import type { Diagnostics } from '../core/ports/diagnostics.ts'
import type { TlsMaterial } from '../protocol/listeners/listener.ts'
import type { LoginHook } from '../protocol/mqtt/login.ts'
import type { DataDirectory } from '../storage/data-directory.ts'
import { HIGH_WATER_BYTES } from '../storage/log/high-water.ts'
import {
  SHARD_METHODS,
  type ShardControl,
  type ShardStart,
  STORAGE_METHODS,
  type StorageControl,
  type StorageReady,
  type StorageStart,
} from './thread-start.ts'
import { WorkerThread } from './worker-thread.ts'

const SHARD = 0 // the one shard of this version
const REQUEST_MS = 60_000 // longer than any wait for a device's reply
const TICKET_KEY_BYTES = 48 // what node:tls asks for

export interface PlatformThreadsOptions {
  readonly data: DataDirectory
  readonly settings: Settings
  readonly secretKey: Uint8Array
  readonly listeners: readonly ListenerSpec[]
  readonly certificate: { readonly certFile: string; readonly keyFile: string } | undefined
  readonly diagnostics: Diagnostics
  readonly login: LoginHook | undefined
  readonly onFailure: (error: PlatformError) => void
}

export interface PlatformThreads {
  readonly storage: Remote<StorageControl>
  readonly shard: Remote<ShardControl>
  readonly presence: PresenceTable
  readonly highWater: SharedArrayBuffer
  /** Real ports, in the order of `listeners`. */
  readonly ports: readonly number[]
  close(): Promise<void>
}

/** @throws what a thread could not start for */
export async function startThreads(options: PlatformThreadsOptions): Promise<PlatformThreads> {
  const { data, settings, secretKey, diagnostics, login, onFailure } = options
  const bounds = { limit: settings.limits.shardRequests, timeoutMs: REQUEST_MS }
  const common = { diagnostics, login, onFailure, bounds }
  const storageStart: StorageStart = {
    storePath: data.store,
    logsPath: data.logs,
    secretKey,
    settings,
  }
  const storageThread = new WorkerThread({
    ...common,
    name: 'storage',
    url: new URL('./storage.js', import.meta.url),
    data: storageStart,
    transfer: [],
  })
  const storage = storageThread.conversation.remote<StorageControl>(STORAGE_METHODS)
  const { incarnation, nextSequences } = (await storageThread.ready) as StorageReady

  const line = new MessageChannel()
  storageThread.worker.postMessage({ shardPort: line.port1 }, [line.port1])
  const presence = PresenceTable.create(settings.limits.devices)
  const highWater = new SharedArrayBuffer(HIGH_WATER_BYTES)
  const shardStart: ShardStart = {
    shard: SHARD,
    incarnation,
    nextSequence: nextSequences.get(SHARD) ?? 1,
    storePath: data.store,
    logPath: data.log(SHARD),
    secretKey,
    settings,
    listeners: options.listeners,
    tls: tlsMaterial(options),
    presence: presence.memory,
    highWater,
    storagePort: line.port2,
  }
  const shardThread = new WorkerThread({
    ...common,
    name: `shard-${SHARD}`,
    url: new URL('./shard.js', import.meta.url),
    data: shardStart,
    transfer: [line.port2],
  })
  const shard = shardThread.conversation.remote<ShardControl>(SHARD_METHODS)
  try {
    const ports = (await shardThread.ready) as readonly number[]
    return {
      storage,
      shard,
      presence,
      highWater,
      ports,
      close: async () => {
        try {
          await shardThread.end(() => shard.close())
        } finally {
          await storageThread.end(() => storage.close())
        }
      },
    }
  } catch (error) {
    await storageThread.end(() => storage.close())
    throw error
  }
}

function tlsMaterial(options: PlatformThreadsOptions): TlsMaterial | undefined {
  const { certificate, settings } = options
  if (certificate === undefined) return undefined
  const { minVersion } = settings.tls
  return { ...certificate, minVersion, ticketKeys: randomBytes(TICKET_KEY_BYTES) }
}
