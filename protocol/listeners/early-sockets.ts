/** What listeners of TCP share. Early are sockets that are accepted and not connections yet: those whose TLS handshake, or whose first byte, is awaited. */
import type { Socket } from 'node:net'
import type { ListenerSpec } from '../../core/domain/settings.ts'
import type { ConnectionGate } from './connection-gate.ts'
import type { TransportSurroundings } from './gathered-transport.ts'
import type { TlsMaterial } from './listener.ts'

/** Content type of a TLS record (RFC 8446 §5.1): the first byte of a handshake, and no MQTT packet type. */
export const TLS_HANDSHAKE = 0x16

/** By peer address and port: a TLS socket and the TCP socket below it have the same. They count as open. */
export type EarlySockets = Map<string, Socket>

export interface SocketListenerParts {
  readonly spec: ListenerSpec
  readonly gate: ConnectionGate
  readonly around: TransportSurroundings
  /** Plain sockets by their handles, where that can be had (raw-handle.ts). */
  readonly rawSockets: boolean
  readonly tls: TlsMaterial | undefined
  /** Until the first bytes (auto) and the TLS handshake are complete. */
  readonly handshakeTimeoutSec: number
}
