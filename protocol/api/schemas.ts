/**
 * The shapes that the management API answers with, as JSON Schema: they make the OpenAPI document and
 * the serialisers (fast-json-stringify), so a field that is not named here never leaves. Named once
 * each, and referred to as `{ $ref: 'Product#' }`.
 */
import { ERROR_CODES } from '../../core/domain/errors.ts'
import { TURN_BOUNDS_MS } from '../../core/domain/status.ts'

export type Schema = Readonly<Record<string, unknown>>

const text: Schema = { type: 'string' }
const time: Schema = {
  type: 'integer',
  description: 'Milliseconds since the epoch',
  examples: [1767225600000],
}
const count: Schema = { type: 'integer', minimum: 0 }
const counts: Schema = { type: 'object', additionalProperties: { type: 'integer' } }
export const validation: Schema = {
  type: 'string',
  enum: ['none', 'weak', 'strong'],
  description:
    'How reported values are held against the thing model: not at all, identifier and type, or ranges and lengths too',
}
export const productKey: Schema = { type: 'string', examples: ['k1demoPK01a'] }
export const deviceName: Schema = { type: 'string', examples: ['meter-0042'] }
export const policy: Schema = {
  type: 'object',
  description: 'Topic filters that an application client with this key may use over MQTT',
  required: ['publish', 'subscribe'],
  additionalProperties: false,
  properties: {
    publish: { type: 'array', items: text, maxItems: 64 },
    subscribe: { type: 'array', items: text, maxItems: 64, examples: [['/+/+/user/#']] },
  },
}

const product = record('Product', { productKey, name: text, validation, createdAt: time })

const deviceFields = {
  productKey,
  deviceName,
  iotId: { type: 'string', description: 'Opaque id that back ends see in messages' },
  enabled: { type: 'boolean' },
  createdAt: time,
}
const status: Schema = { type: 'string', enum: ['inactive', 'online', 'offline', 'disabled'] }
const device = record('Device', deviceFields)
const summary = record('DeviceSummary', { ...deviceFields, status })
const detail = record(
  'DeviceDetail',
  {
    ...deviceFields,
    status,
    activatedAt: { ...time, description: 'First connect; absent: never connected' },
    onlineAt: time,
    offlineAt: time,
    address: { type: 'string', description: 'Remote address of the last connection' },
  },
  ['activatedAt', 'onlineAt', 'offlineAt', 'address'],
)
const registered = record('RegisteredDevice', {
  ...deviceFields,
  deviceSecret: { type: 'string', description: 'Told this once, and never again' },
})
const removedDevice = record('RemovedDevice', {
  device: { $ref: 'Device#' },
  properties: { type: 'array', items: text, description: 'Properties whose values went with it' },
})
const batch = record('BatchOutcome', {
  registered: { type: 'array', items: { $ref: 'RegisteredDevice#' } },
  failed: {
    type: 'array',
    items: {
      type: 'object',
      required: ['index', 'code', 'message'],
      properties: { index: count, deviceName: text, code: text, message: text },
    },
  },
})

const model = record('ModelSummary', {
  productKey,
  properties: count,
  events: count,
  services: count,
})

const currentProperty = record(
  'CurrentProperty',
  {
    identifier: { type: 'string', examples: ['temperature'] },
    value: { description: 'As the device sent it', examples: [21.5] },
    time,
    name: { type: 'string', examples: ['Temperature'] },
    unit: { type: 'string', examples: ['°C'] },
  },
  ['name', 'unit'],
)

const command = record(
  'CommandOutcome',
  {
    kind: {
      type: 'string',
      enum: ['sent', 'answered'],
      description: '`sent`: on its way, nobody waited; `answered`: code, message and data follow',
    },
    id: { type: 'string', description: 'Message id of the command', examples: ['880011'] },
    code: { type: 'integer', description: 'The device’s code; 200 is success' },
    message: text,
    data: { description: 'What the device answered' },
  },
  ['code', 'message', 'data'],
)

const keyFields = {
  id: { type: 'string', examples: ['akQ3v8…'] },
  note: text,
  api: { type: 'string', enum: ['none', 'read', 'admin'] },
  mqtt: policy,
  createdAt: time,
}
const key = record('AccessKey', keyFields, ['mqtt'])
const issuedKey = record(
  'IssuedKey',
  { ...keyFields, secret: { type: 'string', description: 'Told this once, and never again' } },
  ['mqtt'],
)

const seconds: Schema = { type: 'number', minimum: 0 }
const turn: Schema = {
  type: 'object',
  description: 'Passes of the event loop; longestMs and p99Ms since it was last asked',
  properties: {
    longestMs: { type: 'number' },
    p99Ms: { type: 'number' },
    count,
    totalMs: { type: 'number' },
    byLength: {
      type: 'array',
      items: count,
      description: `How many took up to ${TURN_BOUNDS_MS.join(', ')} ms, and longer`,
    },
  },
}
const statusReport = record('StatusReport', {
  version: text,
  startedAt: time,
  uptimeSec: { type: 'number' },
  durability: { type: 'string', enum: ['flush', 'commit', 'relaxed'] },
  shards: {
    type: 'array',
    items: {
      type: 'object',
      properties: {
        shard: count,
        state: {
          type: 'string',
          enum: ['serving', 'shedding', 'stalled', 'starting'],
          description:
            '`shedding`: lets nobody in; `stalled`, `starting`: did not answer, and only shard, restarts and devicesOnline (as it said last) are told',
        },
        restarts: { ...count, description: 'Threads that had its number before this one' },
        shedding: { type: 'boolean' },
        connections: count,
        devicesOnline: count,
        messagesIn: count,
        messagesOut: count,
        lagMs: { type: 'number', description: '99th percentile of the event loop’s delay' },
        turn,
        heap: { type: 'object', properties: { usedBytes: count, limitBytes: count } },
        handOvers: { ...counts, description: 'Custody of devices that came and went' },
        mesh: { type: 'array', items: counts, description: 'Traffic with each other shard' },
        settling: {
          ...count,
          description:
            'Devices still to be looked at after a crash: whether they are to be told offline',
        },
        log: { type: 'object', properties: { sequence: count, writes: count, bytes: count } },
        refusals: counts,
        counters: counts,
      },
    },
  },
  devices: { type: 'object', properties: { registered: count, online: count } },
  recovery: {
    type: 'object',
    description: 'What was brought into the store from the logs at the start',
    properties: { entries: count, rows: count, tookMs: { type: 'number' } },
  },
  memory: { type: 'object', properties: { rssBytes: count } },
  cpu: { type: 'object', properties: { userSec: seconds, systemSec: seconds } },
})

const problem = record(
  'Problem',
  {
    type: { type: 'string', examples: ['urn:tidegate:error:device.not-found'] },
    title: { type: 'string', examples: ['Not Found'] },
    status: { type: 'integer', examples: [404] },
    detail: { type: 'string', examples: ['Product k1demoPK01a has no device "meter-0042".'] },
    code: { type: 'string', enum: [...ERROR_CODES] },
    instance: text,
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: text, message: text },
      },
    },
  },
  ['errors'],
)

/** Every named shape, for `addSchema`. */
export const SCHEMAS: readonly Schema[] = [
  product,
  device,
  summary,
  detail,
  registered,
  removedDevice,
  batch,
  model,
  currentProperty,
  command,
  key,
  issuedKey,
  statusReport,
  problem,
]

/** An object whose fields are all there but the optional ones. */
function record(
  $id: string,
  properties: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { $id, title: $id, type: 'object', required, properties }
}
