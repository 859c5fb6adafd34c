import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { MessageChannel } from 'node:worker_threads'
import { Conversation, type ConversationBounds } from '../../../actors/runtime/conversation.ts'
import { PlatformError } from '../../../core/domain/errors.ts'

const BOUNDS: ConversationBounds = { limit: 3, timeoutMs: 60_000 }
const METHODS = ['add', 'refuse', 'fall', 'later', 'hand'] as const

class Desk {
  readonly #offset = 100
  readonly heard: unknown[] = []
  readonly #gate: Promise<string>
  release: () => void = () => {}

  constructor() {
    this.#gate = new Promise((resolve) => {
      this.release = () => resolve('at last')
    })
  }

  add(a: number, b: number): number {
    return this.#offset + a + b
  }

  refuse(): void {
    throw new PlatformError('device.offline', 'away', { details: { since: 5 } })
  }

  async fall(): Promise<void> {
    throw new TypeError('a mistake')
  }

  later(): Promise<string> {
    return this.#gate
  }

  hand(): unknown {
    return () => 'a function cannot travel'
  }

  listen(word: string): void {
    this.heard.push(word)
  }
}

function setUp(t: TestContext, bounds: Partial<ConversationBounds> = {}) {
  const { port1, port2 } = new MessageChannel()
  t.after(() => port1.close())
  const near = new Conversation(port1, { ...BOUNDS, ...bounds })
  const far = new Conversation(port2, BOUNDS)
  const desk = new Desk()
  far.serve(desk, [...METHODS, 'listen'])
  return { near, far, desk, remote: near.remote<Desk>(METHODS) }
}

describe('conversation', () => {
  it('calls methods of the other side, each answer to its own asker', async (t) => {
    const { remote, desk } = setUp(t)
    const late = remote.later()
    assert.deepEqual(await Promise.all([remote.add(1, 2), remote.add(3, 4)]), [103, 107])
    desk.release()
    assert.equal(await late, 'at last')
  })

  it('carries the code and the details of an error, and calls a mistake internal', async (t) => {
    const { near, remote } = setUp(t)
    await assert.rejects(remote.refuse(), (error: PlatformError) => {
      assert.ok(error instanceof PlatformError)
      assert.deepEqual(
        [error.code, error.message, error.details],
        ['device.offline', 'away', { since: 5 }],
      )
      return true
    })
    await assert.rejects(remote.fall(), { code: 'internal', message: 'a mistake' })
    await assert.rejects(remote.hand(), { code: 'internal' })
    const unknown = near.remote<{ unserved(): void }>(['unserved'])
    await assert.rejects(unknown.unserved(), { code: 'internal' })
  })

  it('refuses a request beyond its bound at once, and takes the next when one is answered', async (t) => {
    const { remote, desk } = setUp(t, { limit: 1 })
    const late = remote.later()
    await assert.rejects(remote.add(1, 1), { code: 'device.busy' })
    desk.release()
    await late
    assert.equal(await remote.add(1, 1), 102)
  })

  it('spends none of its bound on what cannot be sent', async (t) => {
    const { remote } = setUp(t, { limit: 1 })
    const add = remote.add as (...args: unknown[]) => Promise<unknown>
    await assert.rejects(
      add(() => {}),
      { name: 'DataCloneError' },
    )
    assert.equal(await remote.add(1, 1), 102)
  })

  it('gives up on what is not answered in time, and does not mind when the answer comes', async (t) => {
    const { remote, desk } = setUp(t, { timeoutMs: 1 })
    const alive = setInterval(() => {}, 1000)
    t.after(() => clearInterval(alive))
    await assert.rejects(remote.later(), { code: 'thread.no-answer' })
    desk.release()
    assert.equal(await remote.add(1, 1), 102)
  })

  it('tells without an answer, in order with what is asked', async (t) => {
    const { near, remote, desk } = setUp(t)
    near.tell('listen', 'one')
    near.tell('nobody', 'listens')
    near.tell('listen', 'two')
    await remote.add(0, 0)
    assert.deepEqual(desk.heard, ['one', 'two'])
  })

  it('rejects what is outstanding and all that comes later, once it is closed', async (t) => {
    const { near, remote, desk } = setUp(t)
    const outstanding = remote.later()
    near.close(new PlatformError('platform.closed', 'the end'))
    near.close(new PlatformError('internal', 'a second reason does not count'))
    await assert.rejects(outstanding, { code: 'platform.closed' })
    await assert.rejects(remote.add(1, 1), { code: 'platform.closed' })
    near.tell('listen', 'unheard')
    await wait(5)
    assert.deepEqual(desk.heard, [])
  })
})
