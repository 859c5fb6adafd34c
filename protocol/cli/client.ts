/**
 * What every client command shares: the options that name the server, the key and the form of the
 * answer, and how a command ends. Exit codes: 0 done, 1 failed, 2 wrong usage.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { ApiClient, ApiError } from './api-client.ts'
import { record, table } from './table.ts'
import { type Terminal, UsageError } from './terminal.ts'

const DEFAULT_URL = 'http://127.0.0.1:8080'
const DEFAULT_DATA = './data'
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost'])

interface ClientOptions {
  readonly url?: string
  readonly key?: string
  readonly data?: string
  readonly json?: boolean
}

/** A running command: its way to the API, and its way to the person or program that called it. */
export interface Client {
  readonly api: ApiClient
  readonly terminal: Terminal
  readonly json: boolean
}

/** A top-level command that takes the client options, as do the commands under it. */
export function clientCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--url <url>', `address of the server (TIDEGATE_URL, else ${DEFAULT_URL})`)
    .option(
      '--key <id.secret>',
      'access key; others may see it in the process list: prefer TIDEGATE_KEY',
    )
    .option('--data <dir>', `where admin.key of a local server lies (${DEFAULT_DATA})`)
    .option('--json', 'answer in JSON')
    .configureHelp({ showGlobalOptions: true })
}

/** A command under another; `usage` as commander reads it: `show <product> [device]`. */
export function subcommand(parent: Command, usage: string, description: string): Command {
  return parent.command(usage).description(description).configureHelp({ showGlobalOptions: true })
}

/**
 * The action of a command: `work` gets the client, then the command's arguments and its options.
 * Its errors are told on stderr and in the exit code; only a defect of ours is thrown on.
 */
export function action<Args extends unknown[]>(
  terminal: Terminal,
  work: (client: Client, ...args: Args) => Promise<void>,
): (...all: unknown[]) => Promise<void> {
  return async (...all) => {
    const command = all.at(-1)
    if (!(command instanceof Command)) throw new TypeError('not called by commander')
    try {
      await work(
        openClient(command.optsWithGlobals<ClientOptions>(), terminal),
        ...(all.slice(0, -1) as Args),
      )
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof UsageError)) throw error
      terminal.err(`${error.message}\n`)
      terminal.exitCode(error instanceof UsageError ? 2 : 1)
    }
  }
}

/** One thing: as JSON whole, for people the fields named. */
export function show(
  client: Client,
  value: unknown,
  fields: Readonly<Record<string, unknown>>,
): void {
  client.terminal.out(`${client.json ? JSON.stringify(value, undefined, 2) : record(fields)}\n`)
}

/** A listing of any length: people get a table, programs one JSON array. */
export async function list<T>(
  client: Client,
  items: AsyncIterable<T> | readonly T[],
  headings: readonly string[],
  row: (item: T) => readonly unknown[],
): Promise<void> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  const text = client.json ? JSON.stringify(all, undefined, 2) : table(headings, all.map(row))
  client.terminal.out(`${text}\n`)
}

function openClient(options: ClientOptions, terminal: Terminal): Client {
  const url = options.url ?? terminal.env['TIDEGATE_URL'] ?? DEFAULT_URL
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw new UsageError(`--url: ${JSON.stringify(url)} is not an http or https address.`)
  }
  const key = options.key ?? terminal.env['TIDEGATE_KEY'] ?? adminKey(options, parsed)
  return { api: new ApiClient({ url, key }), terminal, json: options.json === true }
}

/**
 * The key that a local server left in its data directory; never offered to a remote address
 * unasked.
 */
function adminKey({ data }: ClientOptions, url: URL): string | undefined {
  if (data === undefined && !LOOPBACK.has(url.hostname)) return undefined
  const file = join(data ?? DEFAULT_DATA, 'admin.key')
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (data === undefined) return undefined
    const reason = error instanceof Error ? error.message : String(error)
    throw new UsageError(`--data: ${file} cannot be read: ${reason}`)
  }
}
