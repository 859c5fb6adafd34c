/** CPU and memory of the server while something goes on, looked at again and again: of memory the highest. */
import { type ProcessUsage, readUsage } from '../process-usage.ts'

const EVERY_MS = 100

export interface ServerUse {
  /** CPU seconds per second; `undefined` where there is no /proc. */
  readonly serverCpu: number | undefined
  readonly rssMiB: number | undefined
  readonly anonymousMiB: number | undefined
}

export class ServerMemory {
  readonly #pid: number
  readonly #ticksPerSec: number | undefined
  readonly #timer: NodeJS.Timeout
  #from: ProcessUsage | undefined
  #fromMs: number
  #rssKib = 0
  #anonymousKib = 0

  constructor(pid: number, ticksPerSec: number | undefined) {
    this.#pid = pid
    this.#ticksPerSec = ticksPerSec
    this.#fromMs = performance.now()
    this.#from = this.#look()
    this.#timer = setInterval(() => this.#look(), EVERY_MS)
  }

  /** Since the call before. */
  take(): ServerUse {
    const to = this.#look()
    const toMs = performance.now()
    const from = this.#from
    const known = from !== undefined && to !== undefined
    const use = {
      serverCpu: known ? ((to.cpuSec - from.cpuSec) * 1000) / (toMs - this.#fromMs) : undefined,
      rssMiB: known ? this.#rssKib / 1024 : undefined,
      anonymousMiB: known ? this.#anonymousKib / 1024 : undefined,
    }
    this.#from = to
    this.#fromMs = toMs
    this.#rssKib = 0
    this.#anonymousKib = 0
    return use
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): ProcessUsage | undefined {
    if (this.#ticksPerSec === undefined) return undefined
    const usage = readUsage(this.#pid, this.#ticksPerSec)
    this.#rssKib = Math.max(this.#rssKib, usage?.rssKib ?? 0)
    this.#anonymousKib = Math.max(this.#anonymousKib, usage?.anonymousKib ?? 0)
    return usage
  }
}
