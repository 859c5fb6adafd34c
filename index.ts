/**
 * Tidegate as a library: `Platform.open` starts the whole platform inside your process, on worker threads
 * of its own; `close` drains it and leaves nothing behind. The command line is a user of this class.
 */
import { readFileSync } from 'node:fs'
import type { PlatformError } from './core/domain/errors.ts'
import type { Settings } from './core/domain/settings.ts'
import { deriveSettings, type PartialSettings } from './core/domain/settings-schema.ts'
import type { StatusReport } from './core/domain/status.ts'
import type { UplinkMessage } from './core/domain/uplink-message.ts'
import type { Diagnostics } from './core/ports/diagnostics.ts'
import type { RegistryReader } from './core/ports/registry-reader.ts'
import type { Services } from './core/services/services.ts'
import type { AuthenticationHook, LoginHook } from './protocol/mqtt/login.ts'
import type { BoundListener } from './threads/api-doors.ts'
import { type Interior, openInterior } from './threads/interior.ts'
import { followUplinks, type UplinkOptions } from './threads/uplinks.ts'

export { PlatformError, type PlatformErrorCode } from './core/domain/errors.ts'
export type { JsonObject, JsonValue } from './core/domain/json.ts'
export type { AccessKey, Device, Page, Product, Validation } from './core/domain/registry.ts'
export type { ListenerSpec, Settings } from './core/domain/settings.ts'
export type { PartialSettings } from './core/domain/settings-schema.ts'
export type { ShardReport, ShardStatus, StatusReport } from './core/domain/status.ts'
export type { Tsl } from './core/domain/thing-model/tsl.ts'
export type { UplinkFilter, UplinkMessage } from './core/domain/uplink-message.ts'
export type { Diagnostics } from './core/ports/diagnostics.ts'
export type { Services } from './core/services/services.ts'
export type {
  AuthenticationDecision,
  AuthenticationHook,
  AuthenticationStep,
  LoginHook,
} from './protocol/mqtt/login.ts'
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
  /** The same for MQTT 5 clients that ask for extended authentication there (§4.12). */
  readonly authenticate?: AuthenticationHook
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
  readonly #interior: Interior
  readonly #diagnostics: Diagnostics
  readonly #failure: Failure
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  private constructor(
    settings: Settings,
    interior: Interior,
    diagnostics: Diagnostics,
    failure: Failure,
  ) {
    this.settings = settings
    this.listeners = interior.listeners
    this.caFile = interior.caFile
    this.adminKeyFile = interior.data.adminKey
    this.isNew = interior.data.isNew
    this.services = interior.services
    this.reader = interior.reader
    this.#interior = interior
    this.#diagnostics = diagnostics
    this.#failure = failure
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
    const failure: Failure = { error: undefined, listeners: [] }
    const interior = await openInterior({
      settings,
      diagnostics,
      secretKey: options.secretKey,
      login: options.login,
      authenticate: options.authenticate,
      version: VERSION,
      onFailure: (error) => {
        failure.error ??= error
        for (const listener of failure.listeners) listener(error)
      },
    })
    return new Platform(settings, interior, diagnostics, failure)
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
   * What devices say from now on, or from a cursor: each message once, those of one device in the order in which
   * it said them (threads/uplinks.ts tells exactly when). A cursor holds for any later number of shards. Ends
   * when the platform closes. @throws PlatformError request.invalid for a malformed cursor
   */
  uplinks(options: UplinkOptions = {}): AsyncGenerator<UplinkMessage, void, undefined> {
    const { threads } = this.#interior
    const { signal: closing } = this.#closing
    const diagnostics = this.#diagnostics
    return followUplinks({ logs: threads.logs, closing, diagnostics }, options)
  }

  /**
   * How every shard is; one that is silent (`state`) is told with what is known of it, within about a second.
   *
   * @throws PlatformError platform.closed
   */
  status(): Promise<StatusReport> {
    return this.#interior.status()
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
    this.#failure.listeners.push(listener)
    if (this.#failure.error !== undefined) listener(this.#failure.error)
  }

  /**
   * Says goodbye to every client, stores everything, ends every thread. May be called again.
   *
   * @throws PlatformError log.full where `relaxed` could not store what it had acknowledged
   */
  close(): Promise<void> {
    this.#closing.abort()
    this.#closed ??= this.#interior.close()
    return this.#closed
  }
}

interface Failure {
  error: PlatformError | undefined
  readonly listeners: ((error: PlatformError) => void)[]
}
