/**
 * Devices for the workloads, made the way an operator makes them: a product with a thing
 * model, then batches of devices through the management API; each signs its CONNECT with the secret
 * that the batch answered.
 */
import { createHmac } from 'node:crypto'
import type { Login } from './generator/frames.ts'
import type { PublisherJob, SubscriberJob } from './generator/job.ts'
import { ask, type ManagementApi } from './management-api.ts'

/** Of the management API. */
const BATCH = 1000

export interface Registered {
  readonly productKey: string
  readonly deviceName: string
  readonly deviceSecret: string
}

/** What a small meter reports; types and ranges as its thing model says. */
const THING_MODEL = {
  properties: [
    property('temperature', { type: 'float', specs: { min: '-40', max: '85', step: '0.01' } }),
    property('humidity', { type: 'int', specs: { min: '0', max: '100', step: '1' } }),
    property('voltage', { type: 'double', specs: { min: '0', max: '400', step: '0.1' } }),
    property('relay', { type: 'bool', specs: { 0: 'open', 1: 'closed' } }),
  ],
  events: [],
  services: [],
}

/** All of one product. */
export async function registerDevices(api: ManagementApi, count: number): Promise<Registered[]> {
  const { productKey } = await ask<{ productKey: string }>(api, 'POST', '/products', {
    name: 'bench',
  })
  await ask(api, 'PUT', `/products/${productKey}/model`, THING_MODEL)
  const path = `/products/${productKey}/devices/batch`
  const all: Registered[] = []
  while (all.length < count) {
    const devices = Array.from({ length: Math.min(BATCH, count - all.length) }, (_, i) => ({
      deviceName: `bench-${String(all.length + i).padStart(5, '0')}`,
    }))
    const { registered } = await ask<{ registered: Registered[] }>(api, 'POST', path, { devices })
    if (registered.length !== devices.length) throw new Error('Some devices were not registered.')
    all.push(...registered)
  }
  return all
}

/** `count` property posts of equal length; their values differ, so that every one is a change. */
export function postPayloads(count: number, replies: boolean): string[] {
  return Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      id: String(100_000 + i),
      version: '1.0',
      sys: { ack: replies ? 1 : 0 },
      params: {
        temperature: (2001 + 10 * (i % 9)) / 100,
        humidity: 40 + (i % 50),
        voltage: (2301 + 10 * (i % 8)) / 10,
        relay: i % 2,
      },
      method: 'thing.event.property.post',
    }),
  )
}

/** Hex HMAC-SHA256 over what a device without a timestamp signs (connect.md §2). */
export function signature(
  clientId: string,
  { productKey, deviceName, deviceSecret }: Registered,
): string {
  return createHmac('sha256', deviceSecret)
    .update(`clientId${clientId}deviceName${deviceName}productKey${productKey}`)
    .digest('hex')
}

/** `_ss=1`: replies come without a SUBSCRIBE, as the original's C SDK has it (connect.md §2). */
export function postingDevice(device: Registered): PublisherJob {
  const { productKey, deviceName } = device
  return {
    login: login(device, ',_ss=1'),
    topic: `/sys/${productKey}/${deviceName}/thing/event/property/post`,
  }
}

/** Subscribes to the commands that set its properties. */
export function listeningDevice(device: Registered): SubscriberJob {
  const { productKey, deviceName } = device
  return {
    login: login(device, ''),
    filters: [`/sys/${productKey}/${deviceName}/thing/service/property/set`],
  }
}

function login(device: Registered, asked: string): Login {
  const { productKey, deviceName } = device
  return {
    clientId: `${deviceName}|securemode=3,signmethod=hmacsha256${asked}|`,
    username: `${deviceName}&${productKey}`,
    password: signature(deviceName, device),
  }
}

function property(identifier: string, dataType: object): object {
  return { identifier, name: identifier, accessMode: 'rw', required: false, dataType }
}
