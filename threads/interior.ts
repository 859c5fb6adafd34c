/**
 * Everything that is open behind a `Platform`, in the order of what it needs: data directory, threads, reader,
 * services, management API. Each step that succeeded leaves its undoing; closing runs them backwards, as does
 * a start that fails half-way.
 */
import { PlatformError } from '../core/domain/errors.ts'
import type { ListenerSpec, Settings } from '../core/domain/settings.ts'
import type { StatusReport } from '../core/domain/status.ts'
import type { Diagnostics } from '../core/ports/diagnostics.ts'
import type { RegistryReader } from '../core/ports/registry-reader.ts'
import { createServices, type Services } from '../core/services/services.ts'
import type { AuthenticationHook, LoginHook } from '../protocol/mqtt/login.ts'
import { type CertificateFiles, certificateFiles } from '../protocol/tls/certificate-files.ts'
import {
  type DataDirectory,
  openDataDirectory,
  writeSecretFile,
} from '../storage/data-directory.ts'
import { Environment } from '../storage/environment.ts'
import { RegistryStore } from '../storage/registry-store.ts'
import { loadSecretKey, SecretBox } from '../storage/sealed-secret.ts'
import { type BoundListener, boundListener, openApiDoor } from './api-doors.ts'
import { deviceOwners } from './device-owners.ts'
import { freeListeners } from './free-ports.ts'
import { PlatformStatus } from './platform-status.ts'
import { type PlatformThreads, startThreads } from './platform-threads.ts'
import { systemClock, systemRandom } from './system.ts'
import { tellSystemFigures } from './system-figures.ts'

export interface InteriorOptions {
  readonly settings: Settings
  readonly diagnostics: Diagnostics
  readonly secretKey: string | undefined
  readonly login: LoginHook | undefined
  readonly authenticate: AuthenticationHook | undefined
  readonly version: string
  /** A thread ended without being asked to. */
  readonly onFailure: (error: PlatformError) => void
}

export interface Interior {
  readonly data: DataDirectory
  readonly threads: PlatformThreads
  readonly reader: RegistryReader
  readonly services: Services
  readonly listeners: readonly BoundListener[]
  readonly caFile: string | undefined
  status(): Promise<StatusReport>
  close(): Promise<void>
}

/** @throws as `Platform.open` */
export async function openInterior(options: InteriorOptions): Promise<Interior> {
  const { settings, diagnostics, login, authenticate } = options
  if (login === undefined && authenticate === undefined) refuseHooks(settings.listeners)
  const free = await freeListeners(settings.listeners, diagnostics)
  const undo: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    const faults: unknown[] = []
    for (const step of undo.splice(0).toReversed()) {
      try {
        await step()
      } catch (error) {
        faults.push(error) // the others are undone all the same
      }
    }
    if (faults.length > 0) throw faults[0]
  }
  try {
    return await build(options, free.specs, undo, close)
  } catch (error) {
    await close().catch(() => {}) // why it could not start matters more
    throw error
  } finally {
    free.release()
  }
}

async function build(
  options: InteriorOptions,
  specs: readonly ListenerSpec[],
  undo: (() => unknown)[],
  close: () => Promise<void>,
): Promise<Interior> {
  const { settings, diagnostics } = options
  const data = openDataDirectory(settings.data)
  undo.push(() => data.release())
  const secretKey = loadSecretKey(data.secretKey, options.secretKey, systemRandom)
  const mqtt = specs.filter(({ protocol }) => protocol !== 'http')
  const certificate = await certificateFor(mqtt, data, options)
  const threads = await startThreads({ ...options, data, secretKey, listeners: mqtt, certificate })
  undo.push(() => threads.close())
  const environment = Environment.open({ path: data.store, readOnly: true })
  undo.push(() => environment.close())
  const reader = new RegistryStore(environment, new SecretBox(secretKey, systemRandom))
  const { presence, shards, storage } = threads
  const owner = deviceOwners(shards, presence)
  const services = createServices({
    reader,
    writer: storage,
    owner,
    clock: systemClock,
    random: systemRandom,
  })
  await makeAdminKey(services, data)

  const platformStatus = new PlatformStatus({
    version: options.version,
    durability: settings.durability,
    shards,
    recovery: threads.replayed,
    registered: () => reader.deviceCount(),
    clock: systemClock,
  })
  const status = (): Promise<StatusReport> => platformStatus.read()
  const { version } = options
  const { retained } = threads
  undo.push(tellSystemFigures({ version, shards, retained: () => retained, clock: systemClock }))
  const ports = new Map(mqtt.map((spec, i) => [spec, threads.ports[i] as number]))
  for (const spec of specs.filter(({ protocol }) => protocol === 'http')) {
    const door = await openApiDoor(spec, { services, reader, status, log: diagnostics })
    undo.push(() => door.close())
    ports.set(spec, door.port)
  }
  const listeners = specs.map((spec) => boundListener(spec, ports.get(spec) as number))
  return { data, threads, reader, services, listeners, caFile: certificate?.caFile, status, close }
}

function refuseHooks(specs: readonly ListenerSpec[]): void {
  const spec = specs.find(({ auth }) => auth === 'hook')
  if (spec === undefined) return
  throw new PlatformError(
    'config.invalid',
    `${spec.url}: auth=hook needs the option \`login\` or \`authenticate\``,
  )
}

async function certificateFor(
  specs: readonly ListenerSpec[],
  data: DataDirectory,
  { settings, diagnostics }: InteriorOptions,
): Promise<CertificateFiles | undefined> {
  const withTls = specs.some(({ protocol }) => ['auto', 'mqtts', 'wss'].includes(protocol))
  if (!withTls) return undefined
  const files = await certificateFiles(data.tls, settings.tls)
  const { issuedBecause } = files
  if (issuedBecause !== undefined) {
    diagnostics.info('issued the development certificate', { because: issuedBecause })
  }
  return files
}

/** At the first start there is one key, or nobody could make another. */
async function makeAdminKey(services: Services, data: DataDirectory): Promise<void> {
  const { items } = services.keys.list(undefined, 1)
  if (items.length > 0) return
  const { id, secret } = await services.keys.create({
    note: 'administrator, made at the first start',
    api: 'admin',
  })
  writeSecretFile(data.adminKey, `${id}.${secret}\n`)
}
