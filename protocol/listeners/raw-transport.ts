/** A plain TCP socket by its handle (raw-handle.ts): no stream, no object of Node's beside the handle. */
import { GatheredTransport, type TransportSurroundings } from './gathered-transport.ts'
import type { RawHandle, RawHandles, RawOwner } from './raw-handle.ts'

export class RawTransport extends GatheredTransport implements RawOwner {
  readonly secure = false
  readonly #raw: RawHandles
  readonly #handle: RawHandle
  #address: string | undefined = undefined
  #pending = 0
  #closing = false
  #peerEnded = false
  #shutDown = false

  constructor(handle: RawHandle, raw: RawHandles, around: TransportSurroundings) {
    super(around)
    this.#raw = raw
    this.#handle = handle
  }

  /** Asked of the kernel when somebody wants it. */
  get remoteAddress(): string {
    this.#address ??= addressOf(this.#handle)
    return this.#address
  }

  /** Begins to read; `first` was read already. */
  start(first: Buffer | undefined): void {
    if (this.#closing) return // it was not let in
    this.#raw.drive(this.#handle, this)
    this.#handle.setNoDelay(true)
    if (first !== undefined && !this.received(first, first.length)) return
    if (!this.#closing) this.#handle.readStart()
  }

  // ---- RawOwner

  read(bytes: Buffer, length: number): void {
    if (this.#closing) return
    if (!this.received(bytes, length) && !this.#closing) this.#handle.readStop()
  }

  readEnded(broken: boolean): void {
    if (this.#closing) return
    this.#peerEnded = true
    this.#handle.readStop()
    if (broken || this.#shutDown) {
      this.destroy()
      return
    }
    // What answers it in this turn is sent first: a peer may send no more and still read.
    this.around.turn.enter()
    this.closeGracefully()
  }

  written(failed: boolean): void {
    this.#pending -= 1
    if (this.#closing) return
    if (failed) this.destroy()
    else if (this.#pending === 0) this.drained()
  }

  // ---- GatheredTransport

  protected override writeOut(bytes: Buffer): void {
    if (this.#closing) return
    switch (this.#raw.write(this.#handle, this, bytes)) {
      case 'sent':
        break
      case 'pending':
        this.#pending += 1
        this.around.slab.pin(bytes)
        break
      case 'failed':
        this.destroy()
        break
    }
  }

  protected override unsentBytes(): number {
    return this.#pending === 0 || this.#closing ? 0 : this.#handle.writeQueueSize
  }

  protected override stopReading(): void {
    if (!this.#closing) this.#handle.readStop()
  }

  protected override startReading(): void {
    if (!this.#closing && !this.#peerEnded) this.#handle.readStart()
  }

  /** Our side ends; the peer's bytes are still read and dropped, so that it can read our last words. */
  protected override endWriting(): void {
    if (this.#closing || this.#shutDown) return
    this.#shutDown = true
    const done = (): void => {
      if (this.#peerEnded) this.destroy()
    }
    if (!this.#raw.shutdown(this.#handle, done)) this.destroy()
    else if (!this.#peerEnded) this.#handle.readStart()
  }

  override destroy(): void {
    if (this.#closing) return
    this.#closing = true
    this.#address ??= addressOf(this.#handle) // who counts it by its address still wants to
    this.#handle.close(() => this.closed())
  }
}

export function addressOf(handle: RawHandle): string {
  const peer: { address?: string } = {}
  return handle.getpeername(peer) === 0 ? (peer.address ?? '') : ''
}
