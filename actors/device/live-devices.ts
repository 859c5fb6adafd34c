/**
 * The devices that live on one shard, by number: where connections claim them and where requests from
 * other threads reach them. An actor exists while its device is connected, awaits a reply, or has a
 * row that is not checkpointed yet; the rest of the fleet is rows in the store.
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
import { BLANK_STATE, type DeviceState } from '../../core/domain/device-state.ts'
import { PlatformError } from '../../core/domain/errors.ts'
import type { DeviceNumber } from '../../core/domain/identifiers.ts'
import type { Device } from '../../core/domain/registry.ts'
import type { Claim, DeviceHost, DeviceSession } from '../../core/ports/device-host.ts'
import type { DeviceInbox } from '../../core/ports/device-inbox.ts'
import type { Delivery, DeviceLink } from '../../core/ports/device-link.ts'
import type { DeviceOwner } from '../../core/ports/device-owner.ts'
import type { Diagnostics } from '../../core/ports/diagnostics.ts'
import type { RegistryReader } from '../../core/ports/registry-reader.ts'
import type { PresenceTable } from '../runtime/presence-table.ts'
import { DeviceActor, type DeviceSurroundings } from './device-actor.ts'

const BACK_OFF_MS = 1000 // after a failed actor: its device comes back a little later than at once
const MAX_REMEMBERED_FAILURES = 10_000 // the oldest is forgotten first

export interface LiveDevicesParts extends DeviceSurroundings {
  readonly shard: number
  readonly incarnation: number
  readonly presence: PresenceTable
  readonly registry: RegistryReader
  readonly diagnostics: Diagnostics
  readonly forgetModel: (productKey: string) => void
}

export class LiveDevices implements DeviceHost, DeviceInbox, Omit<DeviceOwner, 'isOnline'> {
  readonly #parts: LiveDevicesParts
  readonly #actors = new Map<DeviceNumber, DeviceActor>()
  readonly #failedAt = new Map<DeviceNumber, number>()
  #online = 0

  constructor(parts: LiveDevicesParts) {
    this.#parts = parts
  }

  get online(): number {
    return this.#online
  }

  /** Rows that the crash of an earlier process left online are told the truth. */
  settleAfterCrash(): void {
    for (const number of this.#parts.registry.onlineNumbers()) {
      const device = this.#parts.registry.deviceByNumber(number)
      if (device === undefined) continue
      this.#activate(device).settleAfterCrash(this.#newToken(number))
      this.#parts.presence.release(number, this.#parts.shard)
    }
  }

  claim(device: Device, link: DeviceLink, onClaim: (claim: Claim) => void): void {
    const failedAt = this.#failedAt.get(device.number)
    if (failedAt !== undefined) {
      const elapsed = this.#parts.now() - failedAt
      if (elapsed >= 0 && elapsed < BACK_OFF_MS) {
        onClaim({ kind: 'busy' })
        return
      }
      this.#failedAt.delete(device.number)
    }
    this.#actors.get(device.number)?.closeLink('taken-over')
    const actor = this.#activate(device)
    try {
      actor.connect(link, this.#newToken(device.number))
    } catch (error) {
      this.#parts.presence.release(device.number, this.#parts.shard)
      this.failed(actor, error)
      onClaim({ kind: 'busy' })
      return
    }
    this.#online += 1
    onClaim({ kind: 'granted', session: new HeldSession(this, actor, link) })
  }

  async state(number: DeviceNumber): Promise<DeviceState | undefined> {
    return this.#actors.get(number)?.state ?? this.#parts.registry.state(number)
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
    const actor = this.#actors.get(device.number)
    if (actor === undefined) return
    actor.closeLink(reason)
    if (reason === 'deleted') this.#actors.delete(device.number)
  }

  async productChanged(productKey: string): Promise<void> {
    this.#parts.forgetModel(productKey)
  }

  deliverCustom(downlink: CustomDownlink): Delivery | 'offline' {
    const { productKey, deviceName } = downlink.device
    const device = this.#parts.registry.device(productKey, deviceName)
    if (device === undefined) return 'offline'
    return this.#actors.get(device.number)?.link?.custom(downlink) ?? 'offline'
  }

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
    this.#parts.presence.release(actor.device.number, this.#parts.shard)
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

  /** @throws device.offline */
  #connected(device: Device): DeviceActor {
    const actor = this.#actors.get(device.number)
    if (actor !== undefined) return actor
    throw new PlatformError('device.offline', `${device.deviceName} is not connected`)
  }

  #activate(device: Device): DeviceActor {
    const live = this.#actors.get(device.number)
    if (live !== undefined) return live
    const state = this.#parts.registry.state(device.number) ?? BLANK_STATE
    const actor = new DeviceActor(device, state, this.#parts)
    this.#actors.set(device.number, actor)
    return actor
  }

  #newToken(number: DeviceNumber): { incarnation: number; epoch: number } {
    const epoch = this.#parts.presence.claim(number, this.#parts.shard)
    return { incarnation: this.#parts.incarnation, epoch }
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
