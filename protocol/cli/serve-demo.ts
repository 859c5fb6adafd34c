/**
 * What `--demo` brings: a product with one property, and a device to try. Made where it is missing, so a start
 * that was cut short is completed by the next one; what the operator changed is left as it is.
 */
import type { Product } from '../../core/domain/registry.ts'
import type { ServedPlatform } from './serve-platform.ts'

const PRODUCT_NAME = 'demo-temp-sensor'
const DEVICE_NAME = 'device001'
const PAGE_ITEMS = 1000

/** °C: what an industrial sensor can say; weak validation, the default, lets other values pass. */
const MODEL = {
  properties: [
    {
      identifier: 'temperature',
      name: 'Temperature',
      accessMode: 'rw',
      desc: '',
      required: false,
      dataType: {
        type: 'float',
        specs: { min: '-200', max: '850', step: '0.1', unit: '°C', unitName: 'degree Celsius' },
      },
    },
  ],
  events: [],
  services: [],
}

export interface DemoDevice {
  readonly productKey: string
  readonly deviceName: string
  readonly deviceSecret: string
}

type DemoPlatform = Pick<ServedPlatform, 'services' | 'reader'>

export async function openDemo({ services, reader }: DemoPlatform): Promise<DemoDevice> {
  const product = findProduct(reader) ?? (await services.products.create({ name: PRODUCT_NAME }))
  const { productKey } = product
  if (reader.model(productKey) === undefined) await services.models.import(productKey, MODEL)
  const device = reader.device(productKey, DEVICE_NAME)
  const known = device === undefined ? undefined : reader.deviceSecret(device.number)
  const deviceSecret =
    known ?? (await services.devices.register(productKey, { deviceName: DEVICE_NAME })).deviceSecret
  return { productKey, deviceName: DEVICE_NAME, deviceSecret }
}

/** By name, page after page: a key is made by chance, so the name is all that a later start knows. */
function findProduct(reader: DemoPlatform['reader']): Product | undefined {
  let after: string | undefined
  do {
    const { items, next } = reader.products(after, PAGE_ITEMS)
    const found = items.find(({ name }) => name === PRODUCT_NAME)
    if (found !== undefined) return found
    after = next
  } while (after !== undefined)
  return undefined
}
