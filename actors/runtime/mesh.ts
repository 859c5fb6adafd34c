/**
 * The mesh: what the shards of one process say to each other. One per shard, one `MeshPeer` per other
 * shard; what is said during a turn leaves at its end, behind the turn's record, as one transferred buffer.
 *
 * Two lanes. *Control* is never held back: its senders bound it by the answers that they await. *Data* needs
 * credit, `windowBytes` under way to one peer; the receiver grants it back in quarters. What is said to one
 * peer is heard in the order in which it was said, on both lanes. Receiving never waits for sending.
 *
 * A receiver or waiter that throws costs the others nothing: the rest of the frame is heard first, then
 * the error is thrown into the event loop of the shard.
 */
import { PlatformError } from '../../core/domain/errors.ts'
import type { Turn } from '../../core/ports/turn.ts'
import { FramePool } from './frame-pool.ts'
import { MeshPeer, type MeshPeerStatus, type MeshPort, type Room, throwAll } from './mesh-peer.ts'
import { type ControlReceiver, type DataReceiver, MeshReceivers } from './mesh-receivers.ts'

const WINDOW_BYTES = 4_194_304 // of data on its way to one peer: some milliseconds of a busy shard

export interface MeshParts {
  readonly shard: number
  readonly turn: Turn
  /** The same in every shard. */
  readonly windowBytes?: number
}

export class Mesh {
  readonly shard: number
  readonly #turn: Turn
  readonly #windowBytes: number
  /** By their numbers: asked for with every message. */
  readonly #peers: (MeshPeer | undefined)[] = []
  readonly #receivers = new MeshReceivers()
  readonly #pool = new FramePool()
  #numbers: readonly number[] = []

  constructor(parts: MeshParts) {
    this.shard = parts.shard
    this.#turn = parts.turn
    this.#windowBytes = parts.windowBytes ?? WINDOW_BYTES
  }

  /** The shards that are joined now, ascending. */
  get peers(): readonly number[] {
    return this.#numbers
  }

  /** Also in place of the port of a shard that was replaced. Register all receivers before. */
  join(peer: number, port: MeshPort): void {
    if (peer === this.shard) throw new PlatformError('internal', 'a shard is no peer of its own')
    const replaced = this.#peers[peer]
    const parts = { peer, port, turn: this.#turn, receivers: this.#receivers, pool: this.#pool }
    while (this.#peers.length <= peer) this.#peers.push(undefined)
    this.#peers[peer] = new MeshPeer({ ...parts, windowBytes: this.#windowBytes })
    this.#list()
    if (replaced !== undefined) end(replaced)
  }

  /** The peer is gone: what was gathered for it is dropped; whoever waits for its credit is told. */
  leave(peer: number): void {
    const gone = this.#peers[peer]
    if (gone === undefined) return
    this.#peers[peer] = undefined
    this.#list()
    end(gone)
  }

  /** Handles what a peer that died had posted, before it is left; returns how many frames. */
  drain(peer: number): number {
    return this.#peers[peer]?.drain() ?? 0
  }

  /** Channels are 1 to 255, with one receiver each. @throws internal */
  onControl(channel: number, receive: ControlReceiver): void {
    this.#receivers.onControl(channel, receive)
  }

  onData(channel: number, receive: DataReceiver): void {
    this.#receivers.onData(channel, receive)
  }

  /**
   * Control lane; encoded within the call (mesh-body.ts says what a body can be). False: no such peer.
   * Throws what the encoder throws, and has said nothing then.
   */
  tell(peer: number, channel: number, body: unknown): boolean {
    const to = this.#peers[peer]
    if (to === undefined) return false
    to.tell(channel, body)
    return true
  }

  /**
   * Room for one data message, to be filled before anything else is said. `undefined`: no such peer,
   * or its credit is used up and this may not overdraw it.
   */
  reserve(peer: number, channel: number, bytes: number, overdraft: boolean): Room | undefined {
    const to = this.#peers[peer]
    if (to === undefined || !(overdraft || to.hasCredit)) return undefined
    return to.reserve(channel, bytes)
  }

  hasCredit(peer: number): boolean {
    return this.#peers[peer]?.hasCredit ?? false
  }

  /** Calls once when the peer has credit, or has left; at once where that is so now. One that waits is kept once. */
  whenCredit(peer: number, resume: () => void): void {
    const to = this.#peers[peer]
    if (to === undefined) resume()
    else to.whenCredit(resume)
  }

  status(): readonly MeshPeerStatus[] {
    return this.#numbers.map((peer) => (this.#peers[peer] as MeshPeer).status)
  }

  close(): void {
    for (const peer of this.#numbers) this.leave(peer)
  }

  #list(): void {
    this.#numbers = [...this.#peers.keys()].filter((peer) => this.#peers[peer] !== undefined)
  }
}

/** Those who waited may ask the mesh at once: it must not know the peer any more. */
function end(peer: MeshPeer): void {
  peer.leave()
  const failures: unknown[] = []
  peer.tellWaiters(failures)
  throwAll(failures)
}
