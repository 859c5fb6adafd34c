/**
 * The way to one other shard and back: batches on their way out, credit, counts. Owned by the mesh of its
 * shard, from `join` to `leave`.
 *
 * Credit counts data messages with their head. A message is let through while any credit is left, so
 * at most one message more than the window is under way, and overdrafts. It comes back with every frame
 * that the peer sends anyway, and with a frame of its own once a quarter of the window is owed: a sender
 * without credit has at least a window under way, so what is owed to it always reaches that mark.
 *
 * Bounds: data by the window; control and overdraft by who asks; waiters by who feeds the peer, each once.
 * Under `flush` durability batches wait for the sync, in the order of their turns.
 */
import type { Turn } from '../../core/ports/turn.ts'
import type { FramePool } from './frame-pool.ts'
import { type BatchOwner, MeshBatch } from './mesh-batch.ts'
import { encodeBody } from './mesh-body.ts'
import {
  CONTROL,
  DATA,
  type FrameListener,
  frameBytes,
  MESSAGE_HEAD_BYTES,
  readFrame,
} from './mesh-frame.ts'
import type { MeshReceivers } from './mesh-receivers.ts'

const GRANTS_PER_WINDOW = 4 // seldom enough to cost nothing, early enough that a stream never stops

/** One end of the channel between two shards; a MessagePort of Node fits. */
export interface MeshPort {
  postMessage(frame: ArrayBuffer, transfer: readonly ArrayBuffer[]): void
  on(event: 'message', listener: (frame: ArrayBuffer) => void): unknown
  close(): void
  /** The oldest frame that is queued and was not heard; takes it out (`receiveMessageOnPort`). */
  receiveNow?(): ArrayBuffer | undefined
}

export interface MeshPeerStatus {
  readonly peer: number
  readonly framesIn: number
  readonly framesOut: number
  /** Messages by lane. Out: those that have left. */
  readonly controlIn: number
  readonly controlOut: number
  readonly dataIn: number
  readonly dataOut: number
  /** Of frames, heads included. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** Data bytes that may still be said; below zero after an overdraft. */
  readonly creditBytes: number
  /** How many wait for credit. */
  readonly waiting: number
}

/** Where a message is written, before anything else is said to the peer; one object, filled again for each. */
export interface Room {
  readonly buffer: Buffer
  /** The same memory. */
  readonly words: Int32Array
  readonly at: number
}

export interface MeshPeerParts {
  readonly peer: number
  readonly port: MeshPort
  readonly turn: Turn
  readonly windowBytes: number
  readonly receivers: MeshReceivers
  readonly pool: FramePool
}

export class MeshPeer implements BatchOwner, FrameListener {
  readonly #parts: MeshPeerParts
  readonly #turn: Turn
  readonly #room: { -readonly [K in keyof Room]: Room[K] } = {
    buffer: Buffer.alloc(0),
    words: new Int32Array(0),
    at: 0,
  }
  readonly #waiters = new Set<() => void>()
  #open: MeshBatch | undefined = undefined
  /** Not posted yet, oldest first. */
  #batches: MeshBatch[] = []
  #expectedBytes = 0
  #credit: number
  /** Data bytes heard, and not granted back yet. */
  #owed = 0
  #gone = false
  #framesIn = 0
  #framesOut = 0
  #controlIn = 0
  #controlOut = 0
  #dataIn = 0
  #dataOut = 0
  #bytesIn = 0
  #bytesOut = 0

  constructor(parts: MeshPeerParts) {
    this.#parts = parts
    this.#turn = parts.turn
    this.#credit = parts.windowBytes
    parts.port.on('message', (frame) => {
      if (this.#gone) return // it was on its way to this loop when the peer left
      const failures: unknown[] = []
      this.#receive(frame, failures)
      throwAll(failures)
    })
  }

  get hasCredit(): boolean {
    return this.#credit > 0
  }

  get status(): MeshPeerStatus {
    return {
      peer: this.#parts.peer,
      framesIn: this.#framesIn,
      framesOut: this.#framesOut,
      controlIn: this.#controlIn,
      controlOut: this.#controlOut,
      dataIn: this.#dataIn,
      dataOut: this.#dataOut,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      creditBytes: this.#credit,
      waiting: this.#waiters.size,
    }
  }

  tell(channel: number, body: unknown): void {
    const encoded = encodeBody(body)
    const { frames } = this.#batch()
    const at = frames.append(CONTROL, channel, encoded.length) // before `buffer` is read: it may change it
    encoded.copy(frames.buffer, at)
  }

  reserve(channel: number, bytes: number): Room {
    const { frames } = this.#batch()
    this.#credit -= MESSAGE_HEAD_BYTES + bytes
    const room = this.#room
    room.at = frames.append(DATA, channel, bytes)
    if (room.buffer !== frames.buffer) {
      room.buffer = frames.buffer
      room.words = frames.words
    }
    return room
  }

  whenCredit(resume: () => void): void {
    if (this.#credit > 0) resume()
    else this.#waiters.add(resume)
  }

  /** Resumes those who wait, oldest first, while there is credit; all of them once the peer has left. */
  tellWaiters(failures: unknown[]): void {
    for (const resume of this.#waiters) {
      if (this.#credit <= 0 && !this.#gone) return
      this.#waiters.delete(resume)
      try {
        resume()
      } catch (error) {
        failures.push(error)
      }
    }
  }

  /** Hears what is queued in the port; returns how many frames. */
  drain(): number {
    const failures: unknown[] = []
    let frames = 0
    for (;;) {
      const frame = this.#parts.port.receiveNow?.()
      if (frame === undefined) break
      frames += 1
      this.#receive(frame, failures)
    }
    throwAll(failures)
    return frames
  }

  /** Nothing leaves and nothing is heard any more. Call `tellWaiters` next. */
  leave(): void {
    this.#gone = true
    this.#open = undefined
    this.#batches = []
    this.#parts.port.close()
  }

  // ---- BatchOwner

  close(batch: MeshBatch): void {
    if (this.#open === batch) this.#open = undefined
  }

  settle(batch: MeshBatch): void {
    this.close(batch)
    while (this.#batches[0]?.settled === true) this.#post(this.#batches.shift() as MeshBatch)
  }

  refund(bytes: number): void {
    this.#credit += bytes
    const failures: unknown[] = []
    this.tellWaiters(failures)
    throwAll(failures)
  }

  // ---- FrameListener

  granted(bytes: number): void {
    this.#credit += bytes
  }

  control(channel: number, buffer: Buffer, start: number, end: number): void {
    this.#controlIn += 1
    this.#parts.receivers.control(this.#parts.peer, channel, buffer, start, end)
  }

  data(channel: number, buffer: Buffer, start: number, end: number): void {
    this.#dataIn += 1
    this.#owed += MESSAGE_HEAD_BYTES + end - start
    this.#parts.receivers.data(this.#parts.peer, channel, buffer, start, end)
  }

  // ----

  #receive(transferred: ArrayBuffer, failures: unknown[]): void {
    this.#turn.enter()
    const frame = Buffer.from(transferred)
    this.#framesIn += 1
    this.#bytesIn += frameBytes(frame)
    readFrame(frame, this, failures)
    this.#parts.pool.give(transferred)
    this.tellWaiters(failures)
    const due = this.#owed * GRANTS_PER_WINDOW >= this.#parts.windowBytes
    if (due && !this.#gone) this.#batch() // an empty one carries the grant
  }

  /** The batch of the turn that is open: earlier ones wait for a sync, each with its own outcome. */
  #batch(): MeshBatch {
    const turn = this.#turn
    turn.enter()
    const open = this.#open
    if (open !== undefined && open.serial === turn.serial) return open
    const batch = new MeshBatch(this, turn.serial, this.#expectedBytes, this.#parts.pool)
    this.#open = batch
    this.#batches.push(batch)
    turn.writeLater(batch)
    return batch
  }

  #post(batch: MeshBatch): void {
    const { frames } = batch
    if (frames.empty && this.#owed === 0) return
    const granted = this.#owed
    this.#owed = 0
    this.#controlOut += frames.controls
    this.#dataOut += frames.datas
    for (const frame of frames.finish(granted)) {
      const bytes = frameBytes(frame)
      this.#expectedBytes = bytes
      this.#framesOut += 1
      this.#bytesOut += bytes
      this.#parts.port.postMessage(frame.buffer, [frame.buffer])
    }
  }
}

/** @throws what was thrown, as it was; several of them as one AggregateError */
export function throwAll(failures: readonly unknown[]): void {
  if (failures.length === 0) return
  const [first] = failures
  if (failures.length === 1 && first instanceof Error) throw first
  throw new AggregateError(failures, 'receivers of the mesh failed')
}
