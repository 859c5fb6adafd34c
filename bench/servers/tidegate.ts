/**
 * Tidegate itself, as an operator starts it, with its default durability: what it acknowledges is in
 * the log file. Every run starts on an empty data directory.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Child } from '../child.ts'
import { commit } from '../commit.ts'
import type { ManagementApi } from '../management-api.ts'
import {
  type Door,
  HOST,
  type Place,
  type RunningServer,
  type ServerName,
  type ServerUnderTest,
  started,
} from './server.ts'

const main = fileURLToPath(new URL('../../main.js', import.meta.url))

/** The door for MQTT first; behind it the management API registers devices and tells the status. */
const LISTENERS: Readonly<Record<Door, readonly string[]>> = {
  plain: [`mqtt://${HOST}:0?profile=plain&auth=anonymous`, `http://${HOST}:0`],
  tls: [`mqtts://${HOST}:0?profile=plain&auth=anonymous`, `http://${HOST}:0`],
  device: [`mqtt://${HOST}:0?profile=alibaba&auth=device`, `http://${HOST}:0`],
}

/** What it writes once it accepts; the file is renamed into place or being written as we look. */
export interface ReadyFile {
  readonly listeners: readonly { readonly port: number }[]
  readonly api?: ManagementApi
}

export const tidegate: ServerUnderTest = withShards('tidegate', 1)
export const shardedTidegates: readonly ServerUnderTest[] = [
  withShards('tidegate-2', 2),
  withShards('tidegate-4', 4),
]

function withShards(name: ServerName, shards: number): ServerUnderTest {
  return {
    name,
    unavailable: () => (existsSync(main) ? undefined : 'not built (npm run build)'),
    version: commit,
    start: (place: Place) => startTidegate(place, shards),
  }
}

/** @param settings  `key=value` each, other than the defaults */
export function startTidegate(
  { directory, cpu, door }: Place,
  shards: number,
  settings: readonly string[] = [],
): Promise<RunningServer> {
  const readyFile = join(directory, 'ready.json')
  const places = ['--data', join(directory, 'data'), '--ready-file', readyFile]
  const listen = LISTENERS[door].flatMap((url) => ['--listen', url])
  const set = settings.flatMap((setting) => ['--set', setting])
  const serve = [main, 'serve', ...places, '--shards', String(shards), ...listen, ...set]
  const child = new Child('tidegate', cpu, process.execPath, serve)
  return started(child, async () => {
    const ready = readReady(readyFile)
    const port = ready?.listeners[0]?.port
    if (ready === undefined || port === undefined) return undefined
    return { child, port, ...(ready.api && { api: ready.api }) }
  })
}

export function readReady(file: string): ReadyFile | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ReadyFile
  } catch {
    return undefined
  }
}
