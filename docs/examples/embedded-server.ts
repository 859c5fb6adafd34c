/**
 * A server that embeds Tidegate: one process, one `Platform`, a product and a device of its own. Prints what a
 * device needs as one line of JSON and drains on Ctrl-C.
 *
 * Run: npm run build && node dist/docs/examples/embedded-server.js [data directory]
 */
import { Platform } from 'tidegate'

const platform = await Platform.open({
  settings: {
    data: process.argv[2] ?? './embedded-data',
    listeners: ['auto://127.0.0.1:0', 'ws://127.0.0.1:0'],
  },
})

const known = platform.products.list(undefined, 1).items[0]
const { productKey } = known ?? (await platform.products.create({ name: 'sensors' }))
await platform.models.import(productKey, {
  properties: [
    {
      identifier: 'temperature',
      name: 'Temperature',
      accessMode: 'r',
      dataType: { type: 'float' },
    },
  ],
})
const deviceName = 'sensor-1'
const registered = platform.devices.list(productKey, undefined, 1).items[0]
const deviceSecret =
  registered === undefined
    ? (await platform.devices.register(productKey, { deviceName })).deviceSecret
    : platform.reader.deviceSecret(registered.number)

const listeners = platform.listeners.map(({ url }) => url)
console.log(JSON.stringify({ listeners, productKey, deviceName, deviceSecret }))

process.once('SIGINT', () => void platform.close())
