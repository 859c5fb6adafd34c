/**
 * Requests between threads over one message port, in both directions: the control lane of the mesh.
 * At most `limit` requests are outstanding towards the other side; one more is refused at once, so a
 * slow thread cannot make its askers grow. Errors travel as `WireError` and are thrown as PlatformError.
 */
import { fromWire, PlatformError, toWire, type WireError } from '../../core/domain/errors.ts'

/** What both ends of a worker and of a MessageChannel offer. */
export interface ConversationPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (message: unknown) => void): unknown
}

type Wire =
  | { readonly kind: 'ask'; readonly id: number; readonly method: string; readonly args: unknown[] }
  | { readonly kind: 'tell'; readonly method: string; readonly args: unknown[] }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'fault'; readonly id: number; readonly error: WireError }

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  readonly deadline: number
}

type Method = (...args: never[]) => unknown
/** The promised form of an interface, as seen from another thread. */
export type Remote<T> = {
  readonly [K in keyof T as T[K] extends Method ? K : never]: T[K] extends (
    ...args: infer A
  ) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never
}

export interface ConversationBounds {
  readonly limit: number
  /** A request without an answer by then is rejected as thread.no-answer. */
  readonly timeoutMs: number
}

export class Conversation {
  readonly #port: ConversationPort
  readonly #bounds: ConversationBounds
  readonly #waiting = new Map<number, Waiting>()
  readonly #served = new Map<string, (...args: unknown[]) => unknown>()
  #nextId = 1
  #sweep: NodeJS.Timeout | undefined
  #closed: PlatformError | undefined

  constructor(port: ConversationPort, bounds: ConversationBounds) {
    this.#port = port
    this.#bounds = bounds
    port.on('message', (message) => this.#receive(message as Wire))
  }

  /** Answers the other side's requests for these methods of `target`. */
  serve<T extends object>(target: T, methods: readonly (keyof T & string)[]): void {
    for (const method of methods) {
      const call = target[method] as (...args: unknown[]) => unknown
      this.#served.set(method, call.bind(target))
    }
  }

  /** The other side's methods as functions; it must `serve` them. */
  remote<T extends object>(methods: readonly (keyof Remote<T> & string)[]): Remote<T> {
    const remote: Record<string, (...args: unknown[]) => Promise<unknown>> = {}
    for (const method of methods) remote[method] = (...args) => this.#ask(method, args)
    return remote as Remote<T>
  }

  /** Calls a method of the other side and wants no answer. */
  tell(method: string, ...args: unknown[]): void {
    if (this.#closed === undefined)
      this.#port.postMessage({ kind: 'tell', method, args } satisfies Wire)
  }

  /** Rejects what is outstanding, and all that is asked later. */
  close(reason: PlatformError): void {
    this.#closed ??= reason
    clearInterval(this.#sweep)
    for (const waiting of this.#waiting.values()) waiting.reject(reason)
    this.#waiting.clear()
  }

  #ask(method: string, args: unknown[]): Promise<unknown> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    if (this.#waiting.size >= this.#bounds.limit) {
      const message = `${this.#waiting.size} requests are outstanding; try again when some are answered`
      return Promise.reject(new PlatformError('device.busy', message))
    }
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const deadline = performance.now() + this.#bounds.timeoutMs
      this.#port.postMessage({ kind: 'ask', id, method, args } satisfies Wire) // may throw: first
      this.#waiting.set(id, { resolve, reject, deadline })
      this.#sweep ??= setInterval(this.#expire, 1000).unref()
    })
  }

  #receive(wire: Wire): void {
    if (wire.kind === 'ask') {
      void this.#serve(wire.id, wire.method, wire.args)
      return
    }
    if (wire.kind === 'tell') {
      this.#served.get(wire.method)?.(...wire.args)
      return
    }
    const waiting = this.#waiting.get(wire.id)
    if (waiting === undefined) return // its time was up
    this.#waiting.delete(wire.id)
    if (wire.kind === 'answer') waiting.resolve(wire.value)
    else waiting.reject(fromWire(wire.error))
  }

  async #serve(id: number, method: string, args: unknown[]): Promise<void> {
    try {
      const call = this.#served.get(method)
      if (call === undefined) throw new PlatformError('internal', `no thread serves ${method}`)
      const value = await call(...args)
      this.#port.postMessage({ kind: 'answer', id, value } satisfies Wire)
    } catch (error) {
      this.#port.postMessage({ kind: 'fault', id, error: toWire(error) } satisfies Wire)
    }
  }

  readonly #expire = (): void => {
    const now = performance.now()
    for (const [id, waiting] of this.#waiting) {
      if (waiting.deadline > now) continue
      this.#waiting.delete(id)
      waiting.reject(
        new PlatformError('thread.no-answer', 'the other thread did not answer in time'),
      )
    }
  }
}
