/** Opens the door that a listener's specification asks for. */
import type { ListenerSpec } from '../../core/domain/settings.ts'
import type { Diagnostics } from '../../core/ports/diagnostics.ts'
import type { ConnectionSurroundings } from '../mqtt/connection-surroundings.ts'
import { type LoginParts, loginFor } from '../mqtt/login.ts'
import { ConnectionGate, type OpenConnections } from './connection-gate.ts'
import type { TransportSurroundings } from './gathered-transport.ts'
import type { Listener, TlsMaterial } from './listener.ts'
import { openSocketListener } from './socket-listener.ts'
import { openUwsListener } from './uws-listener.ts'
import { loadUws } from './uws-loader.ts'
import { openWsListener } from './ws-listener.ts'

const UWS_MIN_VERSION = 'TLSv1.2' // what uWebSockets.js speaks at least, and cannot be told otherwise

/** What all doors of a shard share. */
export interface Doors {
  readonly transport: TransportSurroundings
  readonly rawSockets: boolean
  readonly tls: TlsMaterial | undefined
  readonly open: OpenConnections
  readonly login: LoginParts
  readonly diagnostics: Diagnostics
}

export async function openListener(
  spec: ListenerSpec,
  around: ConnectionSurroundings,
  doors: Doors,
): Promise<Listener> {
  const gate = new ConnectionGate(doors.open, loginFor(spec.auth, doors.login), around)
  const { transport, rawSockets, tls, diagnostics } = doors
  const { connectTimeoutSec, packetBytes } = around.limits
  if (spec.protocol !== 'ws' && spec.protocol !== 'wss') {
    const handshakeTimeoutSec = connectTimeoutSec
    const parts = { spec, gate, around: transport, rawSockets, tls, handshakeTimeoutSec }
    return openSocketListener(parts)
  }
  const parts = { spec, gate, around: transport, tls, messageBytes: packetBytes * 2 }
  if (spec.protocol === 'wss' && tls?.minVersion !== UWS_MIN_VERSION) return openWsListener(parts)
  const loaded = loadUws()
  if (loaded !== undefined) return openUwsListener(loaded.uws, parts)
  diagnostics.info('no build of uWebSockets.js fits here: WebSockets are served by ws', {
    url: spec.url,
  })
  return openWsListener(parts)
}
