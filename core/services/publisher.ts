/**
 * Raw messages to one device on its custom topics, `/{pk}/{dn}/user/…`. Nothing is stored for
 * later.
 */
import { PlatformError } from '../domain/errors.ts'
import type { Device } from '../domain/registry.ts'
import { isTopicName } from '../domain/topic.ts'
import type { DeviceOwner } from '../ports/device-owner.ts'
import type { RegistryReader } from '../ports/registry-reader.ts'
import { type DeviceRef, requireEnabled } from './input.ts'

/** One MQTT message (limits.md). */
const MAX_PAYLOAD_BYTES = 262_144
const MAX_TOPIC_BYTES = 128
/** `/{pk}/{dn}/user/a/b/c/d`: topics of the original have at most seven levels. */
const MAX_TOPIC_LEVELS = 7

export interface RawMessage {
  /** Whole, `/{pk}/{dn}/user/…`, or what follows the device's name, `user/…`. */
  readonly topic: string
  /** At most 256 KiB. */
  readonly payload: Uint8Array
  readonly qos: 0 | 1
}

export interface PublisherPorts {
  readonly reader: RegistryReader
  readonly owner: DeviceOwner
}

export class Publisher {
  readonly #ports: PublisherPorts

  constructor(ports: PublisherPorts) {
    this.#ports = ports
  }

  /**
   * Sends now or fails; returns the whole topic that it went to.
   *
   * @throws product.not-found, device.not-found, device.disabled, topic.invalid, payload.too-large,
   *         and what `DeviceOwner.custom` throws
   */
  async publish(ref: DeviceRef, message: RawMessage): Promise<string> {
    const { reader, owner } = this.#ports
    const device = requireEnabled(reader, ref)
    const suffix = customSuffix(device, message.topic)
    const { payload, qos } = message
    if (payload.byteLength > MAX_PAYLOAD_BYTES) {
      throw new PlatformError(
        'payload.too-large',
        `A message may have ${MAX_PAYLOAD_BYTES} bytes; this one has ${payload.byteLength}.`,
      )
    }
    await owner.custom(device, { device, suffix, payload, qos })
    return prefixOf(device) + suffix
  }
}

function customSuffix(device: Device, topic: string): string {
  const prefix = prefixOf(device)
  const suffix = topic.startsWith(prefix) ? topic.slice(prefix.length) : topic
  const whole = prefix + suffix
  if (!suffix.startsWith('user/') || suffix === 'user/') throw notCustom(device, topic)
  if (!isTopicName(whole)) {
    throw new PlatformError('topic.invalid', 'A topic to publish to has no wildcard and no U+0000.')
  }
  const levels = whole.split('/').length - 1
  if (new TextEncoder().encode(whole).length > MAX_TOPIC_BYTES || levels > MAX_TOPIC_LEVELS) {
    throw new PlatformError(
      'topic.invalid',
      `A topic has at most ${MAX_TOPIC_BYTES} bytes and ${MAX_TOPIC_LEVELS} levels.`,
    )
  }
  return suffix
}

function notCustom(device: Device, topic: string): PlatformError {
  const own = `${prefixOf(device)}user/…`
  return new PlatformError(
    'topic.invalid',
    `${JSON.stringify(topic)} is not a custom topic of this device: publish to ${own}. ` +
      'What the thing model describes is sent by setting properties and calling services.',
  )
}

function prefixOf(device: Device): string {
  return `/${device.productKey}/${device.deviceName}/`
}
