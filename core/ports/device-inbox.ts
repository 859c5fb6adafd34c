/** Where a client of the same shard sends what is meant for a device's custom topic. */
import type { CustomDownlink } from '../domain/device-message.ts'
import type { Delivery } from './device-link.ts'

export interface DeviceInbox {
  /** No error where the device is away: to a publisher that is nothing unusual. */
  deliverCustom(downlink: CustomDownlink): Delivery | 'offline'
}
