/** The workloads: who connects, what is sent, what comes back. Same definitions for every server. */
import type { Job } from './generator/job.ts'
import type { Shape } from './options.ts'
import type { RunningServer } from './servers/server.ts'
import { postPayloads, registerDevices } from './telemetry-devices.ts'

/** The part of a job that the workload decides. */
export type Traffic = Pick<Job, 'publishers' | 'subscribers' | 'returns' | 'payloads' | 'qos'>

/** Publishers send to a topic of their own, and nobody is subscribed. */
export function ingest(shape: Shape): Traffic {
  return {
    publishers: each(shape, (n) => ({ login: { clientId: `p${n}` }, topic: topicOf(n) })),
    subscribers: [],
    returns: 'nothing',
    payloads: [letters(shape.payloadBytes)],
    qos: shape.qos,
  }
}

/** As ingest, with one subscriber to each topic. */
export function pairs(shape: Shape): Traffic {
  return {
    ...ingest(shape),
    subscribers: each(shape, (n) => ({ login: { clientId: `s${n}` }, filter: topicOf(n) })),
    returns: 'delivery',
  }
}

/** Registered devices post properties of their thing model; the platform replies to each post. */
export async function telemetry(shape: Shape, server: RunningServer): Promise<Traffic> {
  if (server.api === undefined) throw new Error('This server told no management API.')
  return {
    publishers: await registerDevices(server.api, shape.publishers),
    subscribers: [],
    returns: shape.replies ? 'reply' : 'nothing',
    payloads: postPayloads(shape.window, shape.replies),
    qos: shape.qos,
  }
}

function each<T>(shape: Shape, make: (number: string) => T): T[] {
  return Array.from({ length: shape.publishers }, (_, i) => make(String(i).padStart(5, '0')))
}

function topicOf(number: string): string {
  return `dev/${number}/telemetry`
}

function letters(bytes: number): string {
  return 'abcdefghijklmnopqrstuvwxyz'.repeat(Math.ceil(bytes / 26)).slice(0, bytes)
}
