/** The platform as `serve` needs it. The roof brings the real one; this room may not import it. */
import type { ListenerProfile, ListenerProtocol, Settings } from '../../core/domain/settings.ts'
import type { StatusReport } from '../../core/domain/status.ts'
import type { Diagnostics } from '../../core/ports/diagnostics.ts'
import type { RegistryReader } from '../../core/ports/registry-reader.ts'
import type { Services } from '../../core/services/services.ts'

/** With its real port. */
export interface ServedListener {
  readonly url: string
  readonly protocol: ListenerProtocol
  readonly profile: ListenerProfile
  readonly host: string
  readonly port: number
}

export interface ServedPlatform {
  readonly listeners: readonly ServedListener[]
  /** `undefined` where the operator's own certificate is served. */
  readonly caFile: string | undefined
  readonly adminKeyFile: string
  /** True where this start has made the data directory. */
  readonly isNew: boolean
  readonly services: Pick<Services, 'products' | 'devices' | 'models'>
  readonly reader: Pick<RegistryReader, 'products' | 'device' | 'deviceSecret' | 'model'>
  /** `undefined` once the operator has deleted its file. */
  adminKey(): string | undefined
  status(): Promise<StatusReport>
  /** Called where the platform cannot go on. */
  onFailure(listener: (error: Error) => void): void
  /** Drains. */
  close(): Promise<void>
}

export interface OpenPlatformOptions {
  readonly settings: Settings
  readonly diagnostics: Diagnostics
  /** Key of the sealed secrets, from `TIDEGATE_SECRET_KEY`. */
  readonly secretKey?: string
}

export type OpenPlatform = (options: OpenPlatformOptions) => Promise<ServedPlatform>
