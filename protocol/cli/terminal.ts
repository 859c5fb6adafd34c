/**
 * Where a command speaks: results to stdout, diagnostics to stderr. Passed in, so tests can listen.
 */
export interface Terminal {
  /** One result or more, as lines. */
  out(text: string): void
  /** Progress, warnings, errors. */
  err(text: string): void
  /** A person watches stderr: progress may overwrite its own line. */
  readonly interactive: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  /** What the process shall end with: 0 done, 1 failed, 2 wrong usage. */
  exitCode(code: 0 | 1 | 2): void
}

export const processTerminal: Terminal = {
  out: (text) => {
    process.stdout.write(text)
  },
  err: (text) => {
    process.stderr.write(text)
  },
  interactive: process.stderr.isTTY === true,
  env: process.env,
  exitCode: (code) => {
    process.exitCode = code
  },
}

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
