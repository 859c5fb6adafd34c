/**
 * The live row of one device: its connection, its state, its open commands. Owned by the shard where
 * its connection landed; every change is said to the journal before it is visible, under a version
 * that is used once. What the device hears leaves only after the turn's record is stored.
 *
 * Bounds: `pendingCommands` open commands; properties as many as the thing model has.
 */
import {
  type Answer,
  CODE,
  type Command,
  type CommandOutcome,
  type CommandReply,
  type CustomDownlink,
  type EventPost,
  type PropertyPost,
  type RejectedValue,
  type Uplink,
} from '../../core/domain/device-message.ts'
import {
  applyChange,
  type DeviceState,
  replacesAll,
  type StateChange,
} from '../../core/domain/device-state.ts'
import { PlatformError } from '../../core/domain/errors.ts'
import type { MessageIdSource } from '../../core/domain/message-id.ts'
import { emptyItems } from '../../core/domain/property-items.ts'
import type { Device } from '../../core/domain/registry.ts'
import type { ThingModel } from '../../core/domain/thing-model/thing-model.ts'
import type { Stamp, Token } from '../../core/domain/token.ts'
import { unreachable } from '../../core/domain/unreachable.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { Delivery, DeviceLink, LinkCloseReason } from '../../core/ports/device-link.ts'
import type { Journal } from '../../core/ports/journal.ts'
import type { Timers } from '../../core/ports/timers.ts'
import { PendingCommands } from './pending-commands.ts'

const FUTURE_MS = 24 * 3600 * 1000 // values dated later than a day ahead are refused (alink.md §2.1)

/** What the actors of a shard share. */
export interface DeviceSurroundings {
  readonly journal: Journal
  readonly counters: Counters
  readonly timers: Timers
  readonly ids: MessageIdSource
  readonly pendingCommands: number
  /** The time of this turn, ms since the epoch. */
  readonly now: () => number
  readonly modelOf: (productKey: string) => ThingModel
  /** The row has changed and awaits its checkpoint. */
  readonly onDirty: (actor: DeviceActor) => void
}

export class DeviceActor {
  readonly device: Device
  /** True from a change until the checkpointer takes the row. */
  dirty = false
  /** True from then on until the row is in the store. */
  storing = false
  #state: DeviceState
  #token: Token
  #version: number
  #link: DeviceLink | undefined
  readonly #around: DeviceSurroundings
  readonly #pending: PendingCommands

  /** @param state  the stored row, with nothing newer in the log */
  constructor(device: Device, state: DeviceState, around: DeviceSurroundings) {
    this.device = device
    this.#state = state
    this.#token = state.token
    this.#version = state.version
    this.#around = around
    this.#pending = new PendingCommands(around.timers, around.pendingCommands)
  }

  get state(): DeviceState {
    return this.#state
  }

  get link(): DeviceLink | undefined {
    return this.#link
  }

  /** Nothing lives here but the stored row: the actor may be dropped and made again. */
  get idle(): boolean {
    return this.#link === undefined && !this.dirty && !this.storing && this.#pending.size === 0
  }

  /** The connection is the device's one connection now; the caller has closed the one before. */
  connect(link: DeviceLink, token: Token): void {
    this.#token = token
    this.#changeStatus(true, link.address)
    this.#link = link
  }

  /** The connection is gone. */
  disconnect(): void {
    this.#link = undefined
    this.#changeStatus(false, undefined)
  }

  /** The row came from another shard: its snapshot is the first entry under our token. */
  adopt(token: Token): void {
    this.#token = token
    const stamp = this.#nextStamp()
    this.#around.journal.adopt(this.device, stamp, this.#state)
    this.#apply(stamp, { kind: 'none' })
  }

  /** Custody of the number has left this shard: nothing more is written for it here. */
  letGo(): void {
    this.#pending.letGo()
  }

  /** The process that held the connection died: the stored row says online, the truth is offline. */
  settleAfterCrash(token: Token): void {
    if (!this.#state.online) return
    this.#token = token
    this.#changeStatus(false, undefined)
  }

  closeLink(reason: LinkCloseReason): void {
    this.#link?.close(reason)
  }

  receive(message: Uplink): Answer {
    switch (message.kind) {
      case 'property-post':
        return this.#postProperties(message)
      case 'event-post':
        return this.#postEvent(message)
      case 'command-reply':
        return this.#takeReply(message)
      default:
        return unreachable(message)
    }
  }

  /** A message on a custom topic: kept as it is, the row does not change but for its version. */
  custom(suffix: string, payload: Uint8Array, qos: 0 | 1): void {
    const stamp = this.#nextStamp()
    this.#around.journal.custom(this.device, stamp, suffix, payload, qos)
    this.#apply(stamp, { kind: 'none' })
  }

  /** @throws device.offline, device.not-subscribed, device.busy, command.too-many-pending, command.no-reply */
  command(command: Command, waitMs: number): Promise<CommandOutcome> {
    const link = this.#onlineLink()
    if (waitMs > 0) this.#pending.assertRoom(this.device.deviceName)
    const id = this.#around.ids.nextString()
    this.#assertDelivered(link.command({ id, command }))
    if (waitMs === 0) return Promise.resolve({ kind: 'sent', id })
    return this.#pending.add(id, waitMs)
  }

  /** @throws device.offline, device.not-subscribed, device.busy */
  deliverCustom(downlink: CustomDownlink): void {
    this.#assertDelivered(this.#onlineLink().custom(downlink))
  }

  #onlineLink(): DeviceLink {
    if (this.#link !== undefined) return this.#link
    throw new PlatformError('device.offline', `${this.device.deviceName} is not connected`)
  }

  #assertDelivered(delivery: Delivery): void {
    const name = this.device.deviceName
    if (delivery === 'not-subscribed') {
      throw new PlatformError(
        'device.not-subscribed',
        `${name} is online but has not subscribed to the topic of this message`,
      )
    }
    if (delivery === 'full') {
      throw new PlatformError('device.busy', `${name} does not read fast enough; its queue is full`)
    }
  }

  #postProperties(post: PropertyPost): Answer {
    const model = this.#around.modelOf(this.device.productKey)
    const now = this.#around.now()
    const items = emptyItems()
    const rejected: RejectedValue[] = []
    for (const { identifier, value, timeMs } of post.values) {
      const time = timeMs ?? now
      const violation =
        time > now + FUTURE_MS
          ? { code: CODE.timeMalformed, message: `time of ${identifier} is over 24 h ahead` }
          : model.checkProperty(identifier, value)
      if (violation === undefined) items[identifier] = { value, time }
      else rejected.push({ identifier, value, timeMs: time, ...violation })
    }
    if (rejected.length > 0) {
      this.#around.counters.add('uplink.rejected', 'property-value', rejected.length)
    }
    const stamp = this.#nextStamp()
    const whole = replacesAll(this.#state.properties, items, post.values.length)
    const entry = { id: post.id, at: now, items, rejected, whole }
    this.#around.journal.properties(this.device, stamp, entry)
    this.#apply(stamp, { kind: 'properties', items, whole })
    return { kind: 'accepted', rejected }
  }

  #postEvent(post: EventPost): Answer {
    const model = this.#around.modelOf(this.device.productKey)
    const checked = model.checkEvent(post.identifier, post.value)
    const { id, identifier, value } = post
    if (checked.kind === 'unknown') {
      this.#around.counters.add('uplink.refused', 'unknown-event')
      const message = `tsl parse: params not exist -> ${identifier}`
      return { kind: 'refused', code: CODE.unknownParameter, message }
    }
    const at = this.#around.now()
    const time = post.timeMs ?? at
    const rejected: RejectedValue[] = []
    if (checked.kind === 'violation') {
      const { code, message } = checked
      this.#around.counters.add('uplink.rejected', 'event-value')
      rejected.push({ identifier, value, timeMs: time, code, message })
    }
    const { name, type } = checked
    const stamp = this.#nextStamp()
    const event = { id, at, identifier, name, type, time, value, rejected }
    this.#around.journal.event(this.device, stamp, event)
    this.#apply(stamp, { kind: 'none' })
    return { kind: 'accepted', rejected }
  }

  #takeReply(reply: CommandReply): Answer {
    const stamp = this.#nextStamp()
    this.#around.journal.commandReply(this.device, stamp, this.#around.now(), reply)
    this.#apply(stamp, { kind: 'none' })
    this.#pending.answer(reply)
    return { kind: 'silent' }
  }

  #changeStatus(online: boolean, address: string | undefined): void {
    const at = this.#around.now()
    const stamp = this.#nextStamp()
    const status = { online, at, address: online ? address : this.#state.address }
    this.#around.journal.status(this.device, stamp, status)
    this.#apply(stamp, { kind: 'status', ...status })
  }

  /** A version is spent before it is used: an error half-way leaves a gap, never a number used twice. */
  #nextStamp(): Stamp {
    this.#version += 1
    return { token: this.#token, version: this.#version }
  }

  #apply(stamp: Stamp, change: StateChange): void {
    this.#state = applyChange(this.#state, stamp, change)
    if (this.dirty) return
    this.dirty = true
    this.#around.onDirty(this)
  }
}
