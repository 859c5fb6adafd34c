/** `--ready-file`: one JSON object for scripts, written whole once every listener is up. It holds secrets: 0600. */
import { randomBytes } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { isJsonObject, parseJson } from '../../core/domain/json.ts'
import type { DemoDevice } from './serve-demo.ts'
import { apiUrl } from './serve-endpoints.ts'
import type { ServedPlatform } from './serve-platform.ts'

/** `key` while data/admin.key is there; `api` where there is an http listener. */
export function readiness(
  platform: Pick<ServedPlatform, 'listeners' | 'caFile' | 'adminKey'>,
  demo: DemoDevice | undefined,
): object {
  const url = apiUrl(platform.listeners)
  return {
    pid: process.pid,
    listeners: platform.listeners.map(({ url: at, protocol, profile, port }) => ({
      url: at,
      protocol,
      profile,
      port,
    })),
    api: url === undefined ? undefined : { url, key: platform.adminKey() },
    caFile: platform.caFile,
    demo,
  }
}

/** A reader finds the whole object or none. */
export async function writeReadyFile(path: string, content: object): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(temporary, `${JSON.stringify(content)}\n`, { mode: 0o600, flag: 'wx' })
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Takes back what this process wrote; another's stays. */
export async function removeReadyFile(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const content = parseJson(text)
  if (isJsonObject(content) && content['pid'] === process.pid) await rm(path, { force: true })
}
