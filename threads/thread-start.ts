/** What the main thread hands to its workers at their start, and what both sides call of each other. */
import type { MessagePort } from 'node:worker_threads'
import type { Remote } from '../actors/runtime/conversation.ts'
import type { Facts, Level } from '../actors/runtime/posted-diagnostics.ts'
import type { AccessPolicy } from '../core/domain/access-policy.ts'
import type { ListenerSpec, Settings } from '../core/domain/settings.ts'
import type { ShardStatus } from '../core/domain/status.ts'
import type { CheckpointSink } from '../core/ports/checkpoint-sink.ts'
import type { DeviceOwner } from '../core/ports/device-owner.ts'
import type { RegistryWriter } from '../core/ports/registry-writer.ts'
import type { TlsMaterial } from '../protocol/listeners/listener.ts'
import type { LoginHook } from '../protocol/mqtt/login.ts'

export interface StorageStart {
  readonly storePath: string
  readonly logsPath: string
  readonly secretKey: Uint8Array
  readonly settings: Settings
}

/** What recovery found; the storage thread says it when it serves. */
export interface StorageReady {
  readonly incarnation: number
  readonly nextSequences: ReadonlyMap<number, number>
  readonly replayed: { readonly entries: number; readonly rows: number; readonly tookMs: number }
}

export interface ShardStart {
  readonly shard: number
  readonly incarnation: number
  readonly nextSequence: number
  readonly storePath: string
  readonly logPath: string
  readonly secretKey: Uint8Array
  readonly settings: Settings
  readonly listeners: readonly ListenerSpec[]
  readonly tls: TlsMaterial | undefined
  readonly presence: SharedArrayBuffer
  readonly highWater: SharedArrayBuffer
  /** To the storage thread. */
  readonly storagePort: MessagePort
}

/** Methods that a shard serves to main. */
export interface ShardControl extends Omit<DeviceOwner, 'isOnline'> {
  status(): ShardStatus
  /** Drains and ends the thread by itself. */
  close(): Promise<void>
}

export const SHARD_METHODS: readonly (keyof Remote<ShardControl>)[] = [
  'state',
  'command',
  'custom',
  'evict',
  'productChanged',
  'status',
  'close',
]

/** Methods that the storage thread serves: to main the registry, to shards the checkpoints. */
export interface StorageControl extends RegistryWriter {
  close(): Promise<void>
}

export const STORAGE_METHODS: readonly (keyof Remote<StorageControl>)[] = [
  'createProduct',
  'updateProduct',
  'deleteProduct',
  'putModel',
  'createDevice',
  'updateDevice',
  'deleteDevice',
  'putAccessKey',
  'deleteAccessKey',
  'close',
]

export const CHECKPOINT_METHODS: readonly (keyof Remote<CheckpointSink>)[] = ['checkpoint']

/** Methods that main serves to its workers. */
export interface MainControl {
  diagnose(level: Level, message: string, facts: Facts | undefined): void
  /** The worker is ready; what it says of itself. */
  ready(facts: unknown): void
  login(request: Parameters<LoginHook>[0]): Promise<AccessPolicy | undefined>
}
