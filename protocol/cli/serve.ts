/**
 * The life of a serving process: open, say so, wait for a signal, drain. Owned by the main thread. A first
 * signal drains, also while the platform is still opening; a second one ends the process at once.
 */
import type { Settings } from '../../core/domain/settings.ts'
import type { Diagnostics } from '../../core/ports/diagnostics.ts'
import { createDiagnostics } from './diagnostics.ts'
import { banner } from './serve-banner.ts'
import { type DemoDevice, openDemo } from './serve-demo.ts'
import { describeFault } from './serve-fault.ts'
import { LiveLine } from './serve-live-line.ts'
import { openFilesAdvice, readOwnLimits } from './serve-open-files.ts'
import type { OpenPlatform, ServedPlatform } from './serve-platform.ts'
import { readiness, removeReadyFile, writeReadyFile } from './serve-ready-file.ts'
import type { Terminal } from './terminal.ts'

export interface ServeOptions {
  readonly settings: Settings
  readonly demo: boolean
  readonly readyFile: string | undefined
}

/** The signals of the process, and its immediate end. */
interface ServeProcess {
  /** Calls at each signal that asks for an end, until the returned function is called. */
  onSignal(listener: (signal: string) => void): () => void
  exitNow(code: number): void
}

export interface ServeSurroundings {
  readonly openPlatform: OpenPlatform
  readonly terminal: Terminal
  readonly process: ServeProcess
  readonly version: string
  readonly invocation: string
}

const STOPPED_HARD = 130 // as a shell reports an end by Ctrl-C

/** Resolves when everything is closed; the exit code is told to the terminal. */
export async function serve(options: ServeOptions, around: ServeSurroundings): Promise<void> {
  const { terminal } = around
  const { settings } = options
  const live: { line: LiveLine | undefined } = { line: undefined }
  const diagnostics = await createDiagnostics({
    level: settings.logLevel,
    pretty: terminal.interactive,
    write: (text) => {
      live.line?.clear()
      terminal.err(text)
    },
  })
  const advice = openFilesAdvice(readOwnLimits(), settings.limits.connections)
  if (advice !== undefined) diagnostics.warn(advice)

  const stop = listenForStop(around)
  try {
    const platform = await openOrTell(settings, diagnostics, around)
    if (platform === undefined) return
    const failed = new Promise<Error>((resolve) => platform.onFailure(resolve))
    try {
      await announce(platform, options, around)
      if (terminal.interactive) {
        const now = (): number => performance.now()
        live.line = new LiveLine({
          status: () => platform.status(),
          write: (text) => terminal.err(text),
          now,
        })
        live.line.start()
      }
      const failure = await Promise.race([stop.asked, failed])
      if (failure !== undefined) tell(failure, diagnostics, around)
    } catch (error) {
      tell(error, diagnostics, around)
    } finally {
      live.line?.stop()
    }
    await drain(platform, options, diagnostics, around)
  } finally {
    stop.done()
  }
}

async function openOrTell(
  settings: Settings,
  diagnostics: Diagnostics,
  around: ServeSurroundings,
): Promise<ServedPlatform | undefined> {
  const secretKey = around.terminal.env['TIDEGATE_SECRET_KEY']
  try {
    return await around.openPlatform({
      settings,
      diagnostics,
      ...(secretKey === undefined ? {} : { secretKey }),
    })
  } catch (error) {
    tell(error, diagnostics, around)
    return undefined
  }
}

/** Demo, banner, and last the ready file: whoever waits for it finds everything in place. */
async function announce(
  platform: ServedPlatform,
  options: ServeOptions,
  around: ServeSurroundings,
): Promise<void> {
  const { version, invocation, terminal } = around
  const { data } = options.settings
  const demo: DemoDevice | undefined = options.demo ? await openDemo(platform) : undefined
  terminal.out(banner(platform, { version, invocation, data, demo }))
  if (options.readyFile !== undefined) {
    await writeReadyFile(options.readyFile, readiness(platform, demo))
  }
  if (terminal.interactive) terminal.err('\nCtrl-C stops the server.\n')
}

async function drain(
  platform: ServedPlatform,
  { readyFile }: ServeOptions,
  diagnostics: Diagnostics,
  around: ServeSurroundings,
): Promise<void> {
  const { terminal } = around
  if (terminal.interactive) terminal.err('\n')
  terminal.err('Stopping: clients are told, what they said is stored. Again stops at once.\n')
  try {
    if (readyFile !== undefined) await removeReadyFile(readyFile)
    await platform.close()
    terminal.err('Stopped.\n')
  } catch (error) {
    tell(error, diagnostics, around)
  }
}

function tell(error: unknown, diagnostics: Diagnostics, { terminal }: ServeSurroundings): void {
  const stack = error instanceof Error ? error.stack : undefined
  diagnostics.debug('what failed', { stack })
  terminal.err(`tidegate: ${describeFault(error)}\n`)
  terminal.exitCode(1)
}

interface Stop {
  readonly asked: Promise<undefined>
  readonly done: () => void
}

function listenForStop({ process }: ServeSurroundings): Stop {
  let done = (): void => {}
  const asked = new Promise<undefined>((resolve) => {
    let signals = 0
    done = process.onSignal(() => {
      signals += 1
      if (signals === 1) resolve(undefined)
      else process.exitNow(STOPPED_HARD)
    })
  })
  return { asked, done: () => done() }
}
