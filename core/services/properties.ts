/** Properties of a device: what it last said, and asking it to change. */
import type { CommandOutcome } from '../domain/device-message.ts'
import type { JsonObject, JsonValue } from '../domain/json.ts'
import { compileThingModel } from '../domain/thing-model/thing-model.ts'
import type { Tsl, TslProperty } from '../domain/thing-model/tsl.ts'
import type { DeviceOwner } from '../ports/device-owner.ts'
import type { RegistryReader } from '../ports/registry-reader.ts'
import { checkedWait } from './commands.ts'
import { type DeviceRef, faulty, requireDevice, requireEnabled } from './input.ts'
import { requireModel } from './thing-models.ts'

export interface CurrentProperty {
  readonly identifier: string
  readonly value: JsonValue
  /** Milliseconds since the epoch: the device's time where it gave one. */
  readonly time: number
  /** From the thing model; `undefined` where it does not know the property (any more). */
  readonly name: string | undefined
  readonly unit: string | undefined
}

export interface PropertyPorts {
  readonly reader: RegistryReader
  readonly owner: DeviceOwner
}

export class Properties {
  readonly #ports: PropertyPorts

  constructor(ports: PropertyPorts) {
    this.#ports = ports
  }

  /**
   * The latest value of every property that was ever reported, by identifier.
   *
   * @throws product.not-found, device.not-found
   */
  async get(ref: DeviceRef): Promise<readonly CurrentProperty[]> {
    const { reader, owner } = this.#ports
    const device = requireDevice(reader, ref)
    const state = await owner.state(device.number)
    const known = byIdentifier(reader.model(device.productKey))
    const current = Object.entries(state?.properties ?? {}).map(([identifier, item]) => {
      const property = known.get(identifier)
      const { value, time } = item
      return { identifier, value, time, name: property?.name, unit: unitOf(property) }
    })
    return current.sort((a, b) => (a.identifier < b.identifier ? -1 : 1))
  }

  /**
   * Asks the device to set properties, after holding them against its model with every range and
   * length. The value changes here when the device reports it, not before.
   *
   * @param waitMs  0 resolves once the request is on its way, else with the device's reply; at most 30,000
   * @throws product.not-found, device.not-found, device.disabled, model.missing, value.invalid,
   *         request.invalid, and what `DeviceOwner.command` throws
   */
  async set(ref: DeviceRef, values: JsonObject, waitMs: number): Promise<CommandOutcome> {
    const { reader, owner } = this.#ports
    const device = requireEnabled(reader, ref)
    if (Object.keys(values).length === 0) {
      throw faulty('request.invalid', [{ path: '/values', message: 'names no property' }])
    }
    const model = compileThingModel(requireModel(reader, device.productKey), 'strong')
    const violation = model.checkPropertySet(values)
    if (violation !== undefined) {
      const path = `/values/${violation.identifier}`
      throw faulty('value.invalid', [{ path, message: violation.message }])
    }
    return owner.command(device, { kind: 'property-set', values }, checkedWait(waitMs))
  }
}

function byIdentifier(tsl: Tsl | undefined): ReadonlyMap<string, TslProperty> {
  return new Map(tsl?.properties.map((property) => [property.identifier, property]))
}

/** Only numbers have one. */
function unitOf(property: TslProperty | undefined): string | undefined {
  const type = property?.dataType
  const isNumber = type?.type === 'int' || type?.type === 'float' || type?.type === 'double'
  return isNumber ? type.specs.unit : undefined
}
