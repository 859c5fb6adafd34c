/**
 * A back end that reacts to a temperature: above 30 °C it switches the device's fan on, below 25 °C off. It reads
 * the message log behind the devices, so it may be slow without slowing anybody. Whoever may not miss what is said
 * while it is away keeps `uplink.cursor` and begins there: `platform.uplinks({ from: cursor })`.
 *
 * Run: npm run build && node dist/docs/examples/temperature-back-end.js [data directory]
 */
import { readFileSync } from 'node:fs'
import { Platform, PlatformError, type UplinkMessage } from 'tidegate'

const HOT = 30
const COOL = 25

const platform = await Platform.open({
  settings: { data: process.argv[2] ?? './back-end-data', listeners: ['auto://127.0.0.1:0'] },
})
process.once('SIGINT', () => void platform.close()) // ends the loop below

const known = platform.products.list(undefined, 1).items[0]
const { productKey } = known ?? (await platform.products.create({ name: 'rooms' }))
const model = new URL('../../../docs/examples/thing-model.json', import.meta.url)
await platform.models.import(productKey, JSON.parse(readFileSync(model, 'utf8')))
const registered = platform.devices.list(productKey, undefined, 1).items[0]
const { deviceName, number } =
  registered ?? (await platform.devices.register(productKey, { deviceName: 'room-1' }))
const deviceSecret = platform.reader.deviceSecret(number)
const uplinks = platform.uplinks({ productKey, kinds: ['properties'] })
const url = platform.listeners[0]?.url
console.log(JSON.stringify({ url, productKey, deviceName, deviceSecret }))

for await (const uplink of uplinks) {
  const celsius = temperatureOf(uplink)
  if (celsius === undefined || (celsius <= HOT && celsius >= COOL)) continue
  const fan = celsius > HOT ? 1 : 0
  try {
    await platform.properties.set(uplink, { fan }, 0)
    console.log(`${uplink.deviceName}: ${celsius} °C, fan ${fan === 1 ? 'on' : 'off'}`)
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error
    console.log(`${uplink.deviceName}: ${celsius} °C, but ${error.message}`)
  }
}

/** From the normalised message: `items.temperature.value`. */
function temperatureOf({ body }: UplinkMessage): number | undefined {
  const items = body?.['items'] as { temperature?: { value: number } } | undefined
  return items?.temperature?.value
}
