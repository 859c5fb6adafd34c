/** What server and generator used between two moments of a run. */
import { readUsage, readVoluntarySwitches } from '../process-usage.ts'
import type { Target, Usage } from './job.ts'

export interface Moment {
  /** Milliseconds of the monotonic clock. */
  readonly at: number
  readonly generatorCpuSec: number
  readonly server: { readonly cpuSec: number; readonly rssKib: number } | undefined
  readonly switches: number | undefined
}

/** Synchronous: the caller's own counts belong to the same moment. */
export function momentOf({ serverPid, clockTicks }: Target): Moment {
  const self = process.cpuUsage()
  return {
    at: performance.now(),
    generatorCpuSec: (self.user + self.system) / 1e6,
    server: clockTicks === undefined ? undefined : readUsage(serverPid, clockTicks),
    switches: clockTicks === undefined ? undefined : readVoluntarySwitches(serverPid),
  }
}

export function usageBetween(from: Moment, to: Moment): Usage {
  const known = from.server !== undefined && to.server !== undefined
  const counted = from.switches !== undefined && to.switches !== undefined
  return {
    seconds: (to.at - from.at) / 1000,
    generatorCpuSec: to.generatorCpuSec - from.generatorCpuSec,
    ...(known && { serverCpuSec: to.server.cpuSec - from.server.cpuSec }),
    ...(known && { serverRssKib: to.server.rssKib }),
    ...(counted && { serverSwitches: to.switches - from.switches }),
  }
}
