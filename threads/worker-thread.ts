/** One worker as the main thread holds it: its conversation, its readiness, its end. Never terminated. */
import { type MessagePort, Worker } from 'node:worker_threads'
import { Conversation, type ConversationBounds } from '../actors/runtime/conversation.ts'
import { isErrorCode, PlatformError } from '../core/domain/errors.ts'
import type { Diagnostics } from '../core/ports/diagnostics.ts'
import type { AuthenticationHook, LoginHook } from '../protocol/mqtt/login.ts'
import type { MainControl } from './thread-start.ts'

export interface WorkerThreadOptions {
  readonly name: string
  /** Of the compiled entry file. */
  readonly url: URL
  readonly data: unknown
  readonly transfer: readonly MessagePort[]
  /** Of its heap, MiB; absent: Node's default. */
  readonly heapMb?: number
  readonly bounds: ConversationBounds
  readonly diagnostics: Diagnostics
  readonly login: LoginHook | undefined
  readonly authenticate: AuthenticationHook | undefined
  /** It ended without being asked to. */
  readonly onFailure: (error: PlatformError) => void
}

export class WorkerThread {
  readonly worker: Worker
  readonly conversation: Conversation
  /** Resolves with what the thread says of itself once it serves. */
  readonly ready: Promise<unknown>
  readonly #ended: Promise<void>
  #closing = false

  constructor(options: WorkerThreadOptions) {
    const { name, url, data, transfer, diagnostics, heapMb } = options
    this.worker = new Worker(url, {
      name,
      workerData: data,
      transferList: [...transfer],
      ...(heapMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapMb } }),
    })
    this.conversation = new Conversation(this.worker, options.bounds)
    let fault: unknown
    this.ready = new Promise((resolve, reject) => {
      const control: MainControl = {
        diagnose: (level, message, facts) =>
          diagnostics[level](message, { thread: name, ...facts }),
        ready: resolve,
        login: async (request) => options.login?.(request),
        authenticate: async (step) => options.authenticate?.(step),
      }
      this.conversation.serve(control, ['diagnose', 'ready', 'login', 'authenticate'])
      this.worker.once('exit', () => reject(threadFailed(name, fault)))
    })
    this.ready.catch(() => {}) // said again to whoever awaits it, and by onFailure
    this.#ended = new Promise((resolve) => {
      this.worker.on('error', (error) => {
        fault = error
      })
      this.worker.once('exit', () => {
        const error = threadFailed(name, fault)
        this.conversation.close(this.#closing ? CLOSED : error)
        if (!this.#closing) options.onFailure(error)
        resolve()
      })
    })
  }

  /**
   * Waits for the thread's own end, after it was told to close.
   *
   * @throws log.full where it could not store what it had acknowledged
   */
  async end(close: () => Promise<void>): Promise<void> {
    this.#closing = true
    const fault: unknown = await close().catch((error: unknown) => error)
    await this.#ended
    if (fault instanceof PlatformError && fault.code === 'log.full') throw fault
    // Any other: the thread had failed before, which was told, and needed no closing.
  }
}

const CLOSED = new PlatformError('platform.closed', 'the platform is closed')

/** Why a thread that was not asked to has ended. */
export function threadFailed(name: string, fault: unknown): PlatformError {
  if (isOutOfMemory(fault)) {
    const message = `thread ${name} ran out of its heap (limits.shardHeapMb)`
    return new PlatformError('thread.out-of-memory', message, { cause: fault })
  }
  const { code } = (fault ?? {}) as { readonly code?: unknown } // a posted error keeps no more of its class
  if (isErrorCode(code) && fault instanceof Error) return new PlatformError(code, fault.message)
  const message = fault instanceof Error ? fault.message : 'it ended by itself'
  return new PlatformError('thread.failed', `thread ${name}: ${message}`, { cause: fault })
}

function isOutOfMemory(fault: unknown): boolean {
  return fault instanceof Error && 'code' in fault && fault.code === 'ERR_WORKER_OUT_OF_MEMORY'
}
