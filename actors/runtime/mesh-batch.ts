/**
 * What one turn says to one peer: a writer of its own in the turn, so that a record which could not be
 * stored takes with it exactly what was said beside it, also while earlier turns wait for their sync.
 */
import type { TurnWriter } from '../../core/ports/turn.ts'
import type { FramePool } from './frame-pool.ts'
import { GatheredFrames } from './mesh-frame.ts'

export interface BatchOwner {
  /** Nothing more goes into the batch. */
  close(batch: MeshBatch): void
  /** The batch may leave, behind the ones that were begun before it. */
  settle(batch: MeshBatch): void
  /** Data bytes that will not leave after all. */
  refund(bytes: number): void
}

export class MeshBatch implements TurnWriter {
  readonly frames: GatheredFrames
  /** The turn in which it was said. */
  readonly serial: number
  settled = false
  readonly #owner: BatchOwner

  constructor(owner: BatchOwner, serial: number, expectedBytes: number, pool: FramePool) {
    this.#owner = owner
    this.serial = serial
    this.frames = new GatheredFrames(expectedBytes, pool)
  }

  flush(): void {
    this.#settle()
  }

  hold(): void {
    this.#owner.close(this)
  }

  /**
   * Data does not leave: its publishers hear of no success and say it again. Control does: a hand-over
   * that is lost leaves its number without an owner for ever, and a peer acts on it by its own record
   * and the token, never by trust in ours.
   */
  discard(): void {
    const dropped = this.frames.dropData()
    this.#settle()
    this.#owner.refund(dropped)
  }

  #settle(): void {
    this.settled = true
    this.#owner.settle(this)
  }
}
