/**
 * Devices for the telemetry workload, made the way an operator makes them: a product with a thing
 * model, then a batch of devices through the management API; each signs its CONNECT with the secret
 * that the batch answered.
 */
import { createHmac } from 'node:crypto'
import type { PublisherJob } from './generator/job.ts'

export interface ManagementApi {
  /** Of the server, without `/api/v1`. */
  readonly url: string
  /** `<id>.<secret>` of role admin. */
  readonly key: string
}

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

/** @param count  1 to 1,000: one batch */
export async function registerDevices(api: ManagementApi, count: number): Promise<PublisherJob[]> {
  const { productKey } = await ask<{ productKey: string }>(api, 'POST', '/products', {
    name: 'bench',
  })
  await ask(api, 'PUT', `/products/${productKey}/model`, THING_MODEL)
  const devices = Array.from({ length: count }, (_, i) => ({
    deviceName: `bench-${String(i).padStart(5, '0')}`,
  }))
  const batch = await ask<{ registered: Registered[] }>(
    api,
    'POST',
    `/products/${productKey}/devices/batch`,
    { devices },
  )
  if (batch.registered.length !== count) throw new Error('Some devices were not registered.')
  return batch.registered.map(publisher)
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
function publisher(device: Registered): PublisherJob {
  const { productKey, deviceName } = device
  return {
    login: {
      clientId: `${deviceName}|securemode=3,signmethod=hmacsha256,_ss=1|`,
      username: `${deviceName}&${productKey}`,
      password: signature(deviceName, device),
    },
    topic: `/sys/${productKey}/${deviceName}/thing/event/property/post`,
  }
}

function property(identifier: string, dataType: object): object {
  return { identifier, name: identifier, accessMode: 'rw', required: false, dataType }
}

async function ask<T>(api: ManagementApi, method: string, path: string, body: object): Promise<T> {
  const response = await fetch(`${api.url.replace(/\/+$/, '')}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer.slice(0, 500)}`)
  return (answer === '' ? undefined : JSON.parse(answer)) as T
}
