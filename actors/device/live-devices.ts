/**
 * The devices of one shard, by number: where connections claim them and where requests from other
 * threads reach them. Which shard speaks for a number is custody's to say (`runtime/custody.ts`); an
 * actor exists while its device is connected, awaits a reply, or has a row that is not checkpointed
 * yet. The rest of the fleet is rows in the store.
 *
 * Supervision: an actor that throws is replaced by one with the row it had, its connection closes, and a
 * claim within the back-off is answered busy. Nobody else sees anything.
 */
import type {
  Answer,
  Command,
  CommandOutcome,
  CustomDownlink,
  Uplink,
} from '../../core/domain/device-message.ts'
import {
  BLANK_STATE,
  type DeviceState,
  decodeRow,
  encodeRow,
} from '../../core/domain/device-state.ts'
import { PlatformError } from '../../core/domain/errors.ts'
import type { DeviceNumber } from '../../core/domain/identifiers.ts'
import type { Device } from '../../core/domain/registry.ts'
import type { Token } from '../../core/domain/token.ts'
import type { Claim, DeviceHost, DeviceSession } from '../../core/ports/device-host.ts'
import type { DeviceInbox } from '../../core/ports/device-inbox.ts'
import type { Delivery, DeviceLink, LinkCloseReason } from '../../core/ports/device-link.ts'
import type { DeviceOwner } from '../../core/ports/device-owner.ts'
import type { Diagnostics } from '../../core/ports/diagnostics.ts'
import type { RegistryReader } from '../../core/ports/registry-reader.ts'
import {
  type Claimant,
  type ControlLane,
  type Custodian,
  Custody,
  type CustodyCounts,
} from '../runtime/custody.ts'
import { CHANNEL } from '../runtime/mesh-channels.ts'
import { ownerOf, type PresenceTable, phaseOf } from '../runtime/presence-table.ts'
import { DeviceActor, type DeviceSurroundings } from './device-actor.ts'

const BACK_OFF_MS = 1000 // after a failed actor: its device comes back a little later than at once
const MAX_REMEMBERED_FAILURES = 10_000 // the oldest is forgotten first

/** Sends a message on to the shard where its device is connected. */
type ForwardDownlink = (shard: number, downlink: CustomDownlink) => Delivery

export interface LiveDevicesParts extends DeviceSurroundings {
  readonly shard: number
  readonly incarnation: number
  readonly presence: PresenceTable
  readonly mesh: ControlLane
  readonly forward: ForwardDownlink
  readonly registry: RegistryReader
  readonly diagnostics: Diagnostics
  readonly forgetModel: (productKey: string) => void
}

export class LiveDevices
  implements DeviceHost, DeviceInbox, Omit<DeviceOwner, 'isOnline'>, Custodian
{
  readonly custody: Custody
  readonly #parts: LiveDevicesParts
  readonly #actors = new Map<DeviceNumber, DeviceActor>()
  readonly #failedAt = new Map<DeviceNumber, number>()
  #online = 0

  constructor(parts: LiveDevicesParts) {
    this.#parts = parts
    const { shard, presence, mesh, timers } = parts
    const channel = CHANNEL.devices
    this.custody = new Custody({ shard, presence, mesh, channel, timers, custodian: this })
  }

  get online(): number {
    return this.#online
  }

  /** Actors in memory. */
  get live(): number {
    return this.#actors.size
  }

  get counts(): CustodyCounts {
    return this.custody.counts
  }

  /**
   * A row that says online, and the connection died with its process or its shard: the device is told
   * offline, unless somebody has claimed it meanwhile. False where there was nothing to say.
   */
  settle(number: DeviceNumber): boolean {
    if (!this.custody.take(number)) return false
    const device = this.#parts.registry.deviceByNumber(number)
    if (device === undefined) return false
    this.#activate(device).settleAfterCrash(this.#newToken(number))
    return true
  }

  // ---- DeviceHost

  knows(productKey: string, deviceName: string): boolean {
    const { registry, presence } = this.#parts
    const device = registry.device(productKey, deviceName)
    if (device === undefined) return false
    if (phaseOf(presence.word(device.number)) !== 'unowned') return true
    return registry.state(device.number) !== undefined
  }

  claim(device: Device, link: DeviceLink, onClaim: (claim: Claim) => void): void {
    if (this.#backsOff(device.number)) {
      onClaim(BUSY)
      return
    }
    this.custody.claim(device.number, new DeviceClaim(this, device, link, onClaim))
  }

  /** Custody is here: the connection becomes the one of its device. */
  connect(device: Device, link: DeviceLink, onClaim: (claim: Claim) => void): void {
    this.#actors.get(device.number)?.closeLink('taken-over')
    const actor = this.#activate(device)
    try {
      actor.connect(link, this.#newToken(device.number))
    } catch (error) {
      this.failed(actor, error)
      onClaim(BUSY)
      return
    }
    this.#online += 1
    this.custody.setOnline(device.number, true)
    onClaim({ kind: 'granted', session: new HeldSession(this, actor, link) })
  }

  // ---- DeviceOwner

  async state(number: DeviceNumber): Promise<DeviceState | undefined> {
    const actor = this.#actors.get(number)
    if (actor !== undefined && this.custody.holds(number)) return actor.state
    this.#assertNotElsewhere(number)
    return this.#parts.registry.state(number)
  }

  async command(device: Device, command: Command, waitMs: number): Promise<CommandOutcome> {
    const actor = this.#connected(device)
    try {
      return await actor.command(command, waitMs)
    } finally {
      this.passivate(actor) // it may have gone offline meanwhile, with this as its last business
    }
  }

  async custom(device: Device, downlink: CustomDownlink): Promise<void> {
    this.#connected(device).deliverCustom(downlink)
  }

  async evict(device: Device, reason: 'disabled' | 'deleted'): Promise<void> {
    const { number } = device
    const waiting = this.custody.abandon(number)
    if (waiting instanceof DeviceClaim) waiting.closed(reason)
    const actor = this.#actors.get(number)
    if (actor === undefined) return
    actor.closeLink(reason)
    if (reason === 'deleted') this.#actors.delete(number)
  }

  async productChanged(productKey: string): Promise<void> {
    this.#parts.forgetModel(productKey)
  }

  // ---- DeviceInbox

  deliverCustom(downlink: CustomDownlink): Delivery | 'offline' {
    const { productKey, deviceName } = downlink.device
    const device = this.#parts.registry.device(productKey, deviceName)
    if (device === undefined) return 'offline'
    const link = this.#actors.get(device.number)?.link
    if (link !== undefined) return link.custom(downlink)
    const { presence, shard, forward } = this.#parts
    const word = presence.word(device.number)
    const elsewhere = presence.isOnline(device.number) && ownerOf(word) !== shard
    return elsewhere ? forward(ownerOf(word), downlink) : 'offline'
  }

  /** A message that another shard has sent on; one hop and no more, so that it cannot go in circles. */
  deliverForwarded(downlink: CustomDownlink): Delivery | 'offline' {
    const { productKey, deviceName } = downlink.device
    const device = this.#parts.registry.device(productKey, deviceName)
    if (device === undefined) return 'offline'
    return this.#actors.get(device.number)?.link?.custom(downlink) ?? 'offline'
  }

  // ---- Custodian

  surrender(number: DeviceNumber): string | undefined {
    const actor = this.#actors.get(number)
    if (actor === undefined) return undefined
    actor.closeLink('taken-over')
    actor.letGo()
    this.#actors.delete(number) // the checkpointer still has it where its row is dirty
    return encodeRow(actor.state)
  }

  adopt(number: DeviceNumber, row: unknown): void {
    const device = this.#parts.registry.deviceByNumber(number)
    if (device === undefined) return // deleted meanwhile
    const state = decodeRow(row as string)
    if (state === undefined) throw new Error(`the row of ${number} came unreadable`)
    const actor = new DeviceActor(device, state, this.#parts)
    this.#actors.set(number, actor)
    try {
      actor.adopt(this.#newToken(number))
    } catch (error) {
      this.failed(actor, error)
    }
  }

  rest(): void {
    // The row rests here until somebody asks; an adopted one goes with its checkpoint.
  }

  // ---- the shard

  closeAll(): void {
    for (const actor of this.#actors.values()) actor.closeLink('shutdown')
  }

  /** Called when a row is checkpointed or a command is over: perhaps nothing lives in the actor now. */
  passivate(actor: DeviceActor): void {
    if (actor.idle && this.#actors.get(actor.device.number) === actor) {
      this.#actors.delete(actor.device.number)
    }
  }

  /** The connection of a session ended; it may have been replaced already. */
  released(actor: DeviceActor, link: DeviceLink): void {
    if (actor.link !== link) return
    this.#online -= 1
    this.custody.setOnline(actor.device.number, false)
    try {
      actor.disconnect()
    } catch (error) {
      this.failed(actor, error)
    }
  }

  failed(actor: DeviceActor, error: unknown): void {
    const { number, productKey, deviceName } = actor.device
    this.#parts.counters.add('actor.failed')
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#parts.diagnostics.error('a device actor failed and is restarted', {
      productKey,
      deviceName,
      error: message,
    })
    const [oldest] = this.#failedAt.keys()
    if (this.#failedAt.size >= MAX_REMEMBERED_FAILURES && oldest !== undefined) {
      this.#failedAt.delete(oldest)
    }
    this.#failedAt.set(number, this.#parts.now())
    actor.closeLink('failed')
    this.passivate(actor)
  }

  #backsOff(number: DeviceNumber): boolean {
    const failedAt = this.#failedAt.get(number)
    if (failedAt === undefined) return false
    const elapsed = this.#parts.now() - failedAt
    if (elapsed >= 0 && elapsed < BACK_OFF_MS) return true
    this.#failedAt.delete(number)
    return false
  }

  /** @throws device.offline, device.moved */
  #connected(device: Device): DeviceActor {
    const actor = this.#actors.get(device.number)
    if (actor?.link !== undefined) return actor
    this.#assertNotElsewhere(device.number)
    throw new PlatformError('device.offline', `${device.deviceName} is not connected`)
  }

  /** @throws device.moved */
  #assertNotElsewhere(number: DeviceNumber): void {
    const { presence } = this.#parts
    if (this.custody.holds(number) || phaseOf(presence.word(number)) === 'unowned') return
    throw new PlatformError('device.moved', 'the device has moved to another shard meanwhile')
  }

  #activate(device: Device): DeviceActor {
    const live = this.#actors.get(device.number)
    if (live !== undefined) return live
    const state = this.#parts.registry.state(device.number) ?? BLANK_STATE
    const actor = new DeviceActor(device, state, this.#parts)
    this.#actors.set(device.number, actor)
    return actor
  }

  #newToken(number: DeviceNumber): Token {
    const { presence, incarnation } = this.#parts
    return { incarnation, epoch: presence.raiseEpoch(number) }
  }
}

const BUSY: Claim = { kind: 'busy' }

/** A connection that wants its device. */
class DeviceClaim implements Claimant {
  readonly #host: LiveDevices
  readonly #device: Device
  readonly #link: DeviceLink
  readonly #onClaim: (claim: Claim) => void

  constructor(
    host: LiveDevices,
    device: Device,
    link: DeviceLink,
    onClaim: (claim: Claim) => void,
  ) {
    this.#host = host
    this.#device = device
    this.#link = link
    this.#onClaim = onClaim
  }

  granted(): void {
    this.#host.connect(this.#device, this.#link, this.#onClaim)
  }

  busy(): void {
    this.#onClaim(BUSY)
  }

  superseded(): void {
    this.closed('taken-over')
  }

  closed(reason: LinkCloseReason): void {
    this.#onClaim({ kind: 'closed', reason })
  }
}

/** One connection's hold: passes to the actor while it is the device's one connection. */
class HeldSession implements DeviceSession {
  readonly #host: LiveDevices
  readonly #actor: DeviceActor
  readonly #link: DeviceLink

  constructor(host: LiveDevices, actor: DeviceActor, link: DeviceLink) {
    this.#host = host
    this.#actor = actor
    this.#link = link
  }

  uplink(message: Uplink): Answer {
    if (this.#actor.link !== this.#link) return { kind: 'silent' } // taken over within this turn
    try {
      return this.#actor.receive(message)
    } catch (error) {
      this.#host.failed(this.#actor, error)
      return { kind: 'silent' }
    }
  }

  custom(suffix: string, payload: Uint8Array, qos: 0 | 1): void {
    if (this.#actor.link !== this.#link) return
    try {
      this.#actor.custom(suffix, payload, qos)
    } catch (error) {
      this.#host.failed(this.#actor, error)
    }
  }

  closed(): void {
    this.#host.released(this.#actor, this.#link)
  }
}
