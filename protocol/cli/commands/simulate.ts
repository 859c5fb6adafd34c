/** `tidegate simulate <count>`: a fleet of devices against a running server. */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { action, type Client, clientCommand, show } from '../client.ts'
import { chooseSubject, deleteFleet, fleet, MAX_DEVICES, registerFleet } from '../simulate/fleet.ts'
import { type Summary, Tally } from '../simulate/tally.ts'
import { processTerminal, type Terminal, UsageError } from '../terminal.ts'
import { readInteger, readNumber } from '../values.ts'

const DEFAULT_PORT = '1883' // plain and TLS alike: the server tells them apart
const MAX_RATE = 50
const MAX_DURATION_SEC = 2_000_000 // what a timer can hold
const PROGRESS_MS = 1000
const QUIET_PROGRESS_MS = 10_000

interface SimulateOptions {
  readonly product: string
  readonly rate: string
  readonly duration?: string
  readonly property?: string
  readonly host?: string
  readonly port: string
  readonly tls?: boolean
  readonly ca?: string
  readonly connecting: string
  readonly cleanup?: boolean
}

export function addSimulateCommand(program: Command, terminal: Terminal = processTerminal): void {
  clientCommand(program, 'simulate', 'Connect a fleet of simulated devices and let them report')
    .argument('<count>', `devices sim-00001 and on; at most ${MAX_DEVICES}`)
    .requiredOption('--product <key>', 'product they belong to; missing devices are registered')
    .option('--rate <n>', 'posts of one device per second', '1')
    .option('--duration <seconds>', 'stop after; until Ctrl-C where absent')
    .option('--property <name>', 'number to report (temperature, else the first of the model)')
    .option('--host <host>', 'MQTT host (that of --url)')
    .option('--port <port>', 'MQTT port', DEFAULT_PORT)
    .option('--tls', 'connect with TLS')
    .option('--ca <file>', 'PEM of who signed the server certificate; implies --tls')
    .option('--connecting <n>', 'handshakes at once', '50')
    .option('--cleanup', 'delete the devices afterwards')
    .addHelpText(
      'after',
      '\nExample:\n  tidegate simulate 1000 --product k1demoPK01a --rate 0.2 --duration 60 --cleanup',
    )
    .action(
      action(terminal, async (client, count: string, options: SimulateOptions) => {
        const devices = readInteger('<count>', count, 1, MAX_DEVICES)
        const identities = fleet(client.api, options.product, devices)
        const settings = readSettings(client, options)
        const subject = await chooseSubject(client.api, options.product, options.property)
        if (subject.warning !== undefined) terminal.err(`${subject.warning}\n`)
        const made = await registerFleet(client.api, identities)
        if (made > 0) terminal.err(`registered ${counted(made)}\n`)
        try {
          const { simulate } = await import('../simulate/simulation.ts') // an MQTT library, for this command only
          const tally = new Tally()
          const summary = await watched(client, settings.durationSec, devices, tally, (signal) =>
            simulate({ identities, ...settings, ...subject }, tally, signal),
          )
          tell(client, summary)
        } finally {
          if (options.cleanup === true) {
            terminal.err(`deleted ${counted(await deleteFleet(client.api, identities))}\n`)
          }
        }
      }),
    )
}

/** Runs `work` until the time is over or Ctrl-C is pressed, and shows how it goes. */
async function watched(
  client: Client,
  durationSec: number | undefined,
  devices: number,
  tally: Tally,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<Summary> {
  const { terminal } = client
  const stop = new AbortController()
  const abort = (): void => stop.abort()
  process.once('SIGINT', abort)
  const timer = durationSec === undefined ? undefined : setTimeout(abort, durationSec * 1000)
  const [start, end] = terminal.interactive ? ['\r\u001b[K', ''] : ['', '\n']
  const progress = setInterval(
    () => terminal.err(`${start}${tally.line(devices)}${end}`),
    terminal.interactive ? PROGRESS_MS : QUIET_PROGRESS_MS,
  )
  // What stood when the time was over: closing takes the connections away.
  const atEnd = new Promise<number>((resolve) => {
    stop.signal.addEventListener('abort', () => resolve(tally.connected), { once: true })
  })
  try {
    await work(stop.signal)
    return { ...tally.summary(devices), connected: await atEnd }
  } finally {
    clearInterval(progress)
    clearTimeout(timer)
    process.removeListener('SIGINT', abort)
    if (terminal.interactive) terminal.err('\r\u001b[K')
  }
}

/** Fails where nothing was acknowledged: whoever scripts this wants to know. */
function tell(client: Client, summary: Summary): void {
  const { errors, ...numbers } = summary
  show(client, summary, { ...numbers, ...prefixed(errors) })
  if (summary.acks === 0) client.terminal.exitCode(1)
  if (Object.keys(errors).some((reason) => reason.includes('Not authorized'))) {
    client.terminal.err(
      'Refused devices were registered with another access key: delete them, or use that key.\n',
    )
  }
}

function prefixed(errors: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(errors).map(([why, n]) => [`error: ${why}`, n]))
}

interface SimulateSettings {
  readonly server: { host: string; port: number; tls: boolean; ca: Buffer | undefined }
  readonly ratePerSec: number
  readonly connecting: number
  readonly durationSec: number | undefined
}

function readSettings(client: Client, options: SimulateOptions): SimulateSettings {
  const { duration, ca } = options
  const urlHost = new URL(client.api.url).hostname.replace(/^\[|\]$/g, '')
  return {
    server: {
      host: options.host ?? urlHost,
      port: readInteger('--port', options.port, 1, 65_535),
      tls: options.tls === true || ca !== undefined,
      ca: ca === undefined ? undefined : readCa(ca),
    },
    ratePerSec: readNumber('--rate', options.rate, 0.001, MAX_RATE),
    connecting: readInteger('--connecting', options.connecting, 1, 1000),
    durationSec:
      duration === undefined
        ? undefined
        : readNumber('--duration', duration, 0.1, MAX_DURATION_SEC),
  }
}

function readCa(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new UsageError(`--ca: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function counted(devices: number): string {
  return devices === 1 ? '1 device' : `${devices} devices`
}
