/** Where a connection writes, and what it may ask of its socket. The listeners implement it. */
export interface Output {
  /** Memory of this turn's output; read it anew after each `reserve`. */
  readonly buffer: Buffer
  /** Makes room for `bytes` at the end of this connection's output; returns where. */
  reserve(bytes: number): number
}

/** A packet as one connection has written it, which others send in the same turn, too. */
export interface SharedFrame {
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
}

export interface Transport extends Output {
  /** Puts it at the end of this connection's output; its bytes stay until the end of the turn, and as long as they are held. */
  share(frame: SharedFrame): void
  /** Without its port. */
  readonly remoteAddress: string
  /** The bytes travel under TLS. */
  readonly secure: boolean
  /** Bytes gathered and not yet taken by the kernel. */
  readonly backlogBytes: number
  /** Sends what is gathered at the end of the turn, then closes; what still comes in is dropped. */
  closeGracefully(): void
  /** Ends the socket at once. `onClosed` follows. */
  destroy(): void
  /** While held, no bytes come in; the peer feels it as back-pressure. */
  holdReading(held: boolean): void
}

/** The protocol's side of a socket. */
export interface TransportHandler {
  /** `buffer[0, length)` is borrowed for the call. */
  onBytes(buffer: Buffer, length: number): void
  /** The backlog stands above its bound; reading is held until it has drained. */
  onCongested(): void
  /** The backlog has drained. */
  onDrain(): void
  /** Once; nothing can be sent any more. */
  onClosed(): void
}
