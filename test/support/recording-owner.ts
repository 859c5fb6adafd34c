/** Owners of devices as services meet them: rows and presence from the registry, requests written down. */
import type { Command, CommandOutcome, CustomDownlink } from '../../core/domain/device-message.ts'
import type { DeviceState } from '../../core/domain/device-state.ts'
import { PlatformError, type PlatformErrorCode } from '../../core/domain/errors.ts'
import type { DeviceNumber, MessageId } from '../../core/domain/identifiers.ts'
import type { Device } from '../../core/domain/registry.ts'
import type { DeviceOwner } from '../../core/ports/device-owner.ts'
import type { MemoryRegistry } from './memory-registry.ts'

export class RecordingOwner implements DeviceOwner {
  readonly commands: {
    readonly device: string
    readonly command: Command
    readonly waitMs: number
  }[] = []
  readonly customs: CustomDownlink[] = []
  /** `evict name reason (enabled|disabled|gone in the registry)` and `product key`, in order. */
  readonly told: string[] = []
  /** The next requests to a device fail with it. */
  failure: PlatformErrorCode | undefined
  /** What a device answers to whoever waits. */
  reply: {
    readonly code: number
    readonly message: string
    readonly data: Record<string, number>
  } = {
    code: 200,
    message: 'success',
    data: {},
  }
  readonly #registry: MemoryRegistry

  constructor(registry: MemoryRegistry) {
    this.#registry = registry
  }

  async state(number: DeviceNumber): Promise<DeviceState | undefined> {
    return this.#registry.state(number)
  }

  isOnline(number: DeviceNumber): boolean {
    return this.#registry.state(number)?.online ?? false
  }

  async command(device: Device, command: Command, waitMs: number): Promise<CommandOutcome> {
    this.#failIfTold()
    this.commands.push({ device: device.deviceName, command, waitMs })
    const id = '880011' as MessageId
    return waitMs === 0 ? { kind: 'sent', id } : { kind: 'answered', id, ...this.reply }
  }

  async custom(_device: Device, downlink: CustomDownlink): Promise<void> {
    this.#failIfTold()
    this.customs.push(downlink)
  }

  async evict(device: Device, reason: 'disabled' | 'deleted'): Promise<void> {
    const stored = this.#registry.device(device.productKey, device.deviceName)
    const seen = stored === undefined ? 'gone' : stored.enabled ? 'enabled' : 'disabled'
    this.told.push(`evict ${device.deviceName} ${reason} (${seen})`)
  }

  async productChanged(productKey: string): Promise<void> {
    this.told.push(`product ${productKey}`)
  }

  #failIfTold(): void {
    if (this.failure !== undefined) throw new PlatformError(this.failure, `told: ${this.failure}`)
  }
}
