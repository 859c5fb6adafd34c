/** All services over the in-memory ports, with a clock that stands and chance from a counter. */
import { createHash } from 'node:crypto'
import { BLANK_STATE, type DeviceState } from '../../core/domain/device-state.ts'
import type { JsonObject } from '../../core/domain/json.ts'
import type { Device } from '../../core/domain/registry.ts'
import type { Random } from '../../core/ports/random.ts'
import { createServices, type Services } from '../../core/services/services.ts'
import { MemoryRegistry } from './memory-registry.ts'
import { RecordingOwner } from './recording-owner.ts'

export const NOW = 1_767_225_600_000

/** A thing model with one of each: a readable and a writable property, an event, a service. */
export const METER_TSL: JsonObject = {
  properties: [
    property('temperature', 'Temperature', 'r', {
      type: 'float',
      specs: { min: '-40', max: '85', step: '0.1', unit: '°C' },
    }),
    property('target', 'Target', 'rw', { type: 'int', specs: { min: '5', max: '30', step: '1' } }),
  ],
  events: [],
  services: [
    {
      identifier: 'Reboot',
      name: 'Reboot',
      callType: 'async',
      required: false,
      method: 'thing.service.Reboot',
      inputData: [
        {
          identifier: 'Delay',
          name: 'Delay',
          dataType: { type: 'int', specs: { min: '0', max: '60', step: '1' } },
        },
      ],
      outputData: [],
    },
  ],
}

export interface ServiceHouse {
  readonly registry: MemoryRegistry
  readonly owner: RecordingOwner
  readonly services: Services
}

export function serviceHouse(random: Random = countingRandom()): ServiceHouse {
  const registry = new MemoryRegistry()
  const owner = new RecordingOwner(registry)
  const clock = { now: () => NOW, monotonic: () => 0 }
  const services = createServices({ reader: registry, writer: registry, owner, clock, random })
  return { registry, owner, services }
}

export interface MeterHouse extends ServiceHouse {
  readonly meter: Device
}

/** A product with the meter's thing model, and one device of it. */
export async function meterHouse(): Promise<MeterHouse> {
  const house = serviceHouse()
  const { productKey } = await house.services.products.create({})
  await house.services.models.import(productKey, METER_TSL)
  const meter = await house.services.devices.register(productKey, { deviceName: 'meter-1' })
  house.owner.told.length = 0
  return { ...house, meter }
}

/** Bytes that look like chance and are the same in every run. */
export function countingRandom(): Random {
  let calls = 0
  return {
    bytes: (count) => {
      calls += 1
      const parts: Buffer[] = []
      for (let i = 0; i * 32 < count; i++) {
        parts.push(createHash('sha256').update(`${calls}.${i}`).digest())
      }
      return Buffer.concat(parts).subarray(0, count)
    },
  }
}

export function stateOf(fields: Partial<DeviceState>): DeviceState {
  return { ...BLANK_STATE, ...fields }
}

function property(
  identifier: string,
  name: string,
  accessMode: string,
  dataType: JsonObject,
): JsonObject {
  return { identifier, name, accessMode, required: false, desc: '', dataType }
}
