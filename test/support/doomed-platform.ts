/**
 * A program that opens a platform, connects a client over each kind of door, and then comes to a bad end:
 * `exit`, `throw` or `out-of-memory`. Prints the acknowledged posts before it does.
 */
import { setTimeout as wait } from 'node:timers/promises'
import mqtt from 'mqtt'
import { Platform } from '../../index.ts'
import { deviceCredentials } from './device-credentials.ts'
import { METER_TSL } from './service-house.ts'
import { WorkerInspector } from './worker-inspector.ts'

const [data = '', end = ''] = process.argv.slice(2)
const platform = await Platform.open({
  settings: {
    data,
    shards: 2,
    listeners: ['auto://127.0.0.1:0', 'ws://127.0.0.1:0'],
    limits: { shardHeapMb: 64 },
  },
})
platform.onFailure((error) => {
  process.stdout.write(`${error.code}\n`)
  process.exit(7)
})
const { productKey } = await platform.products.create({ name: 'meters' })
await platform.models.import(productKey, METER_TSL)
for (const [i, listener] of platform.listeners.entries()) {
  const deviceName = `meter-${i}`
  const { deviceSecret } = await platform.devices.register(productKey, { deviceName })
  const scheme = listener.protocol === 'ws' ? 'ws' : 'mqtt'
  const client = await mqtt.connectAsync(`${scheme}://127.0.0.1:${listener.port}`, {
    ...deviceCredentials({ productKey, deviceName, deviceSecret }),
    reconnectPeriod: 0,
  })
  client.on('error', () => {})
  const topic = `/sys/${productKey}/${deviceName}/thing/event/property/post`
  await client.publishAsync(topic, '{"id":"1","params":{"temperature":21}}', { qos: 1 })
}
process.stdout.write(`acknowledged ${productKey}\n`)
switch (end) {
  case 'exit':
    process.exit(5)
    break
  case 'throw':
    setTimeout(() => {
      throw new Error('planted')
    }, 0)
    break
  case 'out-of-memory':
    await new WorkerInspector().inShard(
      0,
      'globalThis.hog = []; for (;;) hog.push(Array.from({ length: 1000 }, (_, i) => ({ i })))',
    )
    break
}
await wait(60_000)
