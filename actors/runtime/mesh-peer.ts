/**
 * One peer of the mesh, as its neighbour holds it. A frame is one ArrayBuffer, little endian:
 *
 *   u32 bytes of the control part · msgpack array of channel, body, channel, body, … ·
 *   data messages: u32 bytes · u8 channel · bytes
 *
 * Control comes first within a frame; order holds within a lane. Frames are cut at 1 MiB of data. Bounds:
 * data by credit, plus one read of each socket that overdrew it; control by its senders.
 */
import { Packr } from 'msgpackr'
import type { Turn, TurnWriter } from '../../core/ports/turn.ts'

const FRAME_BYTES = 1_048_576
const FIRST_BYTES = 65_536
const MESSAGE_HEADER_BYTES = 5
const CREDIT = 0 // the channel on which credit is granted

export type ControlReceiver = (from: number, body: unknown) => void
/** The bytes from `start` to `end` are borrowed for the call. */
export type DataReceiver = (from: number, buffer: Buffer, start: number, end: number) => void

/** A node MessagePort fits. */
export interface MeshPort {
  postMessage(frame: ArrayBuffer, transfer: readonly ArrayBuffer[]): void
  on(event: 'message', listener: (frame: ArrayBuffer) => void): unknown
  close(): void
  /** What is queued, without waiting for the event loop. */
  receiveNow?(): ArrayBuffer | undefined
}

/** Where a message is written; one object, filled again for each. */
export interface Room {
  buffer: Buffer
  at: number
}

export interface MeshPeerStatus {
  readonly peer: number
  readonly framesIn: number
  readonly framesOut: number
  readonly controlIn: number
  readonly controlOut: number
  readonly dataIn: number
  readonly dataOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly creditBytes: number
  /** How many wait for credit. */
  readonly waiting: number
}

export interface MeshPeerParts {
  readonly peer: number
  readonly port: MeshPort
  readonly turn: Turn
  readonly windowBytes: number
  readonly receivers: {
    readonly control: readonly (ControlReceiver | undefined)[]
    readonly data: readonly (DataReceiver | undefined)[]
  }
}

const packr = new Packr({ useRecords: false, moreTypes: false })

export class MeshPeer implements TurnWriter {
  readonly #parts: MeshPeerParts
  #control: unknown[] = []
  #data: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #end = 0
  /** Whole frames of this turn, and those of turns that await their sync. */
  #frames: ArrayBuffer[] = []
  #held: ArrayBuffer[] | undefined = undefined
  #asked = false
  #closed = false
  #waiters: (() => void)[] = []
  readonly #room: Room
  #ungranted = 0
  creditBytes: number
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
    this.creditBytes = parts.windowBytes
    this.#room = { buffer: this.#data, at: 0 }
    parts.port.on('message', this.#receive)
  }

  tell(channel: number, body: unknown): void {
    this.#control.push(channel, body)
    this.#controlOut += 1
    this.#ask()
  }

  reserve(channel: number, bytes: number, overdraft: boolean): Room | undefined {
    if (this.creditBytes <= 0 && !overdraft) return undefined
    const total = MESSAGE_HEADER_BYTES + bytes
    if (this.#end + total > this.#data.length) this.#makeRoom(total)
    this.creditBytes -= total
    this.#dataOut += 1
    const buffer = this.#data
    let at = this.#end
    buffer.writeUInt32LE(bytes, at)
    buffer[at + 4] = channel
    at += MESSAGE_HEADER_BYTES
    this.#end = at + bytes
    this.#ask()
    this.#room.buffer = buffer
    this.#room.at = at
    return this.#room
  }

  whenCredit(resume: () => void): void {
    if (this.creditBytes > 0) resume()
    else this.#waiters.push(resume)
  }

  status(): MeshPeerStatus {
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
      creditBytes: this.creditBytes,
      waiting: this.#waiters.length,
    }
  }

  close(): void {
    this.#closed = true
    this.#control = []
    this.#end = 0
    this.#frames = []
    this.#held = undefined
    this.#parts.port.close()
    this.#wake()
  }

  drain(): void {
    const { port } = this.#parts
    for (let frame = port.receiveNow?.(); frame !== undefined; frame = port.receiveNow?.()) {
      this.#receive(frame)
    }
  }

  // ---- TurnWriter

  flush(): void {
    let frames = this.#held
    this.#held = undefined
    if (frames === undefined) {
      this.#asked = false
      this.#seal()
      frames = this.#frames
      this.#frames = []
    }
    this.#post(frames)
  }

  hold(): void {
    this.#asked = false
    this.#seal()
    this.#held = this.#frames
    this.#frames = []
  }

  /**
   * The turn's record was not stored. Publications of it go with its connections, whose clients send them
   * again; but custody that was given away must arrive, or nobody would have it.
   */
  discard(): void {
    const frames = [...(this.#held ?? []), ...this.#frames]
    this.#held = undefined
    this.#frames = []
    this.#asked = false
    this.creditBytes += this.#end
    this.#end = 0
    this.#seal()
    this.#post([...frames.map((frame) => this.#withoutData(frame)), ...this.#frames])
    this.#frames = []
  }

  #withoutData(frame: ArrayBuffer): ArrayBuffer {
    const control = 4 + new DataView(frame).getUint32(0, true)
    this.creditBytes += frame.byteLength - control
    return frame.slice(0, control)
  }

  // ---- sending

  #ask(): void {
    if (this.#asked) return
    this.#asked = true
    this.#parts.turn.writeLater(this)
  }

  #makeRoom(total: number): void {
    if (this.#end + total > FRAME_BYTES && this.#end > 0) this.#seal()
    if (this.#end + total <= this.#data.length) return
    let size = this.#data.length
    while (size < this.#end + total) size *= 2
    const larger = Buffer.allocUnsafeSlow(size)
    this.#data.copy(larger, 0, 0, this.#end)
    this.#data = larger
  }

  /** Makes a frame of what is gathered: the control part packed, the data copied, its buffer used again. */
  #seal(): void {
    if (this.#control.length === 0 && this.#end === 0) return
    const control = this.#control.length === 0 ? undefined : packr.pack(this.#control)
    this.#control = []
    const controlBytes = control?.length ?? 0
    const frame = new ArrayBuffer(4 + controlBytes + this.#end)
    const bytes = Buffer.from(frame)
    bytes.writeUInt32LE(controlBytes, 0)
    if (control !== undefined) bytes.set(control, 4)
    this.#data.copy(bytes, 4 + controlBytes, 0, this.#end)
    this.#end = 0
    if (this.#data.length > FRAME_BYTES) this.#data = Buffer.allocUnsafeSlow(FIRST_BYTES)
    this.#frames.push(frame)
  }

  #post(frames: readonly ArrayBuffer[]): void {
    if (this.#closed) return
    for (const frame of frames) {
      this.#framesOut += 1
      this.#bytesOut += frame.byteLength
      this.#parts.port.postMessage(frame, [frame])
    }
  }

  // ---- receiving

  readonly #receive = (frame: ArrayBuffer): void => {
    if (this.#closed) return
    this.#parts.turn.enter()
    this.#framesIn += 1
    this.#bytesIn += frame.byteLength
    const bytes = Buffer.from(frame)
    const data = 4 + bytes.readUInt32LE(0)
    let fault: Error | undefined
    if (data > 4) fault = this.#receiveControl(packr.unpack(bytes.subarray(4, data)) as unknown[])
    if (data < bytes.length) fault = this.#receiveData(bytes, data) ?? fault
    if (fault !== undefined) throw fault // a defect of one receiver; the others have had theirs
  }

  #receiveControl(items: readonly unknown[]): Error | undefined {
    const { peer, receivers } = this.#parts
    let fault: Error | undefined
    for (let i = 0; i < items.length; i += 2) {
      const channel = items[i] as number
      if (channel === CREDIT) {
        this.creditBytes += items[i + 1] as number
        if (this.creditBytes > 0) this.#wake()
        continue
      }
      this.#controlIn += 1
      try {
        const receive = receivers.control[channel]
        if (receive === undefined) throw new Error(`nobody hears control channel ${channel}`)
        receive(peer, items[i + 1])
      } catch (error) {
        fault ??= error instanceof Error ? error : new Error(String(error))
      }
    }
    return fault
  }

  #receiveData(bytes: Buffer, from: number): Error | undefined {
    const { peer, receivers, windowBytes } = this.#parts
    let fault: Error | undefined
    for (let at = from; at < bytes.length; ) {
      const start = at + MESSAGE_HEADER_BYTES
      const end = start + bytes.readUInt32LE(at)
      const channel = bytes[at + 4] as number
      at = end
      this.#dataIn += 1
      try {
        const receive = receivers.data[channel]
        if (receive === undefined) throw new Error(`nobody hears data channel ${channel}`)
        receive(peer, bytes, start, end)
      } catch (error) {
        fault ??= error instanceof Error ? error : new Error(String(error))
      }
    }
    this.#ungranted += bytes.length - from
    if (this.#ungranted >= windowBytes / 4) {
      this.#control.push(CREDIT, this.#ungranted)
      this.#ungranted = 0
      this.#ask()
    }
    return fault
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const resume of waiters) resume()
  }
}
