/**
 * Everything a user may ask for, in one record: the API, the command line and the library share it.
 */
import type { Clock } from '../ports/clock.ts'
import type { DeviceOwner } from '../ports/device-owner.ts'
import type { Random } from '../ports/random.ts'
import type { RegistryReader } from '../ports/registry-reader.ts'
import type { RegistryWriter } from '../ports/registry-writer.ts'
import { AccessKeys } from './access-keys.ts'
import { Commands } from './commands.ts'
import { Devices } from './devices.ts'
import { Products } from './products.ts'
import { Properties } from './properties.ts'
import { Publisher } from './publisher.ts'
import { ThingModels } from './thing-models.ts'

export interface ServicePorts {
  readonly reader: RegistryReader
  readonly writer: RegistryWriter
  readonly owner: DeviceOwner
  readonly clock: Clock
  readonly random: Random
}

export interface Services {
  readonly products: Products
  readonly devices: Devices
  readonly models: ThingModels
  readonly properties: Properties
  readonly commands: Commands
  readonly keys: AccessKeys
  readonly publisher: Publisher
}

export function createServices(ports: ServicePorts): Services {
  return {
    products: new Products(ports),
    devices: new Devices(ports),
    models: new ThingModels(ports),
    properties: new Properties(ports),
    commands: new Commands(ports),
    keys: new AccessKeys(ports),
    publisher: new Publisher(ports),
  }
}
