/**
 * What comes to a port, as handles: becomes a connection at once where all is plain there, else when the first byte has
 * told which it is. A TLS handshake goes on as a stream of Node's.
 *
 * Bounds: handles whose first byte is awaited count as open connections, and wait no longer than the time-out of a handshake.
 */
import { Socket } from 'node:net'
import { type EarlySockets, type SocketListenerParts, TLS_HANDSHAKE } from './early-sockets.ts'
import type { RawHandle, RawHandles } from './raw-handle.ts'
import { addressOf, RawTransport } from './raw-transport.ts'

const LOOKS_PER_TIMEOUT = 8 // a handle waits an eighth too long at most

export class RawDoor {
  readonly #raw: RawHandles
  readonly #parts: SocketListenerParts
  readonly #early: EarlySockets
  readonly #secure: (socket: Socket) => void
  /** Whose first byte is awaited, with until when (ms, monotonic); oldest first. */
  readonly #silent = new Map<RawHandle, number>()
  #watch: NodeJS.Timeout | undefined = undefined

  /** @param secure  takes a socket that begins a TLS handshake */
  constructor(
    raw: RawHandles,
    parts: SocketListenerParts,
    early: EarlySockets,
    secure: (socket: Socket) => void,
  ) {
    this.#raw = raw
    this.#parts = parts
    this.#early = early
    this.#secure = secure
  }

  readonly accept = (handle: RawHandle): void => {
    const { gate, spec } = this.#parts
    if (!gate.admits(this.#early.size + this.#silent.size, () => addressOf(handle))) {
      handle.close()
      return
    }
    if (spec.protocol === 'mqtt') this.#open(handle, undefined)
    else this.#tellApart(handle)
  }

  close(): void {
    clearInterval(this.#watch)
    for (const handle of this.#silent.keys()) handle.close()
    this.#silent.clear()
  }

  #open(handle: RawHandle, first: Buffer | undefined): void {
    const transport = new RawTransport(handle, this.#raw, this.#parts.around)
    this.#parts.gate.open(transport)
    transport.start(first)
  }

  #tellApart(handle: RawHandle): void {
    const timeoutMs = this.#parts.handshakeTimeoutSec * 1000
    this.#silent.set(handle, performance.now() + timeoutMs)
    this.#watch ??= setInterval(this.#endSilent, timeoutMs / LOOKS_PER_TIMEOUT).unref()
    this.#raw.readFirst(handle, (first) => {
      if (!this.#silent.delete(handle)) return // it is closed
      if (first === undefined) handle.close()
      else if (first[0] === TLS_HANDSHAKE || this.#parts.spec.protocol === 'mqtts')
        this.#secure(streamOf(handle, first))
      else this.#open(handle, first)
    })
  }

  readonly #endSilent = (): void => {
    const now = performance.now()
    for (const [handle, until] of this.#silent) {
      if (until > now) return
      this.#silent.delete(handle)
      this.#parts.gate.refusedHandshake('connect-timeout')
      handle.close()
    }
  }
}

/** A stream over the handle, paused, that reads these bytes first. */
function streamOf(handle: RawHandle, first: Buffer): Socket {
  const options = { handle, pauseOnCreate: true, readable: true, writable: true }
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0])
  socket.on('error', () => {})
  socket.setNoDelay(true)
  socket.unshift(first)
  return socket
}
