/** A door of a shard: one address, one kind of transport, whatever is behind it. */
import type { ListenerSpec } from '../../core/domain/settings.ts'

export interface Listener {
  readonly spec: ListenerSpec
  /** The real port, also where 0 was asked for. */
  readonly port: number
  /** Of its listening sockets, where they are known: another thread may have to stop them. */
  readonly descriptors: readonly number[]
  /** Accepts no more; connections that are open stay. Resolves when the port is free. */
  close(): Promise<void>
  /** Lets go at once of what must not be open when the process ends. */
  abandon(): void
}

/** Made by the shard for each accepted connection. `undefined`: refused, and the socket is ended. */
export interface TlsMaterial {
  readonly certFile: string
  readonly keyFile: string
  readonly minVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
  /** 48 bytes that all shards share, so that a session ticket resumes on any of them. */
  readonly ticketKeys: Uint8Array
}
