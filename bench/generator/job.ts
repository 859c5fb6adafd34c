/** What the harness tells the generator (one JSON document on stdin) and what comes back (one line). */
import type { ManagementApi } from '../management-api.ts'
import type { Login } from './frames.ts'
import type { Placement } from './placement.ts'

export interface PublisherJob {
  readonly login: Login
  readonly topic: string
}

export interface SubscriberJob {
  readonly login: Login
  readonly filters: readonly string[]
}

/**
 * What a message brings back as a PUBLISH: `nothing`; a `delivery` to the subscriber of the same
 * index; a `reply` on the publisher's own connection; `copies`, so many in all, to any of the subscribers.
 */
type Returns = 'nothing' | 'delivery' | 'reply' | 'copies'

/** Where it goes, and what is asked about the server there. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly serverPid: number
  /** Per second, for /proc/PID/stat; absent where the system has none. */
  readonly clockTicks?: number
  /** Asked for what crossed between shards; absent: the server has none. */
  readonly api?: ManagementApi
}

export interface MessageJob extends Target {
  readonly kind: 'message'
  readonly publishers: readonly PublisherJob[]
  /** As many as publishers where a `delivery` is expected, none where nothing returns to one. */
  readonly subscribers: readonly SubscriberJob[]
  readonly returns: Returns
  /** PUBLISH packets that one message brings, where it brings `copies`. */
  readonly copies?: number
  /** Messages a second of all publishers, one a write, whatever comes back; absent: a closed loop. */
  readonly rate?: number
  /** Where publisher and subscriber of a pair are to be; absent: wherever the kernel puts them. */
  readonly placement?: Placement
  /** Sent in turn by every publisher. */
  readonly payloads: readonly string[]
  readonly qos: 0 | 1
  /** Messages of one publisher that are sent and not yet returned or acknowledged. Even or 1 at QoS 0. */
  readonly window: number
  /** A publisher sends once so many fit into its window. */
  readonly chunk: number
  readonly warmSec: number
  readonly seconds: number
}

export interface ConnectJob extends Target {
  readonly kind: 'connect'
  readonly clients: readonly SubscriberJob[]
  /** Of their subscriptions. */
  readonly qos: 0 | 1
  /** Between the two waves. */
  readonly warmSec: number
  /** The first wave warms the server up and is not measured, or both are. */
  readonly measured: 'second' | 'both'
  /** Over TLS 1.3: the first wave with full handshakes, the second resumes. */
  readonly tls: boolean
}

export interface IdleJob extends Target {
  readonly kind: 'idle'
  readonly clients: readonly SubscriberJob[]
  readonly qos: 0 | 1
  /** Until the server is settled, before the first connects; and again until memory is read, behind the last. */
  readonly warmSec: number
  readonly tls: boolean
}

export type Job = MessageJob | ConnectJob | IdleJob

/** Of the measured window. */
export interface Usage {
  readonly seconds: number
  readonly generatorCpuSec: number
  readonly serverCpuSec?: number
  /** At its end. */
  readonly serverRssKib?: number
  /** Times that a thread of it went to sleep by itself. */
  readonly serverSwitches?: number
}

/** Of an open loop, µs from when a message was due. */
export interface LatencyResult {
  /** Until it was delivered. */
  readonly p50: number
  readonly p99: number
  /** Until the generator itself sent it. */
  readonly lateP99: number
}

interface Measured extends Usage {
  /** Connections refused or lost, packets nobody asked for; and the first different reasons. */
  readonly failures: number
  readonly reasons: readonly string[]
  /**
   * Messages from one shard to another over PUBLISH packets received, or over connects; absent: the
   * server does not tell.
   */
  readonly crossing?: number
}

/** Counts are of the measured window; `unacknowledged` and `undelivered` of the whole run. */
export interface MessageResult extends Measured {
  readonly kind: 'message'
  /** PUBLISH packets that the server received. */
  readonly published: number
  /** PUBLISH packets that the server sent. */
  readonly delivered: number
  /** Still missing after the drain; negative: more came than was sent. */
  readonly unacknowledged: number
  readonly undelivered: number
  /** Of an open loop. */
  readonly latencyUs?: LatencyResult
}

export interface ConnectResult extends Measured {
  readonly kind: 'connect'
  /** Clients that were ready at its end. */
  readonly connected: number
  /** The second wave, where both are measured: the rest is of the first then. */
  readonly again?: Usage & { readonly resumed: number }
}

export interface IdleResult extends Measured {
  readonly kind: 'idle'
  readonly connected: number
  /** By what resident memory grew. */
  readonly grownKib?: number
}

export type LoadResult = MessageResult | ConnectResult | IdleResult
