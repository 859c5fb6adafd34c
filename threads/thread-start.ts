/** What the main thread hands to its workers at their start, and what both sides call of each other. */
import type { MessagePort } from 'node:worker_threads'
import type { Remote } from '../actors/runtime/conversation.ts'
import type { Facts, Level } from '../actors/runtime/posted-diagnostics.ts'
import type { AccessPolicy } from '../core/domain/access-policy.ts'
import type { ListenerSpec, Settings } from '../core/domain/settings.ts'
import type { ShardStatus } from '../core/domain/status.ts'
import type { ShardTraffic, SystemFigure } from '../core/domain/system-figures.ts'
import type { CheckpointSink } from '../core/ports/checkpoint-sink.ts'
import type { DeviceOwner } from '../core/ports/device-owner.ts'
import type { RegistryWriter } from '../core/ports/registry-writer.ts'
import type { RetainedSink } from '../core/ports/retained-store.ts'
import type { SessionSink } from '../core/ports/session-store.ts'
import type { TlsMaterial } from '../protocol/listeners/listener.ts'
import type {
  AuthenticationDecision,
  AuthenticationHook,
  LoginHook,
} from '../protocol/mqtt/login.ts'

export interface StorageStart {
  readonly storePath: string
  readonly logsPath: string
  readonly secretKey: Uint8Array
  readonly settings: Settings
  /** Of `RetainedFigures`. */
  readonly retained: SharedArrayBuffer
  /** Of `SessionFigures`. */
  readonly sessions: SharedArrayBuffer
}

/** What recovery found; the storage thread says it when it serves. */
export interface StorageReady {
  readonly incarnation: number
  readonly nextSequences: ReadonlyMap<number, number>
  /** The greatest number that a session has; 0: there is none. */
  readonly lastSession: number
  readonly replayed: { readonly entries: number; readonly rows: number; readonly tookMs: number }
}

export interface ShardStart {
  readonly shard: number
  /** How many there are. */
  readonly shards: number
  readonly incarnation: number
  readonly nextSequence: number
  readonly storePath: string
  readonly logPath: string
  readonly secretKey: Uint8Array
  readonly settings: Settings
  readonly listeners: readonly ListenerSpec[]
  readonly tls: TlsMaterial | undefined
  readonly presence: SharedArrayBuffer
  readonly board: SharedArrayBuffer
  readonly highWater: SharedArrayBuffer
  /** Of `RetainedFigures`. */
  readonly retained: SharedArrayBuffer
  /** Of `SessionFigures`. */
  readonly sessions: SharedArrayBuffer
  /** To the storage thread. */
  readonly storagePort: MessagePort
  /** To the other shards. */
  readonly meshPorts: readonly MeshLine[]
  /** This thread takes the number of one that died. */
  readonly successor: boolean
}

/** One end of the line between two shards. */
export interface MeshLine {
  readonly peer: number
  readonly port: MessagePort
}

/** What a shard says of itself when it serves. */
export interface ShardReady {
  readonly ports: readonly number[]
  /** Of its listening sockets. */
  readonly descriptors: readonly number[]
}

/** Methods that a shard serves to main. */
export interface ShardControl extends Omit<DeviceOwner, 'isOnline'> {
  status(): ShardStatus
  /** What `$SYS` sums up. */
  traffic(): ShardTraffic
  /** What `$SYS` tells from now on. */
  figures(figures: readonly SystemFigure[]): void
  /** A shard died: what it had posted is handled, our rows are in the store when this resolves. */
  peerGone(peer: number): Promise<void>
  /** Its rows are in the store, and the presence table says so. */
  peerRecovered(peer: number): void
  /** Its successor can be asked; its line was posted before. */
  peerJoined(peer: number): void
  /** Opens the doors again that main has stopped while this shard stood still. */
  reopen(): Promise<ShardReady>
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
  'traffic',
  'figures',
  'peerGone',
  'peerRecovered',
  'peerJoined',
  'reopen',
  'close',
]

/** Methods that the storage thread serves: to main the registry, to shards the checkpoints. */
export interface StorageControl extends RegistryWriter {
  /** Brings the rows up to the end of this log, whose shard has ended; the others go on meanwhile. */
  replayLog(log: number): Promise<{ readonly nextSequence: number }>
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
  'replayLog',
  'close',
]

export const CHECKPOINT_METHODS: readonly (keyof Remote<CheckpointSink>)[] = ['checkpoint']

export const SESSION_METHODS: readonly (keyof Remote<SessionSink>)[] = [
  'storeWaiting',
  'storeSessions',
]

export const RETAINED_METHODS: readonly (keyof Remote<RetainedSink>)[] = ['retain']

/** Methods that main serves to its workers. */
export interface MainControl {
  diagnose(level: Level, message: string, facts: Facts | undefined): void
  /** The worker is ready; what it says of itself. */
  ready(facts: unknown): void
  login(request: Parameters<LoginHook>[0]): Promise<AccessPolicy | undefined>
  authenticate(step: Parameters<AuthenticationHook>[0]): Promise<AuthenticationDecision>
}
