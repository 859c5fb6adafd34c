/**
 * A process that the harness started: watched while it runs, ended by its own pid, never by name.
 * Whichever way the harness ends, it does not outlive it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { atExit } from './at-exit.ts'
import { pinned } from './cpus.ts'

const STOP_MS = 5000
/** The end of what it wrote to stderr, for the message when it fails. */
const KEPT_CHARS = 2000

export class Child {
  readonly #name: string
  readonly #process: ChildProcess
  readonly #closed: Promise<unknown>
  #alive = true
  #output = ''
  #errors = ''

  /** @param input  written to its stdin, which is then closed */
  constructor(
    name: string,
    cpu: number | undefined,
    command: string,
    args: readonly string[],
    input = '',
  ) {
    this.#name = name
    const [file, argv] = pinned(cpu, command, args)
    const env = { ...process.env, NODE_ENV: 'production' }
    const child = spawn(file, argv, { env, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#process = child
    const gone = atExit(() => child.kill('SIGKILL'))
    this.#closed = once(child, 'close').finally(() => {
      this.#alive = false
      gone()
    })
    this.#closed.catch((error: unknown) => this.#keep(String(error))) // could not be started
    child.stdin.on('error', () => undefined) // it ended without reading; its exit code tells
    child.stdin.end(input)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-1_000_000)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#keep(text))
  }

  /** 0 where it could not be started. */
  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** Calls `attempt` until it gives a value. @throws when the process ends or `timeoutMs` are over */
  async until<T>(
    attempt: () => Promise<T | undefined> | T | undefined,
    timeoutMs: number,
  ): Promise<T> {
    const end = performance.now() + timeoutMs
    while (this.#alive && performance.now() < end) {
      const value = await attempt()
      if (value !== undefined) return value
      await sleep(20)
    }
    throw this.#failure(this.#alive ? 'was not ready in time' : 'ended before it was ready')
  }

  /** What it printed, once it ended well. @throws when it fails or `timeoutMs` are over */
  async finished(timeoutMs: number): Promise<string> {
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), timeoutMs)
    try {
      await this.#closed
    } catch (error) {
      throw this.#failure('could not be started', error)
    } finally {
      clearTimeout(timer)
    }
    const { exitCode, signalCode } = this.#process
    if (exitCode === 0) return this.#output
    throw this.#failure(`ended with ${signalCode ?? exitCode}`)
  }

  /** SIGTERM, and after 5 s SIGKILL; resolves once it is gone. */
  async stop(): Promise<void> {
    if (!this.#alive) return
    this.#process.kill('SIGTERM')
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS)
    await this.#closed.finally(() => clearTimeout(timer))
  }

  #keep(text: string): void {
    this.#errors = (this.#errors + text).slice(-KEPT_CHARS)
  }

  #failure(what: string, cause?: unknown): Error {
    const errors = this.#errors.trim()
    return new Error(`${this.#name} ${what}${errors === '' ? '' : `:\n${errors}`}`, { cause })
  }
}
