/** What the figures of a workload are per, and which of them are its main ones. */
import type { WorkloadName } from './options.ts'
import type { Figures } from './round.ts'

export type Unit = 'message' | 'connect'

interface Measure {
  /** CPU-µs for one; how many a second. */
  readonly cost: keyof Figures
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
