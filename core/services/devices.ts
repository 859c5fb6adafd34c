/**
 * Devices: registration, live status, enabling and removal. A change is committed to the registry
 * first and then told to the device's owner, which closes the connection: a device that a reader
 * sees as disabled or gone cannot come back.
 */
import type { DeviceState } from '../domain/device-state.ts'
import { PlatformError, type PlatformErrorCode } from '../domain/errors.ts'
import { deviceSecret } from '../domain/identifiers.ts'
import type { Device, Page } from '../domain/registry.ts'
import type { Clock } from '../ports/clock.ts'
import type { DeviceOwner } from '../ports/device-owner.ts'
import type { Random } from '../ports/random.ts'
import type { RegistryReader } from '../ports/registry-reader.ts'
import type { RegistryWriter } from '../ports/registry-writer.ts'
import { newDeviceName, newDeviceSecret, newIotId } from './generated.ts'
import { type DeviceRef, faulty, requireDevice, requireIdentity, requireProduct } from './input.ts'

/** Devices of one batch: about a tenth of a second of the storage thread. */
export const MAX_BATCH_DEVICES = 1000

/**
 * Writes of a batch that await their commit: enough to fill a transaction, few beside others' work.
 */
const BATCH_WINDOW = 64

/** `inactive`: never connected. `disabled` wins over all others. */
export type DeviceStatus = 'inactive' | 'online' | 'offline' | 'disabled'

export interface DeviceRequest {
  /** Made of 16 characters where absent. */
  readonly deviceName?: string
  /** Made where absent; given to bring a device from elsewhere: 16 to 64 letters and digits. */
  readonly deviceSecret?: string
}

/** The only time that the secret is told. */
export interface RegisteredDevice extends Device {
  readonly deviceSecret: string
}

export interface DeviceSummary extends Device {
  readonly status: DeviceStatus
}

/** Times are ms since the epoch; `undefined`: has not happened. */
export interface DeviceDetail extends DeviceSummary {
  readonly activatedAt: number | undefined
  readonly onlineAt: number | undefined
  readonly offlineAt: number | undefined
  /** Remote address of the last connection. */
  readonly address: string | undefined
}

export interface RemovedDevice {
  readonly device: Device
  /** Identifiers of the properties whose values went with it. */
  readonly properties: readonly string[]
}

interface BatchFault {
  /** Position in the request, from 0. */
  readonly index: number
  readonly deviceName: string | undefined
  readonly code: PlatformErrorCode
  readonly message: string
}

export interface BatchOutcome {
  readonly registered: readonly RegisteredDevice[]
  readonly failed: readonly BatchFault[]
}

export interface DevicePorts {
  readonly reader: RegistryReader
  readonly writer: RegistryWriter
  readonly owner: DeviceOwner
  readonly clock: Clock
  readonly random: Random
}

export class Devices {
  readonly #ports: DevicePorts

  constructor(ports: DevicePorts) {
    this.#ports = ports
  }

  /** @throws request.invalid, product.not-found, device.exists, device.limit */
  async register(key: string, request: DeviceRequest): Promise<RegisteredDevice> {
    const { reader, writer, clock, random } = this.#ports
    const product = requireProduct(reader, key)
    const identity = requireIdentity({
      productKey: product.productKey,
      deviceName: request.deviceName ?? newDeviceName(random),
    })
    const secret =
      request.deviceSecret === undefined
        ? newDeviceSecret(random)
        : deviceSecret(request.deviceSecret)
    if (secret === undefined) {
      throw faulty('request.invalid', [
        { path: '/deviceSecret', message: 'must be 16 to 64 letters and digits' },
      ])
    }
    const device = await writer.createDevice({
      ...identity,
      iotId: newIotId(random),
      deviceSecret: secret,
      createdAt: clock.now(),
    })
    return { ...device, deviceSecret: secret }
  }

  /**
   * Registers up to 1,000 devices; each stands or fails alone, and the outcome keeps their order.
   *
   * @throws request.invalid (too many), product.not-found
   */
  async registerMany(key: string, requests: readonly DeviceRequest[]): Promise<BatchOutcome> {
    requireProduct(this.#ports.reader, key)
    if (requests.length > MAX_BATCH_DEVICES) {
      throw faulty('request.invalid', [
        { path: '/devices', message: `at most ${MAX_BATCH_DEVICES} devices in a batch` },
      ])
    }
    const registered: RegisteredDevice[] = []
    const failed: BatchFault[] = []
    for (let start = 0; start < requests.length; start += BATCH_WINDOW) {
      const window = requests.slice(start, start + BATCH_WINDOW)
      const settled = await Promise.allSettled(window.map((one) => this.register(key, one)))
      for (const [offset, outcome] of settled.entries()) {
        if (outcome.status === 'fulfilled') registered.push(outcome.value)
        else failed.push(fault(start + offset, window[offset]?.deviceName, outcome.reason))
      }
    }
    return { registered, failed }
  }

  /** With its live status, asked of its owner. @throws product.not-found, device.not-found */
  async get(ref: DeviceRef): Promise<DeviceDetail> {
    const { reader, owner } = this.#ports
    const device = requireDevice(reader, ref)
    const state = await owner.state(device.number)
    return {
      ...this.#summary(device, state),
      activatedAt: state?.activatedAt,
      onlineAt: state?.onlineAt,
      offlineAt: state?.offlineAt,
      address: state?.address,
    }
  }

  /**
   * In name order; limit 1 to 1,000. `online` is live; whether an offline device was ever online
   * comes from the checkpoint, so its first minute may still read `inactive`.
   *
   * @throws product.not-found
   */
  list(key: string, after: string | undefined, limit: number): Page<DeviceSummary> {
    const { reader } = this.#ports
    const product = requireProduct(reader, key)
    const page = reader.devices(product.productKey, after, limit)
    return {
      items: page.items.map((device) => this.#summary(device, reader.state(device.number))),
      next: page.next,
    }
  }

  /** @throws product.not-found, device.not-found */
  async enable(ref: DeviceRef): Promise<Device> {
    const { productKey, deviceName } = requireDevice(this.#ports.reader, ref)
    return this.#ports.writer.updateDevice(productKey, deviceName, { enabled: true })
  }

  /** Closes its connection, too. @throws product.not-found, device.not-found */
  async disable(ref: DeviceRef): Promise<Device> {
    const { reader, writer, owner } = this.#ports
    const { productKey, deviceName } = requireDevice(reader, ref)
    const device = await writer.updateDevice(productKey, deviceName, { enabled: false })
    await owner.evict(device, 'disabled')
    return device
  }

  /**
   * Removes the device with its secret and values, and closes its connection.
   *
   * @throws product.not-found, device.not-found
   */
  async delete(ref: DeviceRef): Promise<RemovedDevice> {
    const { reader, writer, owner } = this.#ports
    const found = requireDevice(reader, ref)
    const state = await owner.state(found.number)
    const device = await writer.deleteDevice(found.productKey, found.deviceName)
    await owner.evict(device, 'deleted')
    return { device, properties: Object.keys(state?.properties ?? {}).sort() }
  }

  #summary(device: Device, state: DeviceState | undefined): DeviceSummary {
    return { ...device, status: this.#status(device, state) }
  }

  #status(device: Device, state: DeviceState | undefined): DeviceStatus {
    if (!device.enabled) return 'disabled'
    if (this.#ports.owner.isOnline(device.number)) return 'online'
    return state?.activatedAt === undefined ? 'inactive' : 'offline'
  }
}

function fault(index: number, name: string | undefined, reason: unknown): BatchFault {
  if (!(reason instanceof PlatformError)) throw reason
  return { index, deviceName: name, code: reason.code, message: reason.message }
}
