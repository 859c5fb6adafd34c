/** A real `tidegate serve` in a process and data directory of its own, on free ports. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../main.js', import.meta.url))
const START_MS = 30_000

export interface Ready {
  readonly pid: number
  readonly listeners: readonly {
    readonly url: string
    readonly protocol: string
    readonly profile: string
    readonly port: number
  }[]
  readonly api: { readonly url: string; readonly key?: string }
  readonly caFile?: string
  readonly demo: {
    readonly productKey: string
    readonly deviceName: string
    readonly deviceSecret: string
  }
}

export interface ServeOptions {
  /** Kept when the server ends; absent: a directory of its own, removed with it. */
  readonly data?: string
  readonly listen?: readonly string[]
  readonly args?: readonly string[]
  readonly node?: string
}

const LISTEN_ALL: readonly string[] = [
  'auto://127.0.0.1:0',
  'mqtts://127.0.0.1:0',
  'ws://127.0.0.1:0',
  'wss://127.0.0.1:0',
  'http://127.0.0.1:0',
]

export class RunningServer {
  readonly process: ChildProcess
  readonly ready: Ready
  readonly data: string
  readonly #output: string[]
  readonly #own: boolean

  private constructor(
    process: ChildProcess,
    ready: Ready,
    data: string,
    own: boolean,
    output: string[],
  ) {
    this.process = process
    this.ready = ready
    this.data = data
    this.#own = own
    this.#output = output
  }

  static async start(options: ServeOptions = {}): Promise<RunningServer> {
    const own = options.data === undefined
    const data = options.data ?? mkdtempSync(join(tmpdir(), 'tidegate-'))
    const readyFile = `${data}.ready.json`
    rmSync(readyFile, { force: true })
    const listen = (options.listen ?? LISTEN_ALL).flatMap((url) => ['--listen', url])
    const args = [
      'serve',
      '--demo',
      '--data',
      join(data, 'data'),
      '--ready-file',
      readyFile,
      ...listen,
    ]
    const child = spawn(
      options.node ?? process.execPath,
      [MAIN, ...args, ...(options.args ?? [])],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NODE_OPTIONS: '' },
      },
    )
    const output: string[] = []
    child.stdout.on('data', (chunk: Buffer) => output.push(String(chunk)))
    child.stderr.on('data', (chunk: Buffer) => output.push(String(chunk)))
    const deadline = Date.now() + START_MS
    while (!existsSync(readyFile)) {
      if (child.exitCode !== null || Date.now() > deadline) {
        child.kill('SIGKILL')
        throw new Error(`the server did not start (exit ${child.exitCode}):\n${output.join('')}`)
      }
      await wait(20)
    }
    const ready = JSON.parse(readFileSync(readyFile, 'utf8')) as Ready
    rmSync(readyFile, { force: true })
    return new RunningServer(child, ready, data, own, output)
  }

  /** Everything the server said so far, on both streams. */
  get output(): string {
    return this.#output.join('')
  }

  /** Port of the first listener with this scheme. */
  port(protocol: string): number {
    const listener = this.ready.listeners.find((one) => one.protocol === protocol)
    if (listener === undefined) throw new Error(`no ${protocol} listener`)
    return listener.port
  }

  /** Asks the management API as administrator. */
  async api(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`${this.ready.api.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.ready.api.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }

  /** Ends the process by a signal; resolves with its exit code, or `undefined` where the signal ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | undefined> {
    const child = this.process
    if (child.exitCode === null && child.signalCode === null) {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill(signal)
      await exited
    }
    return child.exitCode ?? undefined
  }

  /** Stops the server and removes what it left; for `t.after`. */
  async dispose(): Promise<void> {
    await this.stop('SIGKILL')
    if (this.#own) rmSync(this.data, { recursive: true, force: true })
  }
}
