/**
 * CPU time and memory of another process, all its threads, from /proc (Linux). Read synchronously:
 * the caller's own counts must belong to the same moment.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessUsage {
  /** User and system time since its start, seconds. */
  readonly cpuSec: number
  readonly rssKib: number
  /** Of it what is no file: without the pages of the store that it has looked at. */
  readonly anonymousKib: number
}

/** Ticks per second of /proc/PID/stat; `undefined` where there is no such file. */
export function clockTicks(): number | undefined {
  if (process.platform !== 'linux') return undefined
  return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
}

/** `undefined` once the process is gone. */
export function readUsage(pid: number, ticksPerSec: number): ProcessUsage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    // proc(5): fields 14 and 15; the name in brackets may hold anything, so count from behind it
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const cpuSec = (Number(fields[11]) + Number(fields[12])) / ticksPerSec
    const kib = (pattern: RegExp): number => Number(pattern.exec(status)?.[1] ?? 0)
    return { cpuSec, rssKib: kib(/^VmRSS:\s+(\d+)/m), anonymousKib: kib(/^RssAnon:\s+(\d+)/m) }
  } catch {
    return undefined
  }
}

/** How often a thread of it gave up its CPU by itself, since each began; `undefined` once the process is gone. */
export function readVoluntarySwitches(pid: number): number | undefined {
  try {
    const counts = readdirSync(`/proc/${pid}/task`).map((thread) => {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8')
      return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0)
    })
    return counts.reduce((sum, count) => sum + count, 0)
  } catch {
    return undefined
  }
}
