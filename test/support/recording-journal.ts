/** What devices did, as it was said to the journal: one record per entry, in order. */
import type { CommandReply } from '../../core/domain/device-message.ts'
import type { DeviceState } from '../../core/domain/device-state.ts'
import type { Device } from '../../core/domain/registry.ts'
import type { Stamp } from '../../core/domain/token.ts'
import type { Journal } from '../../core/ports/journal.ts'

export interface JournalEntry {
  readonly kind: 'status' | 'properties' | 'event' | 'reply' | 'custom' | 'adopt'
  readonly deviceName: string
  readonly stamp: Stamp
  readonly facts: unknown
}

type StatusFacts = Parameters<Journal['status']>[2]

export class RecordingJournal implements Journal {
  readonly entries: JournalEntry[] = []
  /** The next entries of this kind are refused: the disk, or a mistake of ours. */
  failing: JournalEntry['kind'] | undefined

  status(device: Device, stamp: Stamp, status: StatusFacts): void {
    this.#keep('status', device, stamp, status)
  }

  properties(device: Device, stamp: Stamp, post: Parameters<Journal['properties']>[2]): void {
    this.#keep('properties', device, stamp, post)
  }

  event(device: Device, stamp: Stamp, event: Parameters<Journal['event']>[2]): void {
    this.#keep('event', device, stamp, event)
  }

  commandReply(device: Device, stamp: Stamp, _at: number, reply: CommandReply): void {
    this.#keep('reply', device, stamp, reply)
  }

  adopt(device: Device, stamp: Stamp, state: DeviceState): void {
    this.#keep('adopt', device, stamp, state)
  }

  custom(device: Device, stamp: Stamp, suffix: string, payload: Uint8Array, qos: 0 | 1): void {
    this.#keep('custom', device, stamp, { suffix, text: Buffer.from(payload).toString(), qos })
  }

  /** `name online` and `name offline`, in order. */
  get statuses(): string[] {
    return this.entries
      .filter(({ kind }) => kind === 'status')
      .map(({ deviceName, facts }) => {
        return `${deviceName} ${(facts as StatusFacts).online ? 'online' : 'offline'}`
      })
  }

  #keep(kind: JournalEntry['kind'], device: Device, stamp: Stamp, facts: unknown): void {
    if (this.failing === kind) throw new Error(`the journal takes no ${kind}`)
    this.entries.push({ kind, deviceName: device.deviceName, stamp, facts })
  }
}
