/**
 * One MQTT connection, from its first byte to its last: phases, packets, refusals.
 *
 *   awaiting-connect ─ CONNECT ─► authenticating ─ granted ─► connected ─┐
 *          │                          │      ▲ AUTH                      │
 *          │                     continue ─► exchanging                  │
 *          └──────────── fault, time-out, refusal ───────────────────────┴─► closing ─► closed
 *
 * Answers keep the order of the packets they answer. Nothing here waits but the login, and where many come at once, what
 * comes before CONNECT is accepted (`entrance.ts`). Messages and their
 * acknowledgements are `message-flow.ts`. Longer than other files, so that all else that may happen to a connection
 * is read in one place; what needs no state is beside it.
 */
import type { IConnectPacket } from 'mqtt-packet'
import type { ClientHolder } from '../../core/ports/client-directory.ts'
import type { LinkCloseReason } from '../../core/ports/device-link.ts'
import type { PacketOutlet, PublishHeader } from '../../core/ports/packet-outlet.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type { TimerEntry } from '../../core/ports/timers.ts'
import { type Admission, admit } from './admission.ts'
import { Authentication } from './authentication.ts'
import { connectIdentity, isKnown } from './connect-identity.ts'
import {
  type ConnectRequest,
  connackFacts,
  keepAliveLimitSec,
  keepAliveOf,
  readConnect,
  UNLIMITED,
  willFault,
} from './connect-rules.ts'
import type { ConnectionSurroundings } from './connection-surroundings.ts'
import type { Newcomer } from './entrance.ts'
import { CLOSE_FAULT, FAULT } from './faults.ts'
import { FrameCutter } from './frame-cutter.ts'
import type { Login, LoginOutcome } from './login.ts'
import { MessageFlow } from './message-flow.ts'
import type { Transport, TransportHandler } from './output.ts'
import { PACKET, type ProtocolLevel } from './packet-type.ts'
import {
  writeConnack,
  writeDisconnect,
  writePingresp,
  writeSuback,
  writeUnsuback,
} from './packet-writer.ts'
import { PublishRate } from './publish-rate.ts'
import { type Fault, REASON, REASON_TEXT, type ReasonCode } from './reason-code.ts'
import { subscribe, unsubscribe } from './subscription-packets.ts'
import type { Will } from './will.ts'

type Phase =
  | 'awaiting-connect'
  | 'authenticating'
  /** An AUTH of the client is awaited. */
  | 'exchanging'
  | 'connected'
  | 'closing'
  | 'closed'

const CONNECT_BYTES = 65_536 // before CONNECT is accepted nobody may make us keep more
const LINGER_SEC = 2 // for the peer to read why, before the socket is destroyed
/** What is refused with these may be let in a little later. */
const MAY_RETRY: ReadonlySet<ReasonCode> = new Set([
  REASON.serverBusy,
  REASON.connectionRateExceeded,
])
const MAX_DEFERRED_BYTES = 262_144 // what may follow a CONNECT whose login takes its time

export class MqttConnection
  implements TransportHandler, PacketOutlet, ClientHolder, TimerEntry, Newcomer
{
  timerSlot = -1
  timerRounds = 0
  timerNext: TimerEntry | undefined = undefined
  timerPrevious: TimerEntry | undefined = undefined
  congested = false
  readonly #around: ConnectionSurroundings
  readonly #login: Login
  readonly #transport: Transport
  readonly #cutter = new FrameCutter(CONNECT_BYTES)
  #phase: Phase = 'awaiting-connect'
  #level: ProtocolLevel = 4
  /** From CONNACK to the end. */
  #flow: MessageFlow | undefined = undefined
  #will: Will | undefined = undefined
  #keepAliveSec = 0 // 0: none
  #heardAt: number
  #congestedAt = 0
  #maximumPacketSize = UNLIMITED // of the client (§3.1.2.11.4)
  #deferred: Buffer | undefined = undefined
  #authentication: Authentication | undefined = undefined
  /** What is authenticated, where that may take several packets and be renewed. */
  #exchanging: ConnectRequest | undefined = undefined
  /** Others come first: what it sent is read when its turn has come. */
  #queued = false
  /** Why its CONNECT is refused, whatever it says. */
  #turnedAway: Fault | undefined = undefined
  /** A SUBACK waits until all shards know what it says. */
  #settling = false
  /** A shard that our messages go to is behind. */
  #overdrawn = false
  #rate: PublishRate | undefined = undefined
  /** Its session has an expiry, and may be given another. */
  #expires = false
  #newExpirySec: number | undefined = undefined

  constructor(transport: Transport, login: Login, around: ConnectionSurroundings) {
    this.#transport = transport
    this.#login = login
    this.#around = around
    this.#heardAt = around.turn.monotonic
    around.timers.arm(this, around.limits.connectTimeoutSec)
    around.counters.add('connection.opened')
  }

  // ---- the socket speaks

  onBytes(buffer: Buffer, length: number): void {
    if (this.#phase === 'closing' || this.#phase === 'closed') return // [MQTT-3.1.4-6]
    this.#around.turn.enter()
    if (this.#waits()) {
      this.#defer(buffer, 0, length)
    } else if (this.#phase !== 'awaiting-connect') {
      this.#read(buffer, length)
    } else if (this.#around.entrance.free) {
      this.#around.entrance.begin()
      this.#read(buffer, length)
      this.#around.entrance.end('stranger')
    } else {
      this.#queue(buffer, length)
    }
  }

  #read(buffer: Buffer, length: number): void {
    const fault = this.#cutter.cut(buffer, length, this.#onFrame)
    this.#flow?.writeAcknowledgements()
    if (fault !== undefined) this.#fail(fault)
    else if (this.#waits()) this.#defer(buffer, this.#cutter.stoppedAt, length)
  }

  onCongested(): void {
    if (this.congested) return
    this.congested = true
    this.#congestedAt = this.#around.turn.monotonic
    this.#around.timers.arm(this, this.#around.limits.drainTimeoutSec)
  }

  onDrain(): void {
    if (!this.congested) return
    this.#around.turn.enter()
    this.congested = false
    if (this.#phase === 'connected') {
      this.#armKeepAlive()
      this.#flow?.role.session.drain()
    }
  }

  onClosed(): void {
    this.#around.turn.enter()
    this.#finish('closed')
    this.#around.timers.disarm(this)
  }

  /** The one timer: connect time-out, drain time-out, keep alive and lingering take turns on it. */
  onTimer(): void {
    this.#around.turn.enter()
    const { monotonic: now } = this.#around.turn
    const { limits } = this.#around
    if (this.#phase === 'closing') {
      this.#transport.destroy()
    } else if (this.#queued) {
      this.#around.entrance.leave(this)
      this.#turnedAway = FAULT.connectQueue
      this.#comeIn()
      if (this.#phase === 'awaiting-connect') this.#fail(FAULT.connectTimeout)
    } else if (this.#phase !== 'connected') {
      this.#fail(FAULT.connectTimeout)
    } else if (this.congested && now - this.#congestedAt >= limits.drainTimeoutSec * 1000) {
      this.#around.counters.add('connection.closed', FAULT.slowReader.reason)
      this.#explain(FAULT.slowReader)
      this.#finish('closed')
      this.#transport.destroy() // it does not read: a graceful end would wait for ever
    } else if (
      this.#keepAliveSec > 0 &&
      now - this.#heardAt >= keepAliveLimitSec(this.#keepAliveSec) * 1000
    ) {
      this.#fail(FAULT.keepAlive) // [MQTT-3.1.2-22]
    } else {
      this.#armKeepAlive()
    }
  }

  // ---- the platform speaks

  publish(publication: Publication, header: PublishHeader): boolean {
    return this.#flow?.send(publication, header) ?? true
  }

  release(packetId: number): void {
    this.#flow?.release(packetId)
  }

  overflow(): void {
    this.#fail(FAULT.queueFull)
  }

  takenOver(): void {
    this.close('taken-over')
  }

  /** Ends the connection from our side, for a reason that is not the client's mistake. */
  close(reason: LinkCloseReason): void {
    if (this.#phase === 'closing' || this.#phase === 'closed') return
    this.#around.turn.enter()
    this.#fail(CLOSE_FAULT[reason])
  }

  // ---- packets

  readonly #onFrame = (buffer: Buffer, start: number, bodyStart: number, end: number): boolean => {
    const type = (buffer[start] as number) >> 4
    if (this.#level === 5 && buffer[bodyStart - 1] === 0 && bodyStart - start > 2) {
      return this.#fail(FAULT.longLength) // [MQTT-1.5.5-1]
    }
    this.#heardAt = this.#around.turn.monotonic
    if (this.#phase === 'connected') {
      if (type >= PACKET.publish && type <= PACKET.pubcomp) {
        return this.#onMessage(type, buffer, start, bodyStart, end)
      }
      this.#flow?.writeAcknowledgements()
      return this.#onControl(type, buffer, start, bodyStart, end)
    }
    if (this.#phase === 'exchanging') {
      return this.#onExchange(type, buffer.subarray(start, end), bodyStart - start)
    }
    if (this.#phase !== 'awaiting-connect') return false // what it sent in this read has closed it [MQTT-3.1.4-6]
    if (type !== PACKET.connect) return this.#fail(FAULT.notConnect) // [MQTT-3.1.0-1]
    return this.#onConnect(buffer.subarray(start, end), bodyStart - start)
  }

  #onMessage(type: number, buffer: Buffer, start: number, bodyStart: number, end: number): boolean {
    const fault = this.#flow?.receive(type, buffer, start, bodyStart, end)
    if (fault !== undefined) return this.#fail(fault)
    if (this.#flow === undefined) return false // its own message has closed it
    if (this.#around.relay.overdrawn) this.#holdForRoom()
    if (type === PACKET.publish) this.#rate?.spend()
    return true
  }

  #onControl(type: number, buffer: Buffer, start: number, bodyStart: number, end: number): boolean {
    const frame = buffer.subarray(start, end)
    const body = bodyStart - start
    switch (type) {
      case PACKET.pingreq:
        if (frame[0] !== 0xc0 || frame.length !== 2) return this.#fail(FAULT.malformedPingreq) // [MQTT-2.1.3-1]
        writePingresp(this.#transport) // [MQTT-3.12.4-1]
        return true
      case PACKET.subscribe:
        return this.#onSubscribe(frame, body)
      case PACKET.unsubscribe:
        return this.#onUnsubscribe(frame, body)
      case PACKET.disconnect:
        return this.#onDisconnect(frame, body)
      case PACKET.auth:
        return this.#onAuth(frame, body)
      case PACKET.connect:
        return this.#fail(FAULT.secondConnect) // [MQTT-3.1.0-2] [MQTT-3.2.0-2]
      default:
        return this.#fail(FAULT.unexpectedPacket)
    }
  }

  #onSubscribe(frame: Buffer, body: number): boolean {
    const { packets, counters } = this.#around
    const parsed = packets.subscribe(frame, body, this.#level)
    if (parsed.kind === 'fault') return this.#fail(parsed.fault)
    const codes = subscribe(parsed.packet, (this.#flow as MessageFlow).role, this.#level, counters)
    if ('reason' in codes) return this.#fail(codes)
    const packetId = parsed.packet.messageId as number
    if (this.#around.relay.settled(() => this.#onSettled(packetId, codes))) {
      return this.#writeSuback(packetId, codes) // [MQTT-3.8.4-1]
    }
    this.#settling = true
    this.#hold()
    return false
  }

  /** And what is due behind it. False: it is larger than the client takes, which is closed. */
  #writeSuback(packetId: number, codes: readonly number[]): boolean {
    const refused = codes.find((code) => code >= 0x80)
    const explains = refused !== undefined && this.#flow?.explains === true
    const why = explains ? REASON_TEXT.get(refused) : undefined
    const limit = this.#maximumPacketSize
    if (!writeSuback(this.#transport, this.#level, packetId, codes, why, limit))
      return this.#fail(FAULT.clientPacketSize)
    this.#flow?.role.subscribed()
    return true
  }

  #onSettled(packetId: number, codes: readonly number[]): void {
    if (this.#phase !== 'connected') return
    this.#around.turn.enter()
    this.#settling = false
    if (this.#writeSuback(packetId, codes)) this.#resume()
  }

  /** The rest of this read is still handled: that is the bound of what stands above the shard's credit. */
  #holdForRoom(): void {
    this.#overdrawn = true
    this.#hold()
    this.#around.relay.whenRoom(() => {
      this.#overdrawn = false
      this.#hold()
    })
  }

  #onUnsubscribe(frame: Buffer, body: number): boolean {
    const parsed = this.#around.packets.unsubscribe(frame, body, this.#level)
    if (parsed.kind === 'fault') return this.#fail(parsed.fault)
    const codes = unsubscribe(parsed.packet, (this.#flow as MessageFlow).role)
    if ('reason' in codes) return this.#fail(codes)
    const packetId = parsed.packet.messageId as number
    const limit = this.#maximumPacketSize
    const written = writeUnsuback(this.#transport, this.#level, packetId, codes, limit) // [MQTT-3.10.4-4]
    return written || this.#fail(FAULT.clientPacketSize)
  }

  #onDisconnect(frame: Buffer, body: number): boolean {
    const parsed = this.#around.packets.disconnect(frame, body, this.#level)
    if (parsed.kind === 'fault') return this.#fail(parsed.fault)
    const expirySec = parsed.packet.properties?.sessionExpiryInterval
    if (expirySec !== undefined && expirySec > 0 && !this.#expires) {
      return this.#fail(FAULT.expiryRaised)
    }
    if (expirySec !== undefined) {
      this.#newExpirySec = Math.min(expirySec, this.#around.limits.sessionExpirySec)
    }
    if ((parsed.packet.reasonCode ?? 0) === 0) this.#will = undefined // [MQTT-3.1.2-10] [MQTT-3.14.4-3]
    this.#around.counters.add('connection.closed', 'client-disconnect')
    this.#finish('closing')
    this.#transport.closeGracefully()
    return false
  }

  // ---- CONNECT

  /** Too many come at once. Of a CONNECT that came in pieces nothing is known. */
  #queue(buffer: Buffer, length: number): void {
    const identity = this.#cutter.keptBytes === 0 ? connectIdentity(buffer, length) : undefined
    const known = identity !== undefined && isKnown(identity, this.#around)
    if (!this.#around.entrance.wait(this, known ? 'known' : 'stranger')) {
      this.#turnedAway = FAULT.connectQueue
      this.#read(buffer, length)
      return
    }
    this.#queued = true
    this.#defer(buffer, 0, length)
    this.#hold()
  }

  enter(): void {
    this.#around.turn.enter()
    if (this.#around.entrance.shedding) this.#turnedAway = CLOSE_FAULT.overload
    this.#comeIn()
  }

  #comeIn(): void {
    this.#queued = false
    const deferred = this.#deferred as Buffer
    this.#deferred = undefined
    this.#hold()
    this.#read(deferred, deferred.length)
  }

  #onConnect(frame: Buffer, body: number): boolean {
    const read = readConnect(frame, body, this.#around.packets)
    if (read.kind === 'fault') return this.#fail(read.fault)
    const { request } = read
    this.#level = request?.level ?? 4
    this.#maximumPacketSize = request?.maximumPacketSize ?? UNLIMITED
    if (read.kind === 'refused') {
      this.#refuse(read.code3, read.fault)
      return false
    }
    const fault = this.#turnedAway ?? this.#rateFault(read.request.connect)
    if (fault !== undefined) {
      this.#refuse(3, fault)
      return false
    }
    const authentication = Authentication.of(read.request.connect, this.#transport, this.#around)
    if (authentication !== undefined && 'reason' in authentication)
      return this.#fail(authentication)
    this.#authentication = authentication
    if (authentication !== undefined) this.#exchanging = read.request
    return this.#logIn(read.request)
  }

  #rateFault({ username }: IConnectPacket): Fault | undefined {
    const { rates, turn } = this.#around
    const judged = rates.judge(username, turn.monotonic)
    if (judged === 'admitted') return undefined
    return judged === 'product' ? FAULT.productRate : FAULT.connectRate
  }

  /** True where the answer is there already: reading goes on. */
  #logIn(request: ConnectRequest): boolean {
    this.#phase = 'authenticating'
    let answered = false
    this.#ask(request.connect, (outcome) => {
      answered = true
      if (this.#phase !== 'authenticating') return // it left, or its time was up
      this.#around.turn.enter()
      if (outcome.kind !== 'continue') {
        this.#enter(request, outcome)
        return
      }
      if (this.#authentication?.goOn(outcome.data) === false) {
        this.#fail(FAULT.clientPacketSize)
        return
      }
      this.#phase = 'exchanging'
      this.#resume()
    })
    if (answered && !this.#waits()) return true
    this.#hold()
    return false
  }

  #ask(connect: IConnectPacket, done: (outcome: LoginOutcome) => void): void {
    const { secure, remoteAddress: address } = this.#transport
    const authentication = this.#authentication?.step()
    this.#login({ connect, authentication, secure, address }, done)
  }

  /** Before CONNACK, while the client is asked to go on with its authentication. */
  #onExchange(type: number, frame: Buffer, body: number): boolean {
    if (type === PACKET.disconnect) return this.#onDisconnect(frame, body)
    if (type !== PACKET.auth) return this.#fail(FAULT.unexpectedPacket) // [MQTT-3.1.2-30]
    const fault = this.#authentication?.receive(frame, body, false)
    if (fault !== undefined) return this.#fail(fault)
    return this.#logIn(this.#exchanging as ConnectRequest)
  }

  /** Of a connected client that renews its authentication: it goes on meanwhile. */
  #onAuth(frame: Buffer, body: number): boolean {
    const authentication = this.#authentication
    if (authentication === undefined) return this.#fail(FAULT.unexpectedPacket) // [MQTT-4.12.0-7]
    const fault = authentication.receive(frame, body, true)
    if (fault !== undefined) return this.#fail(fault)
    this.#ask((this.#exchanging as ConnectRequest).connect, (outcome) => {
      if (this.#phase !== 'connected') return
      this.#around.turn.enter()
      this.#flow?.writeAcknowledgements()
      let written = true
      if (outcome.kind === 'continue') {
        written = authentication.goOn(outcome.data)
      } else if (outcome.kind === 'client') {
        authentication.granted(outcome.data)
        this.#flow?.role.renew(outcome.policy)
        written = authentication.tellRenewed()
      } else {
        this.#fail(FAULT.renewalRefused) // [MQTT-4.12.1-2]
      }
      if (!written) this.#fail(FAULT.clientPacketSize)
    })
    return this.#phase === 'connected'
  }

  #enter(request: ConnectRequest, outcome: LoginOutcome): void {
    if (outcome.kind === 'client') this.#authentication?.granted(outcome.data)
    const refuse = (code3: number, fault: Fault): void => this.#refuse(code3, fault)
    const { connect, level } = request
    const address = this.#transport.remoteAddress
    const { will } = request
    const admission = { connect, outcome, level, will, address, connection: this, refuse }
    admit(admission, this.#around, (admitted) => this.#accept(request, admitted))
  }

  #accept({ connect, will }: ConnectRequest, admission: Admission): void {
    const { limits, counters } = this.#around
    const { role } = admission
    if (this.#phase !== 'authenticating') {
      role.closed() // the client left while its device was claimed
      return
    }
    const keptWill = admission.keepsWill ? will : undefined
    const fault = willFault(keptWill, role.grants, limits)
    if (fault !== undefined) {
      role.closed()
      this.#refuse(5, fault)
      return
    }
    const authentication = this.#authentication?.answer
    const facts = connackFacts(connect, limits, role, admission, authentication)
    const limit = this.#maximumPacketSize
    // Before all else [MQTT-3.1.4-5] [MQTT-3.2.0-1].
    if (!writeConnack(this.#transport, this.#level, 0, facts, undefined, limit)) {
      role.closed()
      this.#fail(FAULT.clientPacketSize)
      return
    }
    const client = {
      packetBytes: this.#maximumPacketSize,
      problemInformation: connect.properties?.requestProblemInformation ?? true,
      topicAliases: connect.properties?.topicAliasMaximum ?? 0,
    }
    this.#flow = new MessageFlow(role, this.#transport, this.#level, client, this.#around)
    this.#phase = 'connected'
    if (limits.publishesPerSec > 0) {
      this.#rate = new PublishRate(limits.publishesPerSec, this.#around, () => this.#hold())
    }
    this.#cutter.maxBytes = limits.packetBytes
    this.#keepAliveSec = keepAliveOf(connect, limits)
    this.#will = keptWill // [MQTT-3.1.2-7]
    this.#expires = (connect.properties?.sessionExpiryInterval ?? 0) > 0
    counters.add('connect.accepted')
    this.#armKeepAlive()
    role.session.opened()
    this.#resume()
  }

  /** What came behind a CONNECT or SUBSCRIBE that took its time is read now. */
  #resume(): void {
    const deferred = this.#deferred
    this.#deferred = undefined
    this.#hold()
    if (deferred !== undefined) this.onBytes(deferred, deferred.length)
  }

  #waits(): boolean {
    return this.#phase === 'authenticating' || this.#settling || this.#queued
  }

  #hold(): void {
    this.#transport.holdReading(this.#waits() || this.#overdrawn || this.#rate?.exceeded === true)
  }

  #defer(buffer: Buffer, from: number, length: number): void {
    if (from >= length) return
    const rest = Buffer.from(buffer.subarray(from, length))
    this.#deferred = this.#deferred === undefined ? rest : Buffer.concat([this.#deferred, rest])
    if (this.#deferred.length > MAX_DEFERRED_BYTES) this.#fail(FAULT.tooEager)
  }

  // ---- endings

  /** Refuses a CONNECT with a code that its version knows, then closes [MQTT-3.1.4-2] [MQTT-3.2.2-7]. */
  #refuse(code3: number, fault: Fault): void {
    if (this.#phase === 'closing' || this.#phase === 'closed') return // it left while its device was claimed
    const { counters, diagnostics } = this.#around
    counters.add('connect.refused', fault.reason)
    diagnostics.info(`connect refused: ${fault.message}`, {
      reason: fault.reason,
      address: this.#transport.remoteAddress,
    })
    const code = this.#level === 5 ? fault.code : code3
    const limit = this.#maximumPacketSize
    const retryAfterMs = MAY_RETRY.has(fault.code) ? this.#retryAfterMs() : undefined
    const explained = { reason: fault.message, retryAfterMs }
    writeConnack(this.#transport, this.#level, code, undefined, explained, limit)
    this.#finish('closing')
    this.#transport.closeGracefully()
  }

  /** Spread, so that those who were refused together do not come back together. */
  #retryAfterMs(): number | undefined {
    const { limits, random } = this.#around
    if (limits.retryAfterMs === 0) return undefined
    const [byte = 0] = random.bytes(1)
    return Math.round(limits.retryAfterMs * (0.5 + byte / 255))
  }

  /**
   * Ends the connection for a reason: counts it, tells the client where it can be told, closes [MQTT-4.13.1-1]
   * [MQTT-4.13.2-1].
   */
  #fail(fault: Fault): false {
    if (this.#phase === 'closing' || this.#phase === 'closed') return false
    this.#around.counters.add('connection.closed', fault.reason)
    this.#explain(fault)
    if (this.#phase === 'connected') {
      // [MQTT-3.14.0-1]
      this.#flow?.writeAcknowledgements()
      writeDisconnect(this.#transport, this.#level, fault, this.#maximumPacketSize)
    }
    this.#finish('closing')
    this.#transport.closeGracefully() // [MQTT-3.14.4-2]
    return false
  }

  #explain(fault: Fault): void {
    this.#around.diagnostics.info(`connection closed: ${fault.message}`, {
      reason: fault.reason,
      who: this.#flow?.role.label,
      address: this.#transport.remoteAddress,
    })
  }

  /** Lets go of everything but the socket; once. */
  #finish(phase: 'closing' | 'closed'): void {
    const before = this.#phase
    this.#phase = phase
    if (phase === 'closing') this.#around.timers.arm(this, LINGER_SEC)
    if (before === 'closing' || before === 'closed') return
    if (this.#queued) this.#around.entrance.leave(this)
    this.#queued = false
    this.#deferred = undefined
    this.#rate?.close()
    const flow = this.#flow
    if (flow === undefined) return
    const { role } = flow
    flow.close() // [MQTT-3.14.4-1]
    const will = this.#will
    this.#will = undefined
    role.closed(will, this.#newExpirySec) // [MQTT-3.1.2-8]
    this.#flow = undefined
  }

  #armKeepAlive(): void {
    const { timers } = this.#around
    if (this.#keepAliveSec === 0) {
      timers.disarm(this)
      return
    }
    const silentSec = (this.#around.turn.monotonic - this.#heardAt) / 1000
    timers.arm(this, keepAliveLimitSec(this.#keepAliveSec) - silentSec)
  }
}
