/** From a successful login to a role: claims the device or the client identifier, makes the session. */
import type { IConnectPacket } from 'mqtt-packet'
import type { Limits } from '../../core/domain/settings.ts'
import { unreachable } from '../../core/domain/unreachable.ts'
import type { ClientHolder } from '../../core/ports/client-directory.ts'
import type { SessionTerms } from '../../core/ports/client-session.ts'
import type { LinkCloseReason } from '../../core/ports/device-link.ts'
import type { PacketOutlet } from '../../core/ports/packet-outlet.ts'
import { CLIENT_GRANTS, ClientRole, judgeTopic } from './client-role.ts'
import { sessionExpiryOf, willFault } from './connect-rules.ts'
import type { ConnectionSurroundings } from './connection-surroundings.ts'
import { DeviceRole } from './device-role.ts'
import { FAULT } from './faults.ts'
import type { LoginOutcome } from './login.ts'
import type { ProtocolLevel } from './packet-type.ts'
import type { Fault, ReasonCode } from './reason-code.ts'
import type { Role } from './role.ts'
import type { Will } from './will.ts'

export interface Admission {
  readonly role: Role
  /** Said in CONNACK of MQTT 5 [MQTT-3.1.3-7]. */
  readonly assignedClientIdentifier: string | undefined
  /** MQTT 3.x devices have no wills in the original (connect.md §1). */
  readonly keepsWill: boolean
  /** There was a session, and it goes on. */
  readonly sessionPresent: boolean
  /** Seconds that the session outlives the connection. */
  readonly expirySec: number
}

export interface AdmissionRequest {
  readonly connect: IConnectPacket
  readonly outcome: LoginOutcome
  readonly level: ProtocolLevel
  readonly will: Will | undefined
  readonly address: string
  readonly connection: PacketOutlet & ClientHolder & { close(reason: LinkCloseReason): void }
  readonly refuse: (code3: number, fault: Fault) => void
}

/** Calls `onAdmitted` once, now or later, or refuses. */
export function admit(
  request: AdmissionRequest,
  around: ConnectionSurroundings,
  onAdmitted: (admission: Admission) => void,
): void {
  const { outcome } = request
  switch (outcome.kind) {
    case 'refused': {
      const { code3, code5, reason, message } = outcome
      request.refuse(code3, { code: code5 as ReasonCode, reason, message })
      break
    }
    case 'device':
      admitDevice(request, outcome, around, onAdmitted)
      break
    case 'continue':
      throw new Error('an authentication that goes on admits nobody')
    case 'client':
      admitClient(request, outcome, around, onAdmitted)
      break
  }
}

function admitDevice(
  request: AdmissionRequest,
  outcome: LoginOutcome & { kind: 'device' },
  around: ConnectionSurroundings,
  onAdmitted: (admission: Admission) => void,
): void {
  const { connect, level, address, connection, refuse } = request
  const { limits, relay, counters } = around
  if (outcome.hint !== undefined) {
    counters.add('connect.hint')
    around.diagnostics.debug(outcome.hint, { clientId: connect.clientId, address })
  }
  const role = new DeviceRole({
    device: outcome.device,
    level,
    systemTopicsSubscribed: outcome.systemTopicsSubscribed,
    session: around.makeSession(connection, sessionTerms(connect, limits)),
    address,
    relay,
    counters,
    subscriptions: limits.subscriptions,
    filtersPerSubscribe: limits.filtersPerSubscribe,
    topicBytes: limits.topicBytes,
    topicLevels: limits.topicLevels,
    closeLink: (reason) => connection.close(reason),
  })
  around.devices.claim(outcome.device, role, (claim) => {
    switch (claim.kind) {
      case 'granted':
        role.hold(claim.session)
        onAdmitted({
          role,
          assignedClientIdentifier: undefined,
          keepsWill: level === 5,
          sessionPresent: false,
          expirySec: 0,
        })
        break
      case 'busy':
        refuse(3, FAULT.busy)
        break
      case 'closed':
        connection.close(claim.reason)
        break
      default:
        unreachable(claim)
    }
  })
}

function admitClient(
  request: AdmissionRequest,
  outcome: LoginOutcome & { kind: 'client' },
  around: ConnectionSurroundings,
  onAdmitted: (admission: Admission) => void,
): void {
  const { connect, connection, refuse, will } = request
  const { limits } = around
  const assigned = connect.clientId === ''
  if (assigned && connect.protocolVersion !== 5 && connect.clean === false) {
    refuse(2, FAULT.clientId) // [MQTT-3.1.3-8] of 3.1.1
    return
  }
  const fault = willFault(will, CLIENT_GRANTS, limits)
  if (fault !== undefined) {
    refuse(5, fault) // before an earlier session is touched
    return
  }
  // [MQTT-3.1.3-6] [MQTT-3.2.2-16]
  const clientId = assigned ? `tg-${hex(around.random.bytes(10))}` : connect.clientId
  const name = `${outcome.owner}/${clientId}`
  around.directory.claim(name, connection, (claim) => {
    switch (claim) {
      case 'granted':
        openClient(name, assigned ? clientId : undefined, request, outcome, around, onAdmitted)
        break
      case 'busy':
        refuse(3, FAULT.busy)
        break
      case 'superseded':
        connection.close('taken-over')
        break
      default:
        unreachable(claim)
    }
  })
}

function openClient(
  name: string,
  assignedClientIdentifier: string | undefined,
  { connect, connection, refuse, will }: AdmissionRequest,
  { policy }: LoginOutcome & { kind: 'client' },
  around: ConnectionSurroundings,
  onAdmitted: (admission: Admission) => void,
): void {
  const { limits, relay, directory, counters } = around
  const inbox = around.profile === 'plain' ? undefined : around.inbox
  const topics = { topicBytes: limits.clientTopicBytes, topicLevels: limits.clientTopicLevels }
  const judged = { policy, ...topics, withDevices: inbox !== undefined }
  const expirySec = sessionExpiryOf(connect, limits)
  const mayWill = will !== undefined && judgeTopic(will.topic, judged) === 'allowed'
  const opened = around.sessions.open(name, connection, {
    ...sessionTerms(connect, limits),
    cleanStart: connect.clean !== false,
    expirySec,
    will: mayWill ? will : undefined,
  })
  if (opened.kind === 'too-many') {
    directory.release(name, connection)
    refuse(3, FAULT.tooManySessions)
    return
  }
  const { session, lasting, present } = opened
  const role = new ClientRole({
    name,
    policy,
    session,
    lasting,
    expirySec,
    holder: connection,
    relay,
    directory,
    counters,
    inbox,
    subscriptions: limits.clientSubscriptions,
    ...topics,
  })
  const sessionPresent = present // and only then [MQTT-3.2.2-2] [MQTT-3.2.2-3]
  onAdmitted({ role, assignedClientIdentifier, keepsWill: true, sessionPresent, expirySec })
}

function sessionTerms(connect: IConnectPacket, limits: Limits): SessionTerms {
  const receiveMaximum = connect.properties?.receiveMaximum ?? PACKET_IDS // its default (§3.1.2.11.3)
  return {
    receiveMaximum,
    arrivals: connect.protocolVersion === 5 ? limits.receiveMaximum : PACKET_IDS,
  }
}

const PACKET_IDS = 65_535 // MQTT 3.x has no other bound

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
