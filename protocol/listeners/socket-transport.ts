/** A TCP or TLS socket of Node, by its stream: all sockets under TLS, and plain ones where raw handles cannot be had. */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { GatheredTransport, type TransportSurroundings } from './gathered-transport.ts'

export class SocketTransport extends GatheredTransport {
  readonly remoteAddress: string
  readonly secure: boolean
  readonly #socket: Socket | TLSSocket

  /** Starts when `start` is called. */
  constructor(socket: Socket | TLSSocket, secure: boolean, around: TransportSurroundings) {
    super(around)
    this.#socket = socket
    this.remoteAddress = socket.remoteAddress ?? ''
    this.secure = secure
    socket.on('data', (chunk: Buffer) => {
      if (!this.received(chunk, chunk.length)) socket.pause()
    })
    socket.pause()
    socket.setNoDelay(true)
    socket.on('drain', () => this.drained())
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => this.closed())
  }

  /** Begins to read; `first` was read already. */
  start(first: Buffer | undefined): void {
    if (first !== undefined && !this.received(first, first.length)) return
    this.#socket.resume()
  }

  protected override writeOut(bytes: Buffer): void {
    this.#socket.write(bytes)
    if (this.#socket.writableLength > 0) this.around.slab.pin(bytes)
  }

  protected override unsentBytes(): number {
    return this.#socket.writableLength
  }

  protected override stopReading(): void {
    this.#socket.pause()
  }

  protected override startReading(): void {
    this.#socket.resume()
  }

  /** Our side ends; the peer's bytes are still read and dropped, so that it can read our last words. */
  protected override endWriting(): void {
    this.#socket.end()
    this.#socket.resume()
  }

  override destroy(): void {
    this.#socket.destroy()
  }
}
