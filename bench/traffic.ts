/** The workloads: who connects, what is sent, what comes back. Same definitions for every server. */
import type { ConnectJob, MessageJob, Target } from './generator/job.ts'
import type { Placement } from './generator/placement.ts'
import type { ManagementApi } from './management-api.ts'
import type { Shape } from './options.ts'
import type { RunningServer } from './servers/server.ts'
import {
  listeningDevice,
  postingDevice,
  postPayloads,
  registerDevices,
} from './telemetry-devices.ts'

/** The part of a job that the workload decides. */
export type Traffic = MessageTraffic | ConnectTraffic
type MessageTraffic = Omit<MessageJob, keyof Target>
type ConnectTraffic = Omit<ConnectJob, keyof Target>

/** Publishers send to a topic of their own, and nobody is subscribed. */
export function ingest(shape: Shape): MessageTraffic {
  return {
    ...closedLoop(shape),
    publishers: each(shape.publishers, (n) => ({
      login: { clientId: `p${n}` },
      topic: topicOf(n),
    })),
    subscribers: [],
    returns: 'nothing',
    payloads: [letters(shape.payloadBytes)],
  }
}

/** As ingest, with one subscriber to each topic. */
export function pairs(shape: Shape): MessageTraffic {
  return {
    ...ingest(shape),
    subscribers: each(shape.publishers, (n) => ({
      login: { clientId: `s${n}` },
      filter: topicOf(n),
    })),
    returns: 'delivery',
  }
}

/** As pairs, of a server with several shards: both ends on one of them, or on two. */
export function placedPairs(placement: Placement): (shape: Shape) => MessageTraffic {
  return (shape) => ({ ...pairs(shape), placement })
}

/** Registered devices post properties of their thing model; the platform replies to each post. */
export async function telemetry(shape: Shape, server: RunningServer): Promise<MessageTraffic> {
  const devices = await registerDevices(apiOf(server), shape.publishers)
  return {
    ...closedLoop(shape),
    publishers: devices.map(postingDevice),
    subscribers: [],
    returns: shape.replies ? 'reply' : 'nothing',
    payloads: postPayloads(shape.window, shape.replies),
  }
}

/** Clients connect and subscribe to a topic of their own. */
export function connects(shape: Shape): ConnectTraffic {
  return storm(
    shape,
    each(shape.clients, (n) => ({ login: { clientId: `c${n}` }, filter: topicOf(n) })),
  )
}

/** As connects, of registered devices. */
export async function deviceConnects(shape: Shape, server: RunningServer): Promise<ConnectTraffic> {
  const devices = await registerDevices(apiOf(server), shape.clients)
  return storm(shape, devices.map(listeningDevice))
}

function closedLoop({ qos, window, chunk, warmSec, seconds }: Shape): Pace {
  return { kind: 'message', qos, window, chunk, warmSec, seconds }
}

type Pace = Pick<MessageJob, 'kind' | 'qos' | 'window' | 'chunk' | 'warmSec' | 'seconds'>

function storm({ qos, warmSec }: Shape, clients: ConnectJob['clients']): ConnectTraffic {
  return { kind: 'connect', clients, qos, warmSec }
}

function apiOf({ api }: RunningServer): ManagementApi {
  if (api === undefined) throw new Error('This server told no management API.')
  return api
}

function each<T>(count: number, make: (number: string) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(String(i).padStart(5, '0')))
}

function topicOf(number: string): string {
  return `dev/${number}/telemetry`
}

function letters(bytes: number): string {
  return 'abcdefghijklmnopqrstuvwxyz'.repeat(Math.ceil(bytes / 26)).slice(0, bytes)
}
