import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Backlog } from '../../../actors/session/backlog.ts'
import { encodeWaiting, WaitingMessage } from '../../../core/domain/waiting-message.ts'
import type { WaitingBatch } from '../../../core/ports/session-store.ts'
import { MemorySessions } from '../../support/memory-sessions.ts'
import { publicationOf } from '../publications.ts'

const SESSION = 1
const LOGS = 3
const TERMS = { born: 1, qos: 1, retain: false, identifiers: [], group: undefined } as const

function waiting(order: number, log: number): WaitingBatch {
  const message = WaitingMessage.of(publicationOf('t', ''), { space: 0, log, order }, 0)
  return {
    targets: [SESSION],
    payload: Uint8Array.from(encodeWaiting(message, [{ session: SESSION, terms: TERMS }])),
  }
}

/** What the logs have and the store has not, of orders 1 to `count`, dealt out by `logs`. */
function dealt(logs: readonly number[]): WaitingBatch[][] {
  const unstored: WaitingBatch[][] = Array.from({ length: LOGS }, () => [])
  for (const [i, log] of logs.entries()) unstored[log]?.push(waiting(i + 1, log))
  return unstored
}

describe('backlog', () => {
  it('gives of each log all that was stored, in its order, whatever is stored meanwhile', async () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ log: fc.nat(LOGS - 1), store: fc.integer({ min: 1, max: 60 }) }),
        fc.record({ read: fc.integer({ min: 1, max: 90 }) }),
      ),
      { minLength: 10, maxLength: 60 },
    )
    const logs = fc.array(fc.nat(LOGS - 1), { minLength: 200, maxLength: 400 })
    await fc.assert(
      fc.asyncProperty(logs, steps, async (logOf, script) => {
        const store = new MemorySessions()
        const unstored = dealt(logOf)
        const backlog = new Backlog(SESSION, store)
        const reached = Array.from({ length: LOGS }, () => [] as number[])
        const read = (limit: number): void => {
          for (let count = 0; count < limit; ) {
            const next = backlog.peek()
            if (next === undefined) {
              if (!backlog.turnPage() && !backlog.passAgain()) return
              continue
            }
            backlog.take()
            count += 1
            const heard = reached[next.log] as number[]
            // As a session does: what is not behind the last one was sent before.
            if (next.order > (heard.at(-1) ?? 0)) heard.push(next.order)
          }
        }
        for (const step of script) {
          if ('read' in step) read(step.read)
          else await store.storeWaiting(unstored[step.log]?.splice(0, step.store) ?? [])
        }
        for (const rest of unstored) await store.storeWaiting(rest)
        read(Number.POSITIVE_INFINITY)
        for (let log = 0; log < LOGS; log++) {
          const all = logOf.flatMap((of, i) => (of === log ? [i + 1] : []))
          assert.deepEqual(reached[log], all, `log ${log}`)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('ends where nothing was stored since its last pass began', async () => {
    const store = new MemorySessions()
    await store.storeWaiting([waiting(1, 0), waiting(2, 1)])
    const backlog = new Backlog(SESSION, store)
    await store.storeWaiting([waiting(3, 0)]) // for a pass behind this one
    assert.equal(backlog.peek(), undefined)
    assert.equal(backlog.turnPage(), true)
    const orders: number[] = []
    for (let next = backlog.peek(); next !== undefined; next = backlog.peek()) {
      orders.push(next.order)
      backlog.take()
    }
    assert.deepEqual(orders, [1, 2])
    assert.equal(backlog.turnPage(), false)
    assert.equal(backlog.passAgain(), true)
    assert.equal(backlog.turnPage(), true)
    assert.equal(backlog.peek()?.order, 2) // behind 1 of its log: it is there again
    backlog.take()
    assert.equal(backlog.peek()?.order, 3)
    backlog.take()
    assert.equal(backlog.turnPage(), false)
    assert.equal(backlog.passAgain(), false)
  })
})
