/**
 * What devices did, as back ends read it: the topics of topics.md §6 and the normalised JSON of
 * tsl.md §6, one entry of the message log each. Serialisers are compiled once, when the module loads;
 * per message there is one text, its bytes and the entry. One per shard.
 *
 * `alink-replay.ts` reads these entries after a crash: what is written here must lead it to the
 * same row of the device.
 */
import fastJson from 'fast-json-stringify'
import type { CommandReply, RejectedValue, RequestId } from '../../core/domain/device-message.ts'
import { type DeviceState, encodeRow } from '../../core/domain/device-state.ts'
import { ENTRY_CLASS, type EntryClass, type LogEntry } from '../../core/domain/log-entry.ts'
import type { Device } from '../../core/domain/registry.ts'
import type { Stamp } from '../../core/domain/token.ts'
import type { Journal } from '../../core/ports/journal.ts'
import type { MessageLog } from '../../core/ports/message-log.ts'
import { PROPERTY_SET_SUFFIX, serviceSuffix } from './alink-topics.ts'
import { type DeviceStatus, encodeStatus } from './device-status-json.ts'

/** Category key of every product that is of no standard category. */
const DEVICE_TYPE = 'CustomCategory'
const NO_TARGETS: readonly number[] = Object.freeze([])
const NOTHING_FAILED = Object.freeze(Object.create(null) as Record<string, FailedValue>)

interface FailedValue {
  readonly time: number
  readonly value: RejectedValue['value']
  readonly code: number
  readonly message: string
}

const stringifyProperties = fastJson({
  type: 'object',
  properties: {
    deviceType: { type: 'string' },
    iotId: { type: 'string' },
    requestId: { type: 'string' },
    checkFailedData: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        properties: {
          time: { type: 'integer' },
          value: {},
          code: { type: 'integer' },
          message: { type: 'string' },
        },
      },
    },
    productKey: { type: 'string' },
    gmtCreate: { type: 'integer' },
    deviceName: { type: 'string' },
    items: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        properties: { value: {}, time: { type: 'integer' } },
      },
    },
  },
})

const stringifyEvent = fastJson({
  type: 'object',
  properties: {
    deviceType: { type: 'string' },
    identifier: { type: 'string' },
    iotId: { type: 'string' },
    name: { type: 'string' },
    time: { type: 'integer' },
    type: { type: 'string' },
    requestId: { type: 'string' },
    checkFailedData: {},
    productKey: { type: 'string' },
    deviceName: { type: 'string' },
    gmtCreate: { type: 'integer' },
    value: {},
  },
})

const stringifyReply = fastJson({
  type: 'object',
  properties: {
    gmtCreate: { type: 'integer' },
    iotId: { type: 'string' },
    productKey: { type: 'string' },
    deviceName: { type: 'string' },
    requestId: { type: 'string' },
    code: { type: 'integer' },
    message: { type: 'string' },
    topic: { type: 'string' },
    data: {},
    checkFailedData: {},
  },
})

export class AlinkJournal implements Journal {
  readonly #log: MessageLog

  constructor(log: MessageLog) {
    this.#log = log
  }

  status(device: Device, stamp: Stamp, status: DeviceStatus): void {
    const topic = `/as/mqtt/status/${device.productKey}/${device.deviceName}`
    this.#append(ENTRY_CLASS.status, device, stamp, topic, encodeStatus(device, status))
  }

  properties(device: Device, stamp: Stamp, post: Parameters<Journal['properties']>[2]): void {
    const { iotId, productKey, deviceName } = device
    const text = stringifyProperties({
      deviceType: DEVICE_TYPE,
      iotId,
      requestId: idText(post.id),
      checkFailedData: failedValues(post.rejected),
      productKey,
      gmtCreate: post.at,
      deviceName,
      items: post.items,
    })
    const topic = `/${productKey}/${deviceName}/thing/event/property/post`
    const payload = Buffer.from(text)
    const { properties } = ENTRY_CLASS
    this.#log.append(entry(properties, device, stamp, topic, payload, 1, post.whole))
  }

  event(device: Device, stamp: Stamp, event: Parameters<Journal['event']>[2]): void {
    const { iotId, productKey, deviceName } = device
    const { identifier, name, time, type } = event
    const [rejected] = event.rejected
    const text = stringifyEvent({
      deviceType: DEVICE_TYPE,
      identifier,
      iotId,
      name,
      time,
      type,
      requestId: idText(event.id),
      checkFailedData: rejected === undefined ? NOTHING_FAILED : failedEvent(rejected),
      productKey,
      deviceName,
      gmtCreate: event.at,
      value: rejected === undefined ? event.value : NOTHING_FAILED, // dropped whole (tsl.md §4)
    })
    const topic = `/${productKey}/${deviceName}/thing/event/${identifier}/post`
    this.#append(ENTRY_CLASS.event, device, stamp, topic, text)
  }

  commandReply(device: Device, stamp: Stamp, at: number, reply: CommandReply): void {
    const { iotId, productKey, deviceName } = device
    const { service, code, message, data } = reply
    const suffix = service === undefined ? PROPERTY_SET_SUFFIX : serviceSuffix(service)
    const text = stringifyReply({
      gmtCreate: at,
      iotId,
      productKey,
      deviceName,
      requestId: idText(reply.id), // text: as a number it would lose digits in JavaScript
      code,
      message,
      topic: `/sys/${productKey}/${deviceName}/${suffix}`,
      data,
      checkFailedData: NOTHING_FAILED,
    })
    const topic = `/${productKey}/${deviceName}/thing/downlink/reply/message`
    this.#append(ENTRY_CLASS.commandReply, device, stamp, topic, text)
  }

  custom(device: Device, stamp: Stamp, suffix: string, payload: Uint8Array, qos: 0 | 1): void {
    const topic = `/${device.productKey}/${device.deviceName}/${suffix}`
    this.#log.append(entry(ENTRY_CLASS.custom, device, stamp, topic, payload, qos, false))
  }

  adopt(device: Device, stamp: Stamp, state: DeviceState): void {
    const topic = `/as/adopt/${device.productKey}/${device.deviceName}`
    this.#append(ENTRY_CLASS.adopt, device, stamp, topic, encodeRow(state))
  }

  #append(kind: EntryClass, device: Device, stamp: Stamp, topic: string, text: string): void {
    this.#log.append(entry(kind, device, stamp, topic, Buffer.from(text), 1, false))
  }
}

function entry(
  kind: EntryClass,
  device: Device,
  stamp: Stamp,
  topic: string,
  payload: Uint8Array,
  qos: 0 | 1,
  whole: boolean,
): LogEntry {
  const { token, version } = stamp
  const { number } = device
  return { class: kind, number, token, version, qos, whole, targets: NO_TARGETS, topic, payload }
}

/** Empty where the device gave none. */
function idText(id: RequestId): string {
  return id === undefined ? '' : String(id)
}

/** Without a prototype: an identifier may be any string. */
function failedValues(rejected: readonly RejectedValue[]): Readonly<Record<string, FailedValue>> {
  if (rejected.length === 0) return NOTHING_FAILED
  const failed: Record<string, FailedValue> = Object.create(null)
  for (const { identifier, timeMs, value, code, message } of rejected) {
    failed[identifier] = { time: timeMs, value, code, message }
  }
  return failed
}

function failedEvent({ value, code, message }: RejectedValue): Omit<FailedValue, 'time'> {
  return { value, code, message }
}
