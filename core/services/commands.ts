/** Service calls: what a product's thing model lets be asked of its devices. */
import type { CommandOutcome } from '../domain/device-message.ts'
import { PlatformError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import { compileThingModel } from '../domain/thing-model/thing-model.ts'
import type { DeviceOwner } from '../ports/device-owner.ts'
import type { RegistryReader } from '../ports/registry-reader.ts'
import { type DeviceRef, faulty, requireEnabled } from './input.ts'
import { requireModel } from './thing-models.ts'

/** Longest wait for a device's reply; requests held open are bounded per shard as well. */
export const MAX_WAIT_MS = 30_000

export interface CommandPorts {
  readonly reader: RegistryReader
  readonly owner: DeviceOwner
}

export class Commands {
  readonly #ports: CommandPorts

  constructor(ports: CommandPorts) {
    this.#ports = ports
  }

  /**
   * Calls a service; its inputs are held against the model with every range and length.
   *
   * @param waitMs  0 resolves once the call is on its way, else with the device's reply; at most 30,000
   * @throws product.not-found, device.not-found, device.disabled, model.missing,
   *         model.service-not-found, value.invalid, and what `DeviceOwner.command` throws
   */
  async callService(
    ref: DeviceRef,
    service: string,
    inputs: JsonObject,
    waitMs: number,
  ): Promise<CommandOutcome> {
    const { reader, owner } = this.#ports
    const device = requireEnabled(reader, ref)
    const model = compileThingModel(requireModel(reader, device.productKey), 'strong')
    if (model.service(service) === undefined) {
      throw new PlatformError(
        'model.service-not-found',
        `The thing model of ${device.productKey} has no service ${JSON.stringify(service)}.`,
      )
    }
    const violation = model.checkServiceInputs(service, inputs)
    if (violation !== undefined) {
      throw faulty('value.invalid', [{ path: '/inputs', message: violation.message }])
    }
    return owner.command(device, { kind: 'service-call', service, inputs }, checkedWait(waitMs))
  }
}

/** @throws request.invalid */
export function checkedWait(waitMs: number): number {
  if (Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= MAX_WAIT_MS) return waitMs
  throw faulty('request.invalid', [
    { path: '/waitMs', message: `must be an integer from 0 to ${MAX_WAIT_MS}` },
  ])
}
