/** What all connections of one listener in one shard share; nothing in it belongs to a single one. */
import type { Limits, ListenerProfile } from '../../core/domain/settings.ts'
import type { ClientDirectory } from '../../core/ports/client-directory.ts'
import type { SessionHost, SessionMaker } from '../../core/ports/client-session.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { DeviceHost } from '../../core/ports/device-host.ts'
import type { DeviceInbox } from '../../core/ports/device-inbox.ts'
import type { Diagnostics } from '../../core/ports/diagnostics.ts'
import type { Random } from '../../core/ports/random.ts'
import type { Relay } from '../../core/ports/relay.ts'
import type { Timers } from '../../core/ports/timers.ts'
import type { Turn } from '../../core/ports/turn.ts'
import type { ConnectRates } from './connect-rates.ts'
import type { ControlPackets, IncomingAcknowledgement } from './control-packets.ts'
import type { Entrance } from './entrance.ts'
import type { IncomingPublish } from './incoming-publish.ts'
import type { SharedFrames } from './shared-frames.ts'

/** PUBLISH packets of the shard since its start. */
interface Traffic {
  received: number
  sent: number
}

export interface ConnectionSurroundings {
  readonly turn: Turn
  readonly timers: Timers
  readonly counters: Counters
  readonly diagnostics: Diagnostics
  readonly random: Random
  readonly limits: Limits
  readonly traffic: Traffic
  /** Who comes while many do. */
  readonly entrance: Entrance
  readonly rates: ConnectRates
  readonly packets: ControlPackets
  readonly incoming: IncomingPublish
  readonly frames: SharedFrames
  readonly acknowledgement: IncomingAcknowledgement
  /** Packet ids to acknowledge at the end of the read that is under way. */
  readonly acks: Uint16Array
  readonly profile: ListenerProfile
  /** The topic space of the listener's profile. */
  readonly relay: Relay
  readonly directory: ClientDirectory
  readonly devices: DeviceHost
  readonly inbox: DeviceInbox
  /** Of devices: it ends with its connection. */
  readonly makeSession: SessionMaker
  /** Of application clients. */
  readonly sessions: SessionHost
}
