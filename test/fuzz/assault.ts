/** One connection of the fuzz: writes a stream in its chunks, reads what is said, and judges how it ended. */
import { connect, type Socket } from 'node:net'
import { WebSocket } from 'ws'
import { Answers } from './answers.ts'
import { CLOSED, REFUSED } from './reasons.ts'
import type { Leaving, Stream } from './stream.ts'

const READ = Buffer.allocUnsafeSlow(65_536) // of all connections: what is read is handled at once

export interface Verdict {
  readonly stream: Stream
  /** What broke a promise. */
  readonly fault: string | undefined
  /** The server ended the connection, before the client did. */
  readonly closed: boolean
  readonly connack: number | undefined
  readonly disconnect: number | undefined
  readonly packetsBack: number
}

export interface Ports {
  readonly plain: number
  readonly device: number
  readonly webSocket: number
}

interface WireHandler {
  onOpen(): void
  onBytes(borrowed: Buffer): void
  /** The other side writes no more. */
  onEnd(): void
  onError(error: Error): void
  onClose(): void
}

interface Wire {
  write(bytes: Buffer): void
  leave(how: Leaving): void
}

export class Assault implements WireHandler {
  readonly startedAt: number = performance.now()
  readonly #stream: Stream
  readonly #answers: Answers
  readonly #done: (verdict: Verdict) => void
  readonly #wire: Wire
  #written = 0
  #left = false
  #closed = false
  #over = false
  #fault: string | undefined = undefined
  #error: string | undefined = undefined

  constructor(stream: Stream, ports: Ports, done: (verdict: Verdict) => void) {
    this.#stream = stream
    this.#answers = new Answers(stream.level)
    this.#done = done
    const port = ports[stream.door]
    this.#wire = stream.door === 'webSocket' ? webSocketWire(port, this) : tcpWire(port, this)
  }

  onOpen(): void {
    this.#write()
  }

  onBytes(borrowed: Buffer): void {
    if (this.#left) return
    this.#answers.take(borrowed)
    this.#leaveWhenDone()
  }

  onEnd(): void {
    if (!this.#left) this.#closed = true
  }

  /** It is said with what it broke: a connection that is reset may have lost its last words. */
  onError(error: Error): void {
    this.#error ??= error.message
  }

  onClose(): void {
    if (this.#over) return
    this.#over = true
    if (!this.#left) this.#closed = true
    const { connack, disconnect, packets } = this.#answers
    const broken = this.#fault ?? this.#answers.fault ?? this.#judge()
    const fault =
      broken === undefined || this.#error === undefined ? broken : `${broken} (${this.#error})`
    const closed = this.#closed
    this.#done({ stream: this.#stream, fault, closed, connack, disconnect, packetsBack: packets })
  }

  /** It has taken longer than anything may. */
  giveUp(): void {
    const { pongs } = this.#answers
    const said = `${pongs} of ${this.#stream.pings} PINGRESPs`
    this.#fault = this.#closed ? 'ended, but not closed' : `neither answered nor closed: ${said}`
    this.#wire.leave('destroy')
    this.onClose()
  }

  // One chunk a pass of the event loop, so that connections take turns and chunks arrive alone.
  readonly #write = (): void => {
    if (this.#over || this.#closed) return
    const { chunks, bytes } = this.#stream
    const from = this.#written === 0 ? 0 : (chunks[this.#written - 1] as number)
    this.#wire.write(bytes.subarray(from, chunks[this.#written]))
    this.#written += 1
    if (this.#written < chunks.length) setImmediate(this.#write)
    else this.#leaveWhenDone()
  }

  /** All is written, and what the server has to answer is answered. */
  #leaveWhenDone(): void {
    const { chunks, pings, tail, leaving } = this.#stream
    if (this.#left || this.#closed || this.#written < chunks.length) return
    if (tail === 'fault' || this.#answers.pongs < pings) return
    this.#left = true
    this.#wire.leave(leaving)
  }

  #judge(): string | undefined {
    const { expected, pings, disconnects, level } = this.#stream
    const { pongs, connack, disconnect, unfinished } = this.#answers
    if (pongs > pings) return `${pongs} PINGRESPs for ${pings} PINGREQs`
    if (this.#closed && unfinished) return 'closed within a packet'
    switch (expected.kind) {
      case 'open':
        return this.#closed ? `a valid stream was closed: ${told(connack, disconnect)}` : undefined
      case 'closed':
        return this.#judgeReason(expected.reason)
      case 'any':
        if (!this.#closed) return undefined
        if (connack === undefined && (pongs > 0 || disconnect !== undefined)) return 'no CONNACK'
        // A client of MQTT 5 is told why, unless it has said DISCONNECT itself.
        return level === 5 && connack === 0 && disconnect === undefined && !disconnects
          ? 'closed without a DISCONNECT'
          : undefined
    }
  }

  #judgeReason(reason: string): string | undefined {
    const { level } = this.#stream
    const { connack, disconnect } = this.#answers
    if (!this.#closed) return `not closed for ${reason}`
    const refused = REFUSED.get(reason)
    const accepted = connack === 0
    const expected =
      refused !== undefined && !accepted
        ? [level === 5 ? refused.v5 : refused.v3, undefined]
        : [accepted ? 0 : undefined, accepted && level === 5 ? CLOSED.get(reason) : undefined]
    if (connack === expected[0] && disconnect === expected[1]) return undefined
    return `${reason}: ${told(connack, disconnect)} instead of ${told(expected[0], expected[1])}`
  }
}

function told(connack: number | undefined, disconnect: number | undefined): string {
  const hex = (code: number | undefined): string =>
    code === undefined ? 'none' : `0x${code.toString(16)}`
  return `CONNACK ${hex(connack)}, DISCONNECT ${hex(disconnect)}`
}

function tcpWire(port: number, handler: WireHandler): Wire {
  const socket: Socket = connect({
    host: '127.0.0.1',
    port,
    noDelay: true,
    onread: {
      buffer: READ,
      callback: (length, buffer) => {
        handler.onBytes((buffer as Buffer).subarray(0, length))
        return true
      },
    },
  })
  socket.on('connect', () => handler.onOpen())
  socket.on('end', () => handler.onEnd())
  socket.on('error', (error) => handler.onError(error)) // 'close' follows
  socket.on('close', () => handler.onClose())
  return {
    write: (bytes) => void socket.write(bytes),
    leave: (how) => {
      if (how === 'end') socket.end()
      else if (how === 'destroy') socket.destroy()
      else socket.resetAndDestroy()
    },
  }
}

function webSocketWire(port: number, handler: WireHandler): Wire {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, 'mqtt', { perMessageDeflate: false })
  socket.on('open', () => handler.onOpen())
  socket.on('message', (data) => handler.onBytes(data as Buffer))
  socket.on('error', (error) => handler.onError(error))
  socket.on('close', () => handler.onClose())
  return {
    write: (bytes) => socket.readyState === WebSocket.OPEN && socket.send(bytes),
    leave: (how) => {
      if (how === 'end') socket.close(1000)
      else socket.terminate()
    },
  }
}
