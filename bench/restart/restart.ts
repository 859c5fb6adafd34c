/**
 * How long a start takes: behind a crash that left a long tail in the message logs, and behind a clean
 * shutdown. The real server on a data directory made for it, with its default settings; on all CPUs, as
 * nothing else runs.
 */
import { rmSync, statfsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { atExit } from '../at-exit.ts'
import { Child } from '../child.ts'
import { readUsage } from '../process-usage.ts'
import { type ReadyFile, readReady } from '../servers/tidegate.ts'
import { makeCrashedFleet } from './crashed-fleet.ts'

const main = fileURLToPath(new URL('../../main.js', import.meta.url))
const START_MS = 600_000
const SETTLED_MS = 2000 // the server has begun with what it does behind a crash
const BYTES_PER_DEVICE = 1000 // of the store, and as much again while it is written

export interface RestartOptions {
  readonly devices: number
  readonly logBytes: number
  readonly shards: number
}

export interface RestartReport extends RestartOptions {
  readonly entries: number
  readonly crash: StartFigures
  readonly clean: StartFigures
}

interface StartFigures {
  /** From the start of the process until it accepts. */
  readonly readySec: number
  readonly replayedEntries: number
  readonly replayedRows: number
  readonly replaySec: number
  readonly rssMiB: number | undefined
}

/** @throws where the server does not start, or has not replayed what was written */
export async function restart(
  options: RestartOptions,
  tell: (line: string) => void,
): Promise<RestartReport> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-bench-'))
  const remove = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  const removed = atExit(remove)
  try {
    checkRoom(directory, options)
    const { devices, logBytes, shards } = options
    const data = join(directory, 'data')
    const plan = { directory: data, devices, logBytes, logs: shards }
    const { entries } = await makeCrashedFleet(plan, tell)
    const crash = await timedStart(data, shards)
    tell(`behind the crash: ready after ${crash.readySec.toFixed(1)} s`)
    if (crash.replayedEntries !== entries) {
      throw new Error(`${entries} entries were written, ${crash.replayedEntries} replayed`)
    }
    const clean = await timedStart(data, shards)
    tell(`behind a clean shutdown: ready after ${clean.readySec.toFixed(1)} s`)
    return { ...options, entries, crash, clean }
  } finally {
    remove()
    removed()
  }
}

export function renderRestart({ devices, logBytes, shards, ...report }: RestartReport): string {
  const { entries, crash, clean } = report
  const line = (name: string, figures: StartFigures): string => {
    const { readySec, replaySec, replayedEntries, replayedRows, rssMiB } = figures
    const memory = rssMiB === undefined ? 'n/a' : `${Math.round(rssMiB)} MiB`
    const replayed = `${replayedEntries} entries into ${replayedRows} rows in ${replaySec.toFixed(1)} s`
    return `${name.padEnd(24)} ready after ${readySec.toFixed(1)} s; ${replayed}; RSS ${memory}`
  }
  return [
    `restart: ${devices} devices, ${shards} shards, ${Math.round(logBytes / 1e6)} MB of log (${entries} entries)`,
    line('behind a crash', crash),
    line('behind a clean shutdown', clean),
    '',
  ].join('\n')
}

async function timedStart(data: string, shards: number): Promise<StartFigures> {
  const readyFile = `${data}.ready.json`
  rmSync(readyFile, { force: true })
  const listen = ['--listen', 'mqtt://127.0.0.1:0?profile=alibaba&auth=device']
  const api = ['--listen', 'http://127.0.0.1:0']
  const options = ['--data', data, '--shards', String(shards), '--ready-file', readyFile]
  const startedAt = performance.now()
  const child = new Child('tidegate', undefined, process.execPath, [
    main,
    'serve',
    ...options,
    ...listen,
    ...api,
  ])
  try {
    const ready = await child.until(() => readReady(readyFile), START_MS)
    const readySec = (performance.now() - startedAt) / 1000
    await sleep(SETTLED_MS)
    const usage = readUsage(child.pid, 100)
    const { entries, rows, tookMs } = await recoveryOf(ready)
    return {
      readySec,
      replayedEntries: entries,
      replayedRows: rows,
      replaySec: tookMs / 1000,
      rssMiB: usage === undefined ? undefined : usage.rssKib / 1024,
    }
  } finally {
    await child.stop()
  }
}

interface RecoveryStatus {
  readonly entries: number
  readonly rows: number
  readonly tookMs: number
}

async function recoveryOf({ api }: ReadyFile): Promise<RecoveryStatus> {
  if (api === undefined) throw new Error('The server told no management API.')
  const headers = { authorization: `Bearer ${api.key}` }
  const response = await fetch(`${api.url.replace(/\/+$/, '')}/api/v1/status`, { headers })
  if (!response.ok) throw new Error(`status: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { readonly recovery: RecoveryStatus }).recovery
}

function checkRoom(directory: string, { devices, logBytes }: RestartOptions): void {
  const { bavail, bsize } = statfsSync(directory)
  const needed = logBytes + 2 * devices * BYTES_PER_DEVICE
  if (bavail * bsize < needed) {
    throw new Error(
      `${directory} has ${Math.round((bavail * bsize) / 1e6)} MB left, ${Math.round(needed / 1e6)} MB are needed: ` +
        'ask for less, or set TMPDIR',
    )
  }
}
