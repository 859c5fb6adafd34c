/** A program that is not ours, run by a test and gone with it: its lines as they come, and its end. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import { AwaitedList } from './awaited-list.ts'

/** A program and its arguments. */
export type CommandLine = readonly [string, ...string[]]

export class ForeignProcess {
  /** Of both streams. */
  readonly lines: AwaitedList<string> = new AwaitedList()
  /** Its exit code, or the signal that ended it; behind its last line. */
  readonly ended: Promise<number | NodeJS.Signals>
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      let rest = ''
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) this.lines.push(line)
      })
    }
    this.ended = new Promise((resolve) => {
      child.on('error', (error) => this.lines.push(error.message))
      child.once('close', (code, signal) => {
        this.lines.end(`it ended with ${code ?? signal}`)
        resolve(code ?? signal ?? 0)
      })
    })
  }

  static start(t: TestContext, [command, ...args]: CommandLine, input = ''): ForeignProcess {
    const child = spawn(command, args, { stdio: 'pipe' })
    t.after(() => child.kill('SIGKILL'))
    child.stdin.on('error', () => {}) // it may end without having read
    child.stdin.end(input)
    return new ForeignProcess(child)
  }

  line(pattern: RegExp): Promise<string> {
    return this.lines.find((line) => pattern.test(line))
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
