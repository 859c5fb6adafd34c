/** Runs an expression inside a shard thread of this process, by the inspector: to stall it, or to break it. */
import { Session } from 'node:inspector'

interface Attached {
  readonly sessionId: string
  readonly url: string
}

export class WorkerInspector {
  readonly #session = new Session()
  readonly #workers: Attached[] = []
  readonly #answers = new Map<number, (value: unknown) => void>()
  #nextId = 1

  constructor() {
    this.#session.connect()
    this.#session.on('NodeWorker.attachedToWorker', ({ params }) => {
      this.#workers.push({ sessionId: params.sessionId, url: params.workerInfo.url })
    })
    this.#session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      const answer = JSON.parse(params.message) as {
        id: number
        result?: { result?: { value?: unknown } }
      }
      this.#answers.get(answer.id)?.(answer.result?.result?.value)
      this.#answers.delete(answer.id)
    })
    this.#session.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  }

  /** Does not wait for the expression's end. */
  async inShard(shard: number, expression: string): Promise<void> {
    for (const { sessionId, url } of this.#workers) {
      if (!url.endsWith('/threads/shard.js')) continue
      const which = `process.getBuiltinModule('node:worker_threads').workerData.shard`
      if ((await this.#evaluate(sessionId, which)) !== shard) continue
      void this.#evaluate(sessionId, expression)
      return
    }
    throw new Error(`there is no shard ${shard}`)
  }

  close(): void {
    this.#session.disconnect()
  }

  #evaluate(sessionId: string, expression: string): Promise<unknown> {
    const id = this.#nextId++
    const message = JSON.stringify({ id, method: 'Runtime.evaluate', params: { expression } })
    return new Promise((resolve) => {
      this.#answers.set(id, resolve)
      setTimeout(resolve, 1000).unref() // the thread may be gone
      this.#session.post('NodeWorker.sendMessageToWorker', { sessionId, message })
    })
  }
}

export const STALL_5_S = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000)'
