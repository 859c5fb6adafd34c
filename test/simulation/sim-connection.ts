/**
 * A device's connection as a shard has it, and what its client was told: CONNACK and PUBACKs count once the
 * turn that they belong to was flushed.
 */
import type { Uplink } from '../../core/domain/device-message.ts'
import type { Device } from '../../core/domain/registry.ts'
import type { Claim, DeviceSession } from '../../core/ports/device-host.ts'
import type { Delivery, DeviceLink, LinkCloseReason } from '../../core/ports/device-link.ts'
import type { TurnWriter } from '../../core/ports/turn.ts'
import type { SimShard } from './sim-shard.ts'

export interface ConnectionWatcher {
  granted(connection: SimConnection): void
  ended(connection: SimConnection): void
  heardAck(connection: SimConnection, post: number): void
}

export class SimConnection implements DeviceLink, TurnWriter {
  readonly address: string
  readonly device: Device
  readonly shard: SimShard
  readonly label: string
  phase: 'waiting' | 'granted' | 'closed' = 'waiting'
  #session: DeviceSession | undefined
  readonly #watcher: ConnectionWatcher
  #posts: number[] = []
  #held: number[] | undefined
  #asked = false
  #clientLeft = false

  constructor(label: string, device: Device, shard: SimShard, watcher: ConnectionWatcher) {
    this.label = label
    this.device = device
    this.shard = shard
    this.address = label
    this.#watcher = watcher
  }

  connect(): void {
    const { turn, devices } = this.shard
    turn.enter()
    devices.claim(this.device, this, (claim) => this.onClaim(claim))
  }

  onClaim(claim: Claim): void {
    if (claim.kind === 'granted') {
      this.#session = claim.session
      if (this.phase === 'closed') {
        claim.session.closed() // it left while it waited
        return
      }
      this.phase = 'granted'
      this.#watcher.granted(this)
      this.#ask()
      return
    }
    this.phase = 'closed'
    this.#watcher.ended(this)
  }

  /** The client posts `n` as a property. */
  post(n: number): void {
    this.shard.turn.enter()
    const values = [{ identifier: 'n', value: n, timeMs: n }]
    const message: Uplink = { kind: 'property-post', id: String(n), values }
    const answer = this.#session?.uplink(message)
    if (answer?.kind !== 'accepted') return
    this.#posts.push(n)
    this.#ask()
  }

  /** The client is gone: what it was not told yet, it is never told. */
  leave(): void {
    this.#clientLeft = true
    this.#end()
  }

  command(): Delivery {
    return 'sent'
  }

  custom(): Delivery {
    return 'sent'
  }

  close(_reason: LinkCloseReason): void {
    this.#end()
  }

  flush(): void {
    const posts = this.#held ?? this.#posts
    if (this.#held === undefined) {
      this.#posts = []
      this.#asked = false
    }
    this.#held = undefined
    if (this.#clientLeft) return
    for (const n of posts) this.#watcher.heardAck(this, n)
  }

  hold(): void {
    this.#held = this.#posts
    this.#posts = []
    this.#asked = false
  }

  discard(): void {
    this.leave()
  }

  #ask(): void {
    if (this.#asked) return
    this.#asked = true
    this.shard.turn.writeLater(this)
  }

  #end(): void {
    if (this.phase === 'closed') return
    const before = this.phase
    this.phase = 'closed'
    this.#watcher.ended(this)
    this.shard.turn.enter()
    if (before === 'granted') this.#session?.closed()
  }
}
