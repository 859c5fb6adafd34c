/** What the figures of a workload are per, and which of them are its main ones. */
import type { WorkloadName } from './options.ts'
import type { Figures } from './round.ts'

export type Unit = 'message' | 'connect'

/** Figures that are costs of a server: lower is better. */
export type Cost = 'cpuUsPerMessage' | 'cpuUsPerConnect'

export const COSTS: Readonly<Record<Cost, string>> = {
  cpuUsPerMessage: 'CPU-µs/message',
  cpuUsPerConnect: 'CPU-µs/connect',
}

interface Measure {
  /** What one costs; how many a second. */
  readonly cost: Cost
  readonly rate: keyof Figures
  /** What servers are compared by, for what comes of a message may differ. */
  readonly compared: {
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
    compared: {
      noun: 'publish',
      plural: 'publishes',
      cost: 'cpuUsPerPublish',
      rate: 'publishesPerSec',
    },
  },
  connect: {
    cost: 'cpuUsPerConnect',
    rate: 'connectsPerSec',
    compared: {
      noun: 'connect',
      plural: 'connects',
      cost: 'cpuUsPerConnect',
      rate: 'connectsPerSec',
    },
  },
}

export function unitOf(workload: WorkloadName): Unit {
  return workload === 'connect' ? 'connect' : 'message'
}
