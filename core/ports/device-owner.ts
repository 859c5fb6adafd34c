/** Requests to the shard that owns a device, from any thread. Resolved by that owner. */

import type { Command, CommandOutcome, CustomDownlink } from '../domain/device-message.ts'
import type { DeviceState } from '../domain/device-state.ts'
import type { DeviceNumber } from '../domain/identifiers.ts'
import type { Device } from '../domain/registry.ts'

export interface DeviceOwner {
  /** The live row; `undefined` for a device that never spoke. */
  state(number: DeviceNumber): Promise<DeviceState | undefined>
  /** True while the device holds a connection; from shared memory, without asking. */
  isOnline(number: DeviceNumber): boolean
  /**
   * Sends a command; `waitMs` 0 resolves once it is on its way, else with the device's reply.
   * @throws device.offline, device.not-subscribed, device.busy, command.no-reply, command.too-many-pending
   */
  command(device: Device, command: Command, waitMs: number): Promise<CommandOutcome>
  /** @throws device.offline, device.not-subscribed, device.busy */
  custom(device: Device, downlink: CustomDownlink): Promise<void>
  /** Closes the connection and forgets the live row: the registry has changed under it. */
  evict(device: Device, reason: 'disabled' | 'deleted'): Promise<void>
  /** The thing model or the settings of a product changed: compile it anew. */
  productChanged(productKey: string): Promise<void>
}
