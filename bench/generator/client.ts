/**
 * One MQTT connection of the load generator: connects, subscribes where asked, counts what comes.
 * Deliveries at QoS 1 are acknowledged, all of one read in one write. What waits for the socket is
 * bounded by the window of its publisher.
 */
import { connect, type Socket } from 'node:net'
import { FrameScanner, READ_BYTES } from './frame-scanner.ts'
import { DISCONNECT, encodeConnect, encodeSubscribe, type Login, RETAIN } from './frames.ts'

const OPEN_TIMEOUT_MS = 15_000

/**
 * Where libuv reads at once into the buffer it was given, all sockets share one: nothing of it is
 * kept beyond the callback. Windows reads behind our back.
 */
const sharedBuffer = Buffer.allocUnsafeSlow(READ_BYTES)
const readBuffer = (): Buffer =>
  process.platform === 'win32' ? Buffer.allocUnsafeSlow(READ_BYTES) : sharedBuffer

export interface ClientOptions {
  readonly host: string
  readonly port: number
  readonly login: Login
  readonly filter: string | undefined
  readonly qos: 0 | 1
}

/** Called once per read, not per message. */
export interface ClientEvents {
  /** @param retained  how many of them a subscription was sent because they were retained */
  delivered(count: number, retained: number): void
  /** A delivery: its payload begins at `at`. Absent: deliveries are counted and not looked at. */
  arrived?(bytes: Buffer, at: number): void
  /** PUBACK and PINGRESP. */
  acknowledged(count: number): void
  /** After the client was ready and before it was closed by us. */
  lost(reason: string): void
}

export class Client {
  readonly #options: ClientOptions
  readonly #events: ClientEvents
  readonly #scanner = new FrameScanner(this)
  #socket: Socket | undefined
  #phase: 'new' | 'opening' | 'ready' | 'closed' = 'new'
  #settle: ((failure: string | undefined) => void) | undefined
  #delivered = 0
  #retained = 0
  #acknowledged = 0
  #acks: number[] = [] // PUBACKs of this read

  constructor(options: ClientOptions, events: ClientEvents) {
    this.#options = options
    this.#events = events
  }

  /** Connected and subscribed, and still there. */
  get ready(): boolean {
    return this.#phase === 'ready'
  }

  /** Resolves once publishing may begin (CONNACK, SUBACK); rejects where refused, closed or too slow. */
  open(): Promise<void> {
    const { host, port, login } = this.#options
    this.#phase = 'opening'
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail('no answer to CONNECT in time'), OPEN_TIMEOUT_MS)
      this.#settle = (failure) => {
        clearTimeout(timer)
        if (failure === undefined) resolve()
        else reject(new Error(failure))
      }
      const onread = {
        buffer: readBuffer(),
        callback: (size: number, bytes: Uint8Array): boolean => this.#read(size, bytes as Buffer),
      }
      this.#socket = connect({ host, port, noDelay: true, onread })
        .on('connect', () => this.write(encodeConnect(login)))
        .on('error', (error) => this.#fail(error.message))
        .on('close', () => this.#fail('closed by the server'))
    })
  }

  write(bytes: Buffer): void {
    this.#socket?.write(bytes)
  }

  /** Says DISCONNECT and lets go; called again, it does not wait for the server to close its side. */
  close(): void {
    const wasReady = this.#phase === 'ready'
    this.#phase = 'closed'
    if (wasReady) this.#socket?.end(DISCONNECT)
    else this.#socket?.destroy()
  }

  /** As `close`; resolves once the server has closed its side, too. */
  leave(): Promise<void> {
    const socket = this.#socket
    const gone =
      socket === undefined || socket.closed
        ? Promise.resolve()
        : new Promise<void>((resolve) => socket.once('close', () => resolve()))
    this.close()
    return gone
  }

  /** For the scanner. */
  frame(first: number, bytes: Buffer, start: number, end: number): void {
    switch (first >>> 4) {
      case 3:
        this.#delivered += 1
        this.#retained += first & RETAIN
        if ((first & 0x06) !== 0) this.#acknowledge(bytes, start)
        if (this.#events.arrived !== undefined) {
          const id = start + 2 + bytes.readUInt16BE(start)
          this.#events.arrived(bytes, (first & 0x06) === 0 ? id : id + 2)
        }
        break
      case 4:
      case 13:
        this.#acknowledged += 1
        break
      case 2:
        this.#onConnack(bytes[start + 1])
        break
      case 9:
        this.#onSuback(bytes[end - 1] ?? 0x80)
        break
      default:
        this.#fail(`unexpected packet type ${first >>> 4}`)
    }
  }

  #read(size: number, bytes: Buffer): boolean {
    if (!this.#scanner.feed(bytes, size)) this.#fail('malformed packet')
    if (this.#acks.length > 0) this.write(Buffer.from(this.#acks.splice(0)))
    const delivered = this.#delivered
    const retained = this.#retained
    const acknowledged = this.#acknowledged
    this.#delivered = 0
    this.#retained = 0
    this.#acknowledged = 0
    if (delivered > 0) this.#events.delivered(delivered, retained)
    if (acknowledged > 0) this.#events.acknowledged(acknowledged)
    return true
  }

  #acknowledge(bytes: Buffer, start: number): void {
    const id = start + 2 + bytes.readUInt16BE(start)
    this.#acks.push(0x40, 2, bytes[id] as number, bytes[id + 1] as number)
  }

  #onConnack(code: number | undefined): void {
    const { filter, qos } = this.#options
    if (code !== 0) this.#fail(`CONNACK refused with code ${code}`)
    else if (filter === undefined) this.#ready()
    else this.write(encodeSubscribe(filter, qos))
  }

  #onSuback(code: number): void {
    if (code < 0x80) this.#ready()
    else this.#fail('SUBACK refused')
  }

  #ready(): void {
    this.#phase = 'ready'
    this.#settle?.(undefined)
  }

  #fail(reason: string): void {
    const phase = this.#phase
    if (phase === 'closed') return
    this.#phase = 'closed'
    this.#socket?.destroy()
    if (phase === 'ready') this.#events.lost(reason)
    else this.#settle?.(reason)
  }
}
