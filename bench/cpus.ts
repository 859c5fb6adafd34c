/**
 * One CPU for the server, another for the generator: so that neither takes the other's time, caches
 * or turbo. Needs `taskset` and `chrt` (util-linux) and two CPUs; else both float, and the report says so.
 */
import { readFileSync } from 'node:fs'
import { findProgram } from './programs.ts'

export interface CpuPlan {
  readonly server: number | undefined
  readonly generator: number | undefined
  /** Why nothing is pinned; `undefined`: it is. */
  readonly unpinned: string | undefined
}

export function planCpus(): CpuPlan {
  for (const program of ['taskset', 'chrt']) {
    if (findProgram(program) === undefined) return floating(`${program} is not installed`)
  }
  const [server, generator] = allowedCpus()
  if (server === undefined || generator === undefined) return floating('fewer than two CPUs')
  return { server, generator, unpinned: undefined }
}

/**
 * Command and arguments that run `command` on `cpu`; taskset and chrt become the program, so the pid stays.
 *
 * As a batch process (util-linux has both): threads that share the one CPU have longer slices. Several shards
 * never share one where they are of use, and else part of their cost would be caches that the others emptied.
 */
export function pinned(
  cpu: number | undefined,
  command: string,
  args: readonly string[],
): [string, string[]] {
  if (cpu === undefined) return [command, [...args]]
  return ['taskset', ['-c', String(cpu), 'chrt', '--batch', '0', command, ...args]]
}

function floating(reason: string): CpuPlan {
  return { server: undefined, generator: undefined, unpinned: reason }
}

/** CPUs this process may use, in order: a container may have been given few of many. */
function allowedCpus(): number[] {
  const status = readFileSync('/proc/self/status', 'utf8')
  const list = /^Cpus_allowed_list:\s+(\S+)/m.exec(status)?.[1] ?? ''
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}
