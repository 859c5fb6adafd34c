/** The limit of open files, checked at start: each connection is one. Linux only; elsewhere nothing is said. */
import { readFileSync } from 'node:fs'

const LIMITS_FILE = '/proc/self/limits'
const OWN_FILES = 256 // store, logs, listeners, pipes of threads, with room

/**
 * Advice where the limit is below what the settings allow; `undefined` where it is enough or unknown.
 *
 * @param limits  text of `/proc/<pid>/limits`
 */
export function openFilesAdvice(limits: string, connections: number): string | undefined {
  const [, soft] = /^Max open files\s+(\d+)\s/m.exec(limits) ?? [] // "unlimited" is enough
  const needed = connections + OWN_FILES
  if (soft === undefined || Number(soft) >= needed) return undefined
  const room = Math.max(0, Number(soft) - OWN_FILES)
  return (
    `open files are limited to ${soft}, enough for about ${room} of ${connections} connections: ` +
    `run \`ulimit -n ${needed}\` before the start (systemd: LimitNOFILE=${needed}), ` +
    'or lower limits.connections'
  )
}

/** The limits of this process; empty where the system does not tell. */
export function readOwnLimits(): string {
  try {
    return readFileSync(LIMITS_FILE, 'utf8')
  } catch {
    return ''
  }
}
