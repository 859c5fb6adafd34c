/**
 * Retained messages between shards. Data: a row, as `RetainedRow` has it; it goes without credit too, for no shard may
 * miss one, and its source is held from reading then, as for a publication. Control: up to which order a shard's are in the store.
 */
import { RetainedRow } from '../../core/domain/retained-row.ts'
import type { Mesh } from '../runtime/mesh.ts'
import { CHANNEL } from '../runtime/mesh-channels.ts'
import type { RetainedMessages } from './retained-messages.ts'

export class SharedRetained {
  readonly #mesh: Mesh
  readonly #onOverdrawn: (peer: number) => void

  constructor(mesh: Mesh, onOverdrawn: (peer: number) => void) {
    this.#mesh = mesh
    this.#onOverdrawn = onOverdrawn
  }

  /** Once, before a shard joins. */
  serve(messages: RetainedMessages): void {
    this.#mesh.onData(CHANNEL.retained, (from, buffer, start, end) => {
      messages.hear(from, new RetainedRow(Uint8Array.from(buffer.subarray(start, end))))
    })
    this.#mesh.onControl(CHANNEL.retained, (from, order) => messages.stored(from, order as number))
  }

  readonly announce = (row: RetainedRow): void => {
    for (const peer of this.#mesh.peers) this.tell(peer, row)
  }

  readonly announceStored = (order: number): void => {
    for (const peer of this.#mesh.peers) this.#mesh.tell(peer, CHANNEL.retained, order)
  }

  tell(peer: number, row: RetainedRow): void {
    const room = this.#mesh.reserve(peer, CHANNEL.retained, row.buffer.length, true)
    if (room === undefined) return // it has left: its successor reads the store, and is told the rest
    room.buffer.set(row.buffer, room.at)
    if (!this.#mesh.hasCredit(peer)) this.#onOverdrawn(peer)
  }
}
