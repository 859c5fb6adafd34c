/**
 * A TCP or TLS socket of Node. Plain TCP reads into one buffer that all sockets of the shard share
 * (`onread`): nothing is allocated per read and an idle connection owns no buffer. `createServer` does not
 * take `onread`, so an accepted socket's handle is put under a new socket that has it; where a handle
 * cannot be moved, and under TLS, the ordinary `data` events serve.
 */
import { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { GatheredTransport, type TransportSurroundings } from './gathered-transport.ts'

const READ_BYTES = 65_536 // what libuv reads at most in one call

/** Read buffer of one shard: valid during the callback, as all reads are handled at once. */
export class ReadBuffer {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(READ_BYTES)
}

export class SocketTransport extends GatheredTransport {
  readonly remoteAddress: string
  readonly secure: boolean
  #socket: Socket | TLSSocket

  private constructor(
    socket: Socket | TLSSocket,
    remoteAddress: string | undefined,
    secure: boolean,
    around: TransportSurroundings,
  ) {
    super(around)
    this.#socket = socket
    this.remoteAddress = remoteAddress ?? ''
    this.secure = secure
  }

  /** Reads by `data` events: TLS, and sockets whose handle cannot be moved. Starts when `start` is called. */
  static overStream(
    socket: Socket | TLSSocket,
    secure: boolean,
    around: TransportSurroundings,
  ): SocketTransport {
    const transport = new SocketTransport(socket, socket.remoteAddress, secure, around)
    transport.#listen(socket)
    return transport
  }

  /**
   * Moves an accepted, paused socket's handle under a socket that reads into the shared buffer.
   * `_handle` is Node's own name for it; where it is missing the public way is taken.
   */
  static overHandle(
    accepted: Socket,
    read: ReadBuffer,
    around: TransportSurroundings,
  ): SocketTransport {
    const bare = accepted as unknown as { _handle: unknown }
    const handle = bare._handle
    if (handle === null || handle === undefined)
      return SocketTransport.overStream(accepted, false, around)
    const address = accepted.remoteAddress
    bare._handle = null
    accepted.removeAllListeners()
    accepted.on('error', () => {})
    accepted.destroy() // lets its server forget it; the handle lives on
    let transport: SocketTransport | undefined
    const socket = new Socket({
      handle,
      onread: {
        buffer: read.bytes,
        callback: (length: number, buffer: Buffer): boolean =>
          transport?.received(buffer, length) ?? true,
      },
    } as ConstructorParameters<typeof Socket>[0])
    transport = new SocketTransport(socket, address, false, around)
    transport.#listenEnds(socket)
    return transport
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

  #listen(socket: Socket | TLSSocket): void {
    socket.on('data', (chunk: Buffer) => {
      if (!this.received(chunk, chunk.length)) socket.pause()
    })
    socket.pause()
    this.#listenEnds(socket)
  }

  #listenEnds(socket: Socket | TLSSocket): void {
    socket.setNoDelay(true)
    socket.on('drain', () => this.drained())
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => this.closed())
  }
}
