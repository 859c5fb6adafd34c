/** The mesh over real ports: what fakes cannot show, transfer and the event loop. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import { MessageChannel } from 'node:worker_threads'
import { Mesh } from '../../../actors/runtime/mesh.ts'
import { ShardTurn } from '../../../actors/runtime/shard-turn.ts'
import { Tally } from '../../../actors/runtime/tally.ts'
import { meshPort } from '../../../threads/shard-lines.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const CHANNEL = 5
const WINDOW_BYTES = 65_536

function shard(number: number): Mesh {
  const turn = new ShardTurn({
    clock: new FakeClock(),
    log: { commit: () => 'empty', sync: (done) => done(true) },
    counters: new Tally(),
    schedule: (end) => setImmediate(end),
    onFlushed: () => {},
  })
  return new Mesh({ shard: number, turn, windowBytes: WINDOW_BYTES })
}

function pair(t: TestContext): { a: Mesh; b: Mesh; channel: MessageChannel } {
  const channel = new MessageChannel()
  const [a, b] = [shard(0), shard(1)]
  t.after(() => {
    a.close()
    b.close()
  })
  a.join(1, meshPort(channel.port1))
  b.join(0, meshPort(channel.port2))
  return { a, b, channel }
}

describe('mesh over message ports', () => {
  it('streams many windows of data, in order, to a receiver that keeps up', async (t) => {
    const { a, b } = pair(t)
    const total = 20_000
    let expected = 0
    const done = new Promise<void>((resolve) => {
      b.onData(CHANNEL, (from, buffer, start, end) => {
        assert.equal(from, 0)
        assert.equal(end - start, 100)
        assert.equal(buffer.readUInt32LE(start), expected)
        expected += 1
        if (expected === total) resolve()
      })
    })
    let next = 0
    let pauses = 0
    const send = (): void => {
      while (next < total) {
        const room = a.reserve(1, CHANNEL, 100, false)
        if (room === undefined) {
          pauses += 1
          a.whenCredit(1, send)
          return
        }
        room.buffer.writeUInt32LE(next++, room.at)
      }
    }
    send()
    await done
    assert.ok(pauses >= (total * 105) / WINDOW_BYTES / 2, `stopped ${pauses} times`)
    assert.equal(a.status()[0]?.dataOut, total)
    assert.equal(b.status()[0]?.bytesIn, a.status()[0]?.bytesOut)
  })

  it('answers control with control while both are out of credit', async (t) => {
    const { a, b } = pair(t)
    for (const [mesh, peer] of [
      [a, 1],
      [b, 0],
    ] as const) {
      mesh.onData(CHANNEL, () => {})
      const room = mesh.reserve(peer, CHANNEL, WINDOW_BYTES, false)
      room?.buffer.fill(0, room.at, room.at + WINDOW_BYTES)
      assert.equal(mesh.hasCredit(peer), false)
    }
    b.onControl(CHANNEL, (from, body) => b.tell(from, CHANNEL, body))
    const answered = new Promise<unknown>((resolve) =>
      a.onControl(CHANNEL, (_from, body) => resolve(body)),
    )
    a.tell(1, CHANNEL, ['ask', undefined])
    assert.deepEqual(await answered, ['ask', undefined])
  })

  it('hears at once what a peer had posted, before it is left', async (t) => {
    const { a, b, channel } = pair(t)
    const heard: unknown[] = []
    b.onControl(CHANNEL, (_from, body) => heard.push(body))
    a.tell(1, CHANNEL, 'first')
    await nextLoopTurn()
    a.tell(1, CHANNEL, 'second')
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        b.drain(0) // in the loop turn that posted it
        b.leave(0)
        resolve()
      })
    })
    assert.deepEqual(heard, ['first', 'second'])
    assert.deepEqual(b.peers, [])
    await once(channel.port1, 'close')
  })
})
