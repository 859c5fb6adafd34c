/** A device's live connection, as its actor sees it. The protocol room implements it. */
import type { CustomDownlink, IssuedCommand } from '../domain/device-message.ts'

export type LinkCloseReason =
  | 'taken-over'
  | 'disabled'
  | 'deleted'
  | 'shutdown'
  | 'failed'
  | 'overload'

/** `not-subscribed`: the device would not hear it; `full`: its queue stands at its bound. */
export type Delivery = 'sent' | 'not-subscribed' | 'full'

export interface DeviceLink {
  readonly address: string
  command(issued: IssuedCommand): Delivery
  custom(downlink: CustomDownlink): Delivery
  /** Says why where the protocol can (MQTT 5 DISCONNECT), then closes. Calls `closed` of its session. */
  close(reason: LinkCloseReason): void
}
