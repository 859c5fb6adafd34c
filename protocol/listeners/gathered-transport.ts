/**
 * The part of a socket that all kinds share: output gathered during the turn and written once at its end,
 * a budget for what is read, back-pressure at the backlog's bound. A kind of socket adds how bytes are
 * written, how reading stops, how it ends.
 */
import type { Turn, TurnReader, TurnWriter } from '../../core/ports/turn.ts'
import type { SharedFrame, Transport, TransportHandler } from '../mqtt/output.ts'
import type { OutputSlab } from './output-slab.ts'
import type { OutputTrail } from './output-trail.ts'

interface Segment {
  readonly buffer: Buffer
  readonly start: number
  end: number
}

/** Why reading stands still; a socket reads while no reason holds. */
const BY_TURN = 1
const BY_HANDLER = 2
const BY_BACKLOG = 4

const JOIN_BYTES = 65_536 // up to here copying segments together beats writing them one by one

export interface TransportSurroundings {
  readonly turn: Turn
  readonly slab: OutputSlab
  readonly backlogBytes: number
}

export abstract class GatheredTransport implements Transport, TurnWriter, TurnReader {
  abstract readonly remoteAddress: string
  abstract readonly secure: boolean
  protected readonly around: TransportSurroundings
  protected handler: TransportHandler | undefined = undefined
  protected ended = false
  #segments: Segment[] = []
  /** All that was gathered, as long as it is what others send, too. */
  #trail: OutputTrail | undefined = undefined
  #held: Segment[] | undefined = undefined
  #asked = false
  #stops = 0
  #turn = 0
  #readInTurn = 0
  #closeAfterFlush = false
  #congested = false
  #gatheredIn = 0

  constructor(around: TransportSurroundings) {
    this.around = around
  }

  /** Whoever hears this socket; set before it reads. */
  attach(handler: TransportHandler): void {
    this.handler = handler
  }

  get buffer(): Buffer {
    return this.around.slab.buffer
  }

  reserve(bytes: number): number {
    const { slab } = this.around
    this.#begin()
    if (this.#trail !== undefined) this.#leaveTrail()
    const at = slab.reserve(bytes)
    const last = this.#segments.at(-1)
    if (last !== undefined && last.buffer === slab.buffer && last.end === at) {
      last.end = at + bytes
    } else {
      this.#segments.push({ buffer: slab.buffer, start: at, end: at + bytes })
    }
    this.#ask()
    return at
  }

  share(frame: SharedFrame): void {
    this.#begin()
    if (this.#segments.length === 0) {
      this.#trail = (this.#trail ?? this.around.slab.trail).follow(frame)
    } else {
      this.#segments.push({ buffer: frame.buffer, start: frame.start, end: frame.end })
    }
    this.#ask()
  }

  get backlogBytes(): number {
    const gathered = bytesOf(this.#segments) + (this.#trail?.length ?? 0)
    return bytesOf(this.#held) + gathered + this.unsentBytes()
  }

  closeGracefully(): void {
    this.#closeAfterFlush = true
    this.#ask()
  }

  holdReading(held: boolean): void {
    this.#reason(BY_HANDLER, held)
  }

  resumeReading(): void {
    this.#reason(BY_TURN, false)
  }

  // ---- TurnWriter

  flush(): void {
    const trail = this.#trail
    if (trail !== undefined && this.#held === undefined) {
      this.#trail = undefined
      if (!this.ended) this.writeOut(trail.bytes(this.around.slab))
    }
    const segments = this.#held ?? this.#segments
    if (this.#held === undefined) {
      this.#segments = []
      this.#asked = false
    }
    this.#held = undefined
    if (this.ended) return
    if (segments.length > 0) this.#write(segments)
    if (this.#closeAfterFlush && this.#segments.length === 0 && this.#trail === undefined) {
      this.endWriting()
      return
    }
    if (!this.#congested) this.#checkBacklog()
    else if (this.backlogBytes <= this.around.backlogBytes) this.drained()
  }

  hold(): void {
    this.#leaveTrail()
    this.#held = this.#segments
    this.#segments = []
    this.#asked = false
  }

  discard(): void {
    this.#segments = []
    this.#trail = undefined
    this.#held = undefined
    this.#asked = false
    this.destroy()
  }

  // ---- for the kind of socket

  /** False: stop reading until `startReading` is called. */
  protected received(buffer: Buffer, length: number): boolean {
    const { turn } = this.around
    turn.enter()
    if (turn.serial !== this.#turn) {
      this.#turn = turn.serial
      this.#readInTurn = 0
    }
    this.#readInTurn += length
    this.handler?.onBytes(buffer, length)
    if (!turn.spend(this, length, this.#readInTurn)) this.#stops |= BY_TURN
    return this.#stops === 0
  }

  /** The kernel has taken what was unsent. */
  protected drained(): void {
    if (!this.#congested) return
    this.#congested = false
    this.#reason(BY_BACKLOG, false)
    this.handler?.onDrain()
  }

  protected closed(): void {
    if (this.ended) return
    this.ended = true
    this.handler?.onClosed()
    this.handler = undefined
  }

  protected abstract writeOut(bytes: Buffer): void
  protected abstract unsentBytes(): number
  protected abstract stopReading(): void
  protected abstract startReading(): void
  protected abstract endWriting(): void
  abstract destroy(): void

  #begin(): void {
    const { turn } = this.around
    if (turn.serial === this.#gatheredIn) return
    this.#gatheredIn = turn.serial
    if (!this.#congested) this.#checkBacklog() // what earlier turns gathered may still wait for the disk
  }

  /** Something of its own follows. */
  #leaveTrail(): void {
    for (const { buffer, start, end } of this.#trail?.frames() ?? []) {
      this.#segments.push({ buffer, start, end })
    }
    this.#trail = undefined
  }

  #checkBacklog(): void {
    if (this.backlogBytes <= this.around.backlogBytes) return
    this.#congested = true
    this.#reason(BY_BACKLOG, true)
    this.handler?.onCongested()
  }

  #ask(): void {
    if (this.#asked || this.ended) return
    this.#asked = true
    this.around.turn.writeLater(this)
  }

  #reason(reason: number, held: boolean): void {
    const before = this.#stops
    this.#stops = held ? before | reason : before & ~reason
    if (this.ended) return
    if (before === 0 && this.#stops !== 0) this.stopReading()
    if (before !== 0 && this.#stops === 0) this.startReading()
  }

  #write(segments: readonly Segment[]): void {
    const [first] = segments
    if (segments.length === 1 && first !== undefined) {
      this.writeOut(first.buffer.subarray(first.start, first.end))
      return
    }
    const total = bytesOf(segments)
    if (total > JOIN_BYTES) {
      for (const { buffer, start, end } of segments) this.writeOut(buffer.subarray(start, end))
      return
    }
    let at = this.around.slab.reserve(total)
    const start = at
    const target = this.around.slab.buffer
    for (const segment of segments)
      at += segment.buffer.copy(target, at, segment.start, segment.end)
    this.writeOut(target.subarray(start, at))
  }
}

function bytesOf(segments: readonly Segment[] | undefined): number {
  let bytes = 0
  if (segments !== undefined) for (const { start, end } of segments) bytes += end - start
  return bytes
}
