/** The configuration file: YAML, of which JSON is a part. Read whole, once, at start. */
import { readFile, stat } from 'node:fs/promises'

export const DEFAULT_CONFIG_FILE = './tidegate.yaml'
const MAX_BYTES = 1_048_576
const MAX_ALIASES = 100 // a few lines of YAML could unfold into gigabytes

export type ConfigFile =
  | { readonly kind: 'ok'; readonly name: string; readonly content: unknown }
  | { readonly kind: 'absent' }
  | { readonly kind: 'fault'; readonly name: string; readonly message: string }

/** @param path  as `--config` gave it; without it the default file is read where there is one */
export async function readConfigFile(path: string | undefined): Promise<ConfigFile> {
  const name = path ?? DEFAULT_CONFIG_FILE
  let text: string
  try {
    const { size } = await stat(name)
    if (size > MAX_BYTES)
      return { kind: 'fault', name, message: `is larger than ${MAX_BYTES} bytes` }
    text = await readFile(name, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && path === undefined) return { kind: 'absent' }
    return { kind: 'fault', name, message: code === 'ENOENT' ? 'there is no such file' : message }
  }
  const { parseDocument } = await import('yaml')
  const document = parseDocument(text, { logLevel: 'silent' })
  const [error] = document.errors
  if (error !== undefined) {
    return { kind: 'fault', name, message: (error.message.split('\n')[0] ?? '').replace(/:$/, '') }
  }
  try {
    return { kind: 'ok', name, content: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown }
  } catch (cause) {
    return { kind: 'fault', name, message: cause instanceof Error ? cause.message : String(cause) }
  }
}
