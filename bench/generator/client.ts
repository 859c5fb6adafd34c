/**
 * One MQTT connection of the load generator: connects, subscribes where asked, counts what comes.
 * Deliveries at QoS 1 are acknowledged, all of one read in one write. What waits for the socket is
 * bounded by the window of its publisher.
 */
import type { Socket } from 'node:net'
import { openSocket, type TlsOptions } from './client-socket.ts'
import { FrameScanner } from './frame-scanner.ts'
import { DISCONNECT, encodeConnect, encodeSubscribe, type Login, RETAIN } from './frames.ts'

const OPEN_TIMEOUT_MS = 15_000

export interface ClientOptions {
  readonly host: string
  readonly port: number
  readonly login: Login
  /** All in one SUBSCRIBE; none: no such packet. */
  readonly filters: readonly string[]
  readonly qos: 0 | 1
  /** Over TLS 1.3; absent: plain TCP. */
  readonly tls?: TlsOptions
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
  #session: Buffer | undefined
  #resumed = false
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
    const { host, port, login, tls } = this.#options
    this.#phase = 'opening'
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail('no answer to CONNECT in time'), OPEN_TIMEOUT_MS)
      this.#settle = (failure) => {
        clearTimeout(timer)
        if (failure === undefined) resolve()
        else reject(new Error(failure))
      }
      const opened = (resumed: boolean): void => {
        this.#resumed = resumed
        this.write(encodeConnect(login))
      }
      const session = (latest: Buffer): void => {
        this.#session = latest
      }
      const read = (size: number, bytes: Buffer): boolean => this.#read(size, bytes)
      this.#socket = openSocket({ host, port, ...(tls && { tls }) }, { opened, session, read })
        .on('error', (error) => this.#fail(error.message))
        .on('close', () => this.#fail('closed by the server'))
    })
  }

  /** With which a later connection resumes; TLS 1.3 gives it behind the handshake. */
  get session(): Buffer | undefined {
    return this.#session
  }

  /** Its handshake was not a full one. */
  get resumed(): boolean {
    return this.#resumed
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
        this.#onSuback(bytes.subarray(start + 2, end))
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
    const { filters, qos } = this.#options
    if (code !== 0) this.#fail(`CONNACK refused with code ${code}`)
    else if (filters.length === 0) this.#ready()
    else this.write(encodeSubscribe(filters, qos))
  }

  #onSuback(codes: Buffer): void {
    if (codes.length > 0 && codes.every((code) => code < 0x80)) this.#ready()
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
