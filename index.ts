/**
 * Tidegate as a library: `Platform.open` starts the whole platform inside your process, on worker threads
 * of its own; `close` drains it and leaves nothing behind. The command line is a user of this class.
 */
import { readFileSync } from 'node:fs'
import { PlatformError } from './core/domain/errors.ts'
import type { ListenerSpec, Settings } from './core/domain/settings.ts'
import { deriveSettings, type PartialSettings } from './core/domain/settings-schema.ts'
import type { StatusReport } from './core/domain/status.ts'
import type { UplinkMessage } from './core/domain/uplink-message.ts'
import type { DeviceOwner } from './core/ports/device-owner.ts'
import type { Diagnostics } from './core/ports/diagnostics.ts'
import type { RegistryReader } from './core/ports/registry-reader.ts'
import { createServices, type Services } from './core/services/services.ts'
import type { LoginHook } from './protocol/mqtt/login.ts'
import { certificateFiles } from './protocol/tls/certificate-files.ts'
import { type DataDirectory, openDataDirectory, writeSecretFile } from './storage/data-directory.ts'
import { Environment } from './storage/environment.ts'
import { RegistryStore } from './storage/registry-store.ts'
import { loadSecretKey, SecretBox } from './storage/sealed-secret.ts'
import {
  type ApiDoor,
  type BoundListener,
  boundListener,
  openApiDoor,
} from './threads/api-doors.ts'
import { freeListeners } from './threads/free-ports.ts'
import { type PlatformThreads, startThreads } from './threads/platform-threads.ts'
import { systemClock, systemRandom } from './threads/system.ts'
import { followUplinks, type UplinkOptions } from './threads/uplinks.ts'

export type { CommandOutcome } from './core/domain/device-message.ts'
export { PlatformError, type PlatformErrorCode } from './core/domain/errors.ts'
export type { JsonObject, JsonValue } from './core/domain/json.ts'
export type { AccessKey, Device, Page, Product, Validation } from './core/domain/registry.ts'
export type { ListenerSpec, Settings } from './core/domain/settings.ts'
export type { PartialSettings } from './core/domain/settings-schema.ts'
export type { ShardStatus, StatusReport } from './core/domain/status.ts'
export type { Tsl } from './core/domain/thing-model/tsl.ts'
export type { UplinkFilter, UplinkMessage } from './core/domain/uplink-message.ts'
export type { Diagnostics } from './core/ports/diagnostics.ts'
export type { Services } from './core/services/services.ts'
export type { LoginHook } from './protocol/mqtt/login.ts'
export type { BoundListener } from './threads/api-doors.ts'
export type { UplinkOptions } from './threads/uplinks.ts'

export interface PlatformOptions {
  /** What differs from the defaults; see `tidegate config explain`. */
  readonly settings?: PartialSettings | Settings
  /** Where operators read; absent: nothing is said. */
  readonly diagnostics?: Diagnostics
  /** Key of the sealed device secrets, 32 bytes as hex or base64; absent: a file in the data directory. */
  readonly secretKey?: string
  /** Decides who may connect to a listener with `auth=hook`. */
  readonly login?: LoginHook
}

const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly version: string
  }
).version

const SILENT: Diagnostics = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

export class Platform {
  readonly settings: Settings
  /** Every listener as it stands, with its real port. */
  readonly listeners: readonly BoundListener[]
  /** The development CA that clients verify the server with; `undefined` with a certificate of your own. */
  readonly caFile: string | undefined
  readonly adminKeyFile: string
  /** True where this start has made the data directory. */
  readonly isNew: boolean
  /** Everything one can ask of the platform; the management API and the getters below are made of it. */
  readonly services: Services
  readonly reader: RegistryReader
  readonly #inside: Inside
  readonly #startedAt = systemClock.now()
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  private constructor(inside: Inside) {
    this.#inside = inside
    this.settings = inside.settings
    this.listeners = inside.listeners
    this.caFile = inside.caFile
    this.adminKeyFile = inside.data.adminKey
    this.isNew = inside.data.isNew
    this.services = inside.services
    this.reader = inside.reader
  }

  /**
   * Starts threads, store and listeners; resolves when every listener is up.
   *
   * @throws PlatformError config.invalid, data.locked, data.newer, data.unreadable, listener.in-use,
   *   listener.unavailable, listener.anonymous, thread.failed
   */
  static async open(options: PlatformOptions = {}): Promise<Platform> {
    const settings = deriveSettings(options.settings ?? {})
    const diagnostics = options.diagnostics ?? SILENT
    const data = openDataDirectory(settings.data)
    const undo: (() => unknown)[] = [() => data.release()]
    try {
      const inside = await build(settings, data, diagnostics, options, undo)
      const platform = new Platform(inside)
      inside.status.current = () => platform.status()
      return platform
    } catch (error) {
      for (const step of undo.toReversed()) await step()
      throw error
    }
  }

  get products(): Services['products'] {
    return this.services.products
  }

  get devices(): Services['devices'] {
    return this.services.devices
  }

  get models(): Services['models'] {
    return this.services.models
  }

  get properties(): Services['properties'] {
    return this.services.properties
  }

  get commands(): Services['commands'] {
    return this.services.commands
  }

  get keys(): Services['keys'] {
    return this.services.keys
  }

  get publisher(): Services['publisher'] {
    return this.services.publisher
  }

  /**
   * What devices say from now on, or from a cursor: each message once, in the order it was stored. Ends
   * when the platform closes. @throws PlatformError request.invalid for a malformed cursor
   */
  uplinks(options: UplinkOptions = {}): AsyncGenerator<UplinkMessage, void, undefined> {
    const { data, threads, diagnostics } = this.#inside
    const { signal: closing } = this.#closing
    const { highWater } = threads
    return followUplinks(
      { directory: data.log(0), log: 0, highWater, closing, diagnostics },
      options,
    )
  }

  async status(): Promise<StatusReport> {
    const shard = await this.#inside.threads.shard.status()
    const startedAt = this.#startedAt
    return {
      version: VERSION,
      startedAt,
      uptimeSec: Math.round((systemClock.now() - startedAt) / 1000),
      durability: this.settings.durability,
      shards: [shard],
      devices: { registered: this.reader.deviceCount(), online: shard.devicesOnline },
      memory: { rssBytes: process.memoryUsage.rss() },
    }
  }

  /** The administrator's key, while the operator leaves its file there. */
  adminKey(): string | undefined {
    try {
      return readFileSync(this.adminKeyFile, 'utf8').trim()
    } catch {
      return undefined
    }
  }

  /** Called where a thread ended without being asked to: the platform cannot go on; close it. */
  onFailure(listener: (error: PlatformError) => void): void {
    this.#inside.failure.listeners.push(listener)
    if (this.#inside.failure.error !== undefined) listener(this.#inside.failure.error)
  }

  /** Says goodbye to every client, stores everything, ends every thread. May be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { doors, threads, environment, data } = this.#inside
    this.#closing.abort()
    await Promise.all(doors.map((door) => door.close()))
    await threads.close()
    await environment.close()
    data.release()
  }
}

/** Everything that is open behind a platform. */
interface Inside {
  readonly settings: Settings
  readonly data: DataDirectory
  readonly diagnostics: Diagnostics
  readonly threads: PlatformThreads
  readonly environment: Environment
  readonly reader: RegistryReader
  readonly services: Services
  readonly doors: readonly ApiDoor[]
  readonly listeners: readonly BoundListener[]
  readonly caFile: string | undefined
  readonly failure: Failure
  readonly status: { current: () => Promise<StatusReport> }
}

interface Failure {
  error: PlatformError | undefined
  readonly listeners: ((error: PlatformError) => void)[]
}

/** Opens everything in order; each step that succeeded leaves its undoing in `undo`. */
async function build(
  settings: Settings,
  data: DataDirectory,
  diagnostics: Diagnostics,
  options: PlatformOptions,
  undo: (() => unknown)[],
): Promise<Inside> {
  const secretKey = loadSecretKey(data.secretKey, options.secretKey, systemRandom)
  const specs = await freeListeners(settings.listeners, diagnostics)
  const mqtt = specs.filter(({ protocol }) => protocol !== 'http')
  const certificate = mqtt.some(needsTls)
    ? await certificateFiles(data.tls, settings.tls)
    : undefined
  const failure: Failure = { error: undefined, listeners: [] }
  const threads = await startThreads({
    data,
    settings,
    secretKey,
    listeners: mqtt,
    certificate,
    diagnostics,
    login: options.login,
    onFailure: (error) => {
      failure.error ??= error
      for (const listener of failure.listeners) listener(error)
    },
  })
  undo.push(() => threads.close())
  const environment = Environment.open({ path: data.store, readOnly: true })
  undo.push(() => environment.close())
  const reader = new RegistryStore(environment, new SecretBox(secretKey, systemRandom))
  const { presence, shard, storage } = threads
  const owner: DeviceOwner = { ...shard, isOnline: (number) => presence.isOnline(number) }
  const clock = systemClock
  const services = createServices({ reader, writer: storage, owner, clock, random: systemRandom })
  await makeAdminKey(services, data)
  const status: Inside['status'] = { current: () => Promise.reject(NOT_READY) }
  const doors: ApiDoor[] = []
  const ports = new Map(mqtt.map((spec, i) => [spec, threads.ports[i] as number]))
  for (const spec of specs.filter(({ protocol }) => protocol === 'http')) {
    const door = await openApiDoor(spec, {
      services,
      reader,
      status: () => status.current(),
      log: diagnostics,
    })
    undo.push(() => door.close())
    doors.push(door)
    ports.set(spec, door.port)
  }
  const listeners = specs.map((spec) => boundListener(spec, ports.get(spec) as number))
  const caFile = certificate?.caFile
  return {
    settings,
    data,
    diagnostics,
    threads,
    environment,
    reader,
    services,
    doors,
    listeners,
    caFile,
    failure,
    status,
  }
}

const NOT_READY = new PlatformError('platform.closed', 'the platform is still starting')

function needsTls(spec: ListenerSpec): boolean {
  return spec.protocol === 'auto' || spec.protocol === 'mqtts' || spec.protocol === 'wss'
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
