/**
 * The mesh: what the shards of one process say to each other. One per shard, one `MeshPeer` per other
 * shard; what is said during a turn leaves at its end, behind the turn's record, as one transferred buffer.
 *
 * Two lanes. *Control* is never held back: its senders bound it by the answers that they await. *Data* needs
 * credit, `windowBytes` under way to one peer; the receiver grants it back in quarters. Receiving never waits
 * for sending.
 */
import type { Turn } from '../../core/ports/turn.ts'
import {
  type ControlReceiver,
  type DataReceiver,
  MeshPeer,
  type MeshPeerStatus,
  type MeshPort,
  type Room,
} from './mesh-peer.ts'

const WINDOW_BYTES = 4_194_304 // of data on its way to one peer: some milliseconds of a busy shard

export interface MeshParts {
  readonly shard: number
  readonly turn: Turn
  readonly windowBytes?: number
}

export class Mesh {
  readonly shard: number
  readonly #turn: Turn
  readonly #windowBytes: number
  readonly #peers = new Map<number, MeshPeer>()
  #numbers: readonly number[] = []
  readonly #control: (ControlReceiver | undefined)[] = []
  readonly #data: (DataReceiver | undefined)[] = []

  constructor(parts: MeshParts) {
    this.shard = parts.shard
    this.#turn = parts.turn
    this.#windowBytes = parts.windowBytes ?? WINDOW_BYTES
  }

  /** The shards that are joined now, ascending. */
  get peers(): readonly number[] {
    return this.#numbers
  }

  join(peer: number, port: MeshPort): void {
    this.leave(peer)
    const turn = this.#turn
    const windowBytes = this.#windowBytes
    const receivers = { control: this.#control, data: this.#data }
    this.#peers.set(peer, new MeshPeer({ peer, port, turn, windowBytes, receivers }))
    this.#list()
  }

  /** The peer is gone: what was gathered for it is dropped; whoever waits for its credit is told. */
  leave(peer: number): void {
    const gone = this.#peers.get(peer)
    if (gone === undefined) return
    this.#peers.delete(peer)
    this.#list()
    gone.close()
  }

  /** Handles what a peer that died had posted, before it is left. */
  drain(peer: number): void {
    this.#peers.get(peer)?.drain()
  }

  onControl(channel: number, receive: ControlReceiver): void {
    this.#control[channel] = receive
  }

  onData(channel: number, receive: DataReceiver): void {
    this.#data[channel] = receive
  }

  /** Control lane: `body` is what msgpack can say. False: no such peer. */
  tell(peer: number, channel: number, body: unknown): boolean {
    const to = this.#peers.get(peer)
    if (to === undefined) return false
    to.tell(channel, body)
    return true
  }

  /**
   * Room for one data message, to be filled before anything else is reserved. `undefined`: no such peer,
   * or its credit is used up and this may not overdraw it.
   */
  reserve(peer: number, channel: number, bytes: number, overdraft: boolean): Room | undefined {
    return this.#peers.get(peer)?.reserve(channel, bytes, overdraft)
  }

  hasCredit(peer: number): boolean {
    return (this.#peers.get(peer)?.creditBytes ?? 0) > 0
  }

  /** Calls once when the peer has credit, or has left; at once where that is so now. */
  whenCredit(peer: number, resume: () => void): void {
    const to = this.#peers.get(peer)
    if (to === undefined) resume()
    else to.whenCredit(resume)
  }

  status(): readonly MeshPeerStatus[] {
    return this.#numbers.map((peer) => (this.#peers.get(peer) as MeshPeer).status())
  }

  close(): void {
    for (const peer of this.#numbers) this.leave(peer)
  }

  #list(): void {
    this.#numbers = [...this.#peers.keys()].sort((a, b) => a - b)
  }
}
