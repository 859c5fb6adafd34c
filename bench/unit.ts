/** What the figures of a workload are per, and which of them are its main ones. */
import type { WorkloadName } from './options.ts'
import type { Figures } from './round.ts'
import { scenarioOf } from './scenarios.ts'

export type Unit = 'message' | 'connect' | 'client'

/** Figures that are costs of a server: lower is better. */
export type Cost = 'cpuUsPerMessage' | 'cpuUsPerConnect' | 'cpuUsPerReconnect' | 'rssKibPerClient'

export const COSTS: Readonly<Record<Cost, string>> = {
  cpuUsPerMessage: 'CPU-µs/message',
  cpuUsPerConnect: 'CPU-µs/connect',
  cpuUsPerReconnect: 'CPU-µs/reconnect',
  rssKibPerClient: 'KiB/connection',
}

interface Measure {
  /** What one costs; how many a second. */
  readonly cost: Cost
  readonly rate: keyof Figures
  /** What the rate counts. */
  readonly plural: string
  /** What servers are compared by, for what comes of a message may differ. */
  readonly compared: {
    readonly what: 'CPU' | 'memory'
    readonly noun: string
    readonly plural: string
    readonly cost: keyof Figures
    readonly rate: keyof Figures
  }
}

export const MEASURES: Readonly<Record<Unit, Measure>> = {
  message: {
    cost: 'cpuUsPerMessage',
    rate: 'messagesPerSec',
    plural: 'messages',
    compared: {
      what: 'CPU',
      noun: 'publish',
      plural: 'publishes',
      cost: 'cpuUsPerPublish',
      rate: 'publishesPerSec',
    },
  },
  connect: {
    cost: 'cpuUsPerConnect',
    rate: 'connectsPerSec',
    plural: 'connects',
    compared: {
      what: 'CPU',
      noun: 'connect',
      plural: 'connects',
      cost: 'cpuUsPerConnect',
      rate: 'connectsPerSec',
    },
  },
  client: {
    cost: 'rssKibPerClient',
    rate: 'connectsPerSec',
    plural: 'connects',
    compared: {
      what: 'memory',
      noun: 'connection',
      plural: 'connects',
      cost: 'rssKibPerClient',
      rate: 'connectsPerSec',
    },
  },
}

export function unitOf(workload: WorkloadName): Unit {
  const traffic = scenarioOf(workload)?.traffic ?? workload
  if (traffic === 'idle' || traffic === 'idle-tls') return 'client'
  return traffic === 'connect' || traffic === 'connect-tls' ? 'connect' : 'message'
}
