/** The whole program over a platform that is not there: what it says, what it ends with, signals by hand. */
import type { StatusReport } from '../../../core/domain/status.ts'
import { runProgram } from '../../../protocol/cli/program.ts'
import type {
  OpenPlatform,
  OpenPlatformOptions,
  ServedListener,
  ServedPlatform,
} from '../../../protocol/cli/serve-platform.ts'
import { serviceHouse } from '../../support/service-house.ts'
import { servingShard } from '../../support/shard-status.ts'

export const LISTENERS: readonly ServedListener[] = [
  {
    url: 'auto://127.0.0.1:41883',
    protocol: 'auto',
    profile: 'alibaba',
    host: '127.0.0.1',
    port: 41883,
  },
  {
    url: 'ws://[::]:48083?profile=plain&auth=password',
    protocol: 'ws',
    profile: 'plain',
    host: '::',
    port: 48083,
  },
  {
    url: 'http://0.0.0.0:48080',
    protocol: 'http',
    profile: 'alibaba',
    host: '0.0.0.0',
    port: 48080,
  },
]

export class FakePlatform implements ServedPlatform {
  readonly listeners: readonly ServedListener[] = LISTENERS
  readonly caFile = '/data/tls/ca.crt'
  readonly adminKeyFile = '/data/admin.key'
  readonly isNew = true
  readonly services: ServedPlatform['services']
  readonly reader: ServedPlatform['reader']
  key: string | undefined = 'ak1.secret'
  closed = 0
  fail: (error: Error) => void = () => {}
  report: StatusReport = statusReport({})

  constructor() {
    const { services, registry } = serviceHouse()
    this.services = services
    this.reader = registry
  }

  adminKey(): string | undefined {
    return this.key
  }

  status(): Promise<StatusReport> {
    return Promise.resolve(this.report)
  }

  onFailure(listener: (error: Error) => void): void {
    this.fail = listener
  }

  close(): Promise<void> {
    this.closed += 1
    return Promise.resolve()
  }
}

/** One call of the program, still under way. */
export class RunningProgram {
  out = ''
  err = ''
  code = 0
  /** Set by an end at once. */
  exitedNow: number | undefined
  opened: OpenPlatformOptions | undefined
  readonly done: Promise<void>
  readonly #signals = new Set<(signal: string) => void>()
  readonly #watchers = new Set<() => void>()

  constructor(
    args: readonly string[],
    open: OpenPlatform = () => Promise.resolve(new FakePlatform()),
    env: Readonly<Record<string, string>> = {},
    interactive = false,
  ) {
    this.done = runProgram(args, {
      openPlatform: (options) => {
        this.opened = options
        return open(options)
      },
      terminal: {
        out: (text) => this.#heard(() => (this.out += text)),
        err: (text) => this.#heard(() => (this.err += text)),
        interactive,
        env,
        exitCode: (code) => {
          this.code = code
        },
      },
      process: {
        onSignal: (listener) => {
          this.#signals.add(listener)
          return () => this.#signals.delete(listener)
        },
        exitNow: (code) => {
          this.exitedNow = code
        },
      },
      version: '9.8.7',
      invocation: 'node dist/main.js',
    })
  }

  /** How many listen for signals now. */
  get listening(): number {
    return this.#signals.size
  }

  signal(name = 'SIGINT'): void {
    for (const listener of this.#signals) listener(name)
  }

  /** Resolves once either stream has said it. */
  said(what: RegExp): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!what.test(this.out) && !what.test(this.err)) return
        this.#watchers.delete(look)
        resolve()
      }
      this.#watchers.add(look)
      look()
    })
  }

  #heard(take: () => void): void {
    take()
    for (const look of this.#watchers) look()
  }
}

export function statusReport(figures: {
  readonly online?: number
  readonly messagesIn?: number
  readonly messagesOut?: number
  readonly lagMs?: number
}): StatusReport {
  const { online = 0, messagesIn = 0, messagesOut = 0, lagMs = 0 } = figures
  return {
    version: '9.8.7',
    startedAt: 0,
    uptimeSec: 1,
    durability: 'commit',
    shards: [
      servingShard({
        connections: online,
        devicesOnline: online,
        messagesIn,
        messagesOut,
        lagMs,
      }),
    ],
    devices: { registered: 2000, online },
    recovery: { entries: 0, rows: 0, tookMs: 0 },
    memory: { rssBytes: 1 },
    cpu: { userSec: 0, systemSec: 0 },
  }
}
