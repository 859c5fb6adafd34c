/**
 * What a device did, said to those who remember: each call becomes one entry of the message log, in
 * the form that back ends see. The actor speaks here, so that it never builds topics or JSON text.
 */

import type { CommandReply, RejectedValue, RequestId } from '../domain/device-message.ts'
import type { DeviceState } from '../domain/device-state.ts'
import type { JsonObject } from '../domain/json.ts'
import type { PropertyValue } from '../domain/property-items.ts'
import type { Device } from '../domain/registry.ts'
import type { Stamp } from '../domain/token.ts'

export interface Journal {
  status(
    device: Device,
    stamp: Stamp,
    status: { readonly online: boolean; readonly at: number; readonly address: string | undefined },
  ): void
  properties(
    device: Device,
    stamp: Stamp,
    post: {
      readonly id: RequestId
      readonly at: number
      readonly items: Readonly<Record<string, PropertyValue>>
      readonly rejected: readonly RejectedValue[]
      /** Nothing that the row had before stays. */
      readonly whole: boolean
    },
  ): void
  event(
    device: Device,
    stamp: Stamp,
    event: {
      readonly id: RequestId
      readonly at: number
      readonly identifier: string
      readonly name: string
      readonly type: string
      readonly time: number
      readonly value: JsonObject
      readonly rejected: readonly RejectedValue[]
    },
  ): void
  commandReply(device: Device, stamp: Stamp, at: number, reply: CommandReply): void
  /** The row as another shard gave it; the first entry under this token. */
  adopt(device: Device, stamp: Stamp, state: DeviceState): void
  /** `suffix` begins behind `/{pk}/{dn}/`; `payload` is borrowed for the call. */
  custom(device: Device, stamp: Stamp, suffix: string, payload: Uint8Array, qos: 0 | 1): void
}
