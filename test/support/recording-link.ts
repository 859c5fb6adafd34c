/** A device's connection as its actor sees it: what it was sent, and that it closes as it is told. */
import type { CustomDownlink, IssuedCommand } from '../../core/domain/device-message.ts'
import type { Device } from '../../core/domain/registry.ts'
import type { Claim, DeviceSession } from '../../core/ports/device-host.ts'
import type { Delivery, DeviceLink, LinkCloseReason } from '../../core/ports/device-link.ts'
import type { DeviceHouse } from './device-house.ts'

export class RecordingLink implements DeviceLink {
  readonly address: string
  /** What the next downlinks answer. */
  delivery: Delivery = 'sent'
  readonly commands: IssuedCommand[] = []
  readonly customs: CustomDownlink[] = []
  readonly closes: LinkCloseReason[] = []
  claim: Claim | undefined

  constructor(address = '198.51.100.1') {
    this.address = address
  }

  /** Connects the device; its claim is answered at once. */
  static to(house: DeviceHouse, device: Device, address?: string): RecordingLink {
    const link = new RecordingLink(address)
    house.devices.claim(device, link, (claim) => {
      link.claim = claim
    })
    return link
  }

  /** @throws where the claim was not granted */
  get session(): DeviceSession {
    if (this.claim?.kind !== 'granted') throw new Error('the device was not given to this link')
    return this.claim.session
  }

  command(issued: IssuedCommand): Delivery {
    this.commands.push(issued)
    return this.delivery
  }

  custom(downlink: CustomDownlink): Delivery {
    this.customs.push(downlink)
    return this.delivery
  }

  close(reason: LinkCloseReason): void {
    this.closes.push(reason)
    if (this.claim?.kind === 'granted') this.claim.session.closed()
  }
}
