/** Where connections meet device actors. The actors room implements it, listeners call it. */
import type { Answer, Uplink } from '../domain/device-message.ts'
import type { Device } from '../domain/registry.ts'
import type { DeviceLink, LinkCloseReason } from './device-link.ts'

/** A connection's hold on its device's actor: from a granted claim until `closed`. */
export interface DeviceSession {
  uplink(message: Uplink): Answer
  /** A message on a custom topic; `suffix` begins behind `/{pk}/{dn}/`, `payload` is borrowed. */
  custom(suffix: string, payload: Uint8Array, qos: 0 | 1): void
  /** The connection is gone; once. */
  closed(): void
}

export type Claim =
  | { readonly kind: 'granted'; readonly session: DeviceSession }
  /** The owner did not answer in time: the client shall try again (Server Busy). */
  | { readonly kind: 'busy' }
  /** Overtaken by a later connect, or the registry has changed meanwhile: the connection shall close. */
  | { readonly kind: 'closed'; readonly reason: LinkCloseReason }

export interface DeviceHost {
  /** There is such a device, and it was online at some time. */
  knows(productKey: string, deviceName: string): boolean
  /**
   * Makes this connection the device's one connection; an older one is closed as taken over.
   * `onClaim` is called once, now or later: ownership may have to travel first.
   */
  claim(device: Device, link: DeviceLink, onClaim: (claim: Claim) => void): void
}
