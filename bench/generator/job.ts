/** What the harness tells the generator (one JSON document on stdin) and what comes back (one line). */
import type { Login } from './frames.ts'

export interface PublisherJob {
  readonly login: Login
  readonly topic: string
}

interface SubscriberJob {
  readonly login: Login
  readonly filter: string
}

/**
 * What a message brings back as a PUBLISH: `nothing`; a `delivery` to the subscriber of the same
 * index; a `reply` on the publisher's own connection.
 */
type Returns = 'nothing' | 'delivery' | 'reply'

export interface Job {
  readonly host: string
  readonly port: number
  readonly publishers: readonly PublisherJob[]
  /** As many as publishers where deliveries are expected, else none. */
  readonly subscribers: readonly SubscriberJob[]
  readonly returns: Returns
  /** Sent in turn by every publisher. */
  readonly payloads: readonly string[]
  readonly qos: 0 | 1
  /** Messages of one publisher that are sent and not yet returned or acknowledged. Even at QoS 0. */
  readonly window: number
  /** A publisher sends once so many fit into its window. */
  readonly chunk: number
  readonly warmSec: number
  readonly seconds: number
  readonly serverPid: number
  /** Per second, for /proc/PID/stat; absent where the system has none. */
  readonly clockTicks?: number
}

/** Counts are of the measured window; `unacknowledged` and `undelivered` of the whole run. */
export interface LoadResult {
  readonly seconds: number
  /** PUBLISH packets that the server received. */
  readonly published: number
  /** PUBLISH packets that the server sent. */
  readonly delivered: number
  /** Still missing after the drain; negative: more came than was sent. */
  readonly unacknowledged: number
  readonly undelivered: number
  /** Connections refused or lost, packets nobody asked for; and the first different reasons. */
  readonly failures: number
  readonly reasons: readonly string[]
  readonly serverCpuSec?: number
  /** Of the server at the end of the window. */
  readonly serverRssKib?: number
  readonly generatorCpuSec: number
}
