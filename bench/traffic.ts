/** The workloads: who connects, what is sent, what comes back. Same definitions for every server. */

import { STAMP_BYTES } from './generator/frame-ring.ts'
import type { ConnectJob, IdleJob, MessageJob, Target } from './generator/job.ts'
import type { Placement } from './generator/placement.ts'
import type { ManagementApi } from './management-api.ts'
import type { TrafficKind } from './scenarios.ts'
import type { RunningServer } from './servers/server.ts'
import type { Shape } from './shape.ts'
import {
  listeningDevice,
  postingDevice,
  postPayloads,
  registerDevices,
} from './telemetry-devices.ts'

/** The part of a job that the workload decides. */
export type Traffic = MessageTraffic | ConnectTraffic | IdleTraffic
type MessageTraffic = Omit<MessageJob, keyof Target>
type ConnectTraffic = Omit<ConnectJob, keyof Target>
type IdleTraffic = Omit<IdleJob, keyof Target>

/** Publishers send to a topic of their own, and nobody is subscribed. */
export function ingest(shape: Shape): MessageTraffic {
  return {
    ...paceOf(shape),
    publishers: each(shape.publishers, (n) => ({
      login: { clientId: `p${n}` },
      topic: topicOf(n),
    })),
    subscribers: [],
    returns: 'nothing',
    payloads: [
      letters(shape.rate > 0 ? Math.max(STAMP_BYTES, shape.payloadBytes) : shape.payloadBytes),
    ],
  }
}

/** As ingest, with one subscriber to each topic. */
export function pairs(shape: Shape): MessageTraffic {
  return {
    ...ingest(shape),
    subscribers: each(shape.publishers, (n) => ({
      login: { clientId: `s${n}` },
      filters: [topicOf(n)],
    })),
    returns: 'delivery',
  }
}

/** Publishers with a topic each, and subscribers that have all of them: each of them every message. */
function fanIn(shape: Shape): MessageTraffic {
  return { ...spread(shape, shape.subscribers), ...listeners(shape, 'bench/#') }
}

/** All publishers send to one topic, to which all subscribers are subscribed. */
function fanOut(shape: Shape): MessageTraffic {
  const topic = 'bench/all/cmd'
  const { publishers, ...rest } = spread(shape, shape.subscribers)
  const toOne = publishers.map((one) => ({ ...one, topic }))
  return { ...rest, publishers: toOne, ...listeners(shape, topic) }
}

/** As fan-in, but of the subscribers, who share the work, one has each message. */
function shared(shape: Shape): MessageTraffic {
  return { ...spread(shape, 1), ...listeners(shape, '$share/perf/bench/#') }
}

/** What the scenarios of the table send. */
export const TRAFFIC: Readonly<Record<TrafficKind, (shape: Shape) => Traffic>> = {
  pairs,
  ingest,
  'fan-in': fanIn,
  'fan-out': fanOut,
  shared,
  connect: (shape) => waves(shape, false),
  'connect-tls': (shape) => waves(shape, true),
  idle: (shape) => idle(shape, false),
  'idle-tls': (shape) => idle(shape, true),
}

/** Clients connect and subscribe, and once more behind a pause; both are measured. */
function waves(shape: Shape, tls: boolean): ConnectTraffic {
  return { ...storm(shape, crowd(shape)), measured: 'both', tls }
}

/** Clients connect, subscribe and stay silent. */
function idle(shape: Shape, tls: boolean): IdleTraffic {
  return { kind: 'idle', clients: crowd(shape), qos: shape.qos, warmSec: shape.warmSec, tls }
}

/** What a device is subscribed to, as many of it as the shape says. */
function crowd({ clients, filters }: Shape): ConnectJob['clients'] {
  return each(clients, (n) => ({
    login: { clientId: `c${n}` },
    filters: [`dev/${n}/cmd/#`, `dev/${n}/cfg`, `dev/${n}/ota/+/state`].slice(0, filters),
  }))
}

function spread(shape: Shape, copies: number): MessageTraffic {
  const publishers = each(shape.publishers, (n) => ({
    login: { clientId: `p${n}` },
    topic: `bench/dev${n}/t`,
  }))
  return { ...ingest(shape), publishers, returns: 'copies', copies }
}

function listeners(shape: Shape, filter: string): Pick<MessageTraffic, 'subscribers'> {
  return {
    subscribers: each(shape.subscribers, (n) => ({
      login: { clientId: `s${n}` },
      filters: [filter],
    })),
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
    ...paceOf(shape),
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
    each(shape.clients, (n) => ({ login: { clientId: `c${n}` }, filters: [topicOf(n)] })),
  )
}

/** As connects, of registered devices. */
export async function deviceConnects(shape: Shape, server: RunningServer): Promise<ConnectTraffic> {
  const devices = await registerDevices(apiOf(server), shape.clients)
  return storm(shape, devices.map(listeningDevice))
}

function paceOf({ qos, window, chunk, rate, warmSec, seconds }: Shape): Pace {
  const pace = { kind: 'message', qos, window, chunk, warmSec, seconds } as const
  return rate > 0 ? { ...pace, rate } : pace
}

type Pace = Pick<MessageJob, 'kind' | 'qos' | 'window' | 'chunk' | 'rate' | 'warmSec' | 'seconds'>

function storm({ qos, warmSec }: Shape, clients: ConnectJob['clients']): ConnectTraffic {
  return { kind: 'connect', clients, qos, warmSec, measured: 'second', tls: false }
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
