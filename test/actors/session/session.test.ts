import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Tally } from '../../../actors/runtime/tally.ts'
import { Session } from '../../../actors/session/session.ts'
import type { PacketOutlet } from '../../../core/ports/packet-outlet.ts'
import type { Publication } from '../../../core/ports/publication.ts'
import { inWords, publicationOf } from '../publications.ts'

class Outlet implements PacketOutlet {
  congested = false
  overflows = 0
  readonly sent: { readonly words: string; readonly packetId: number }[] = []

  publish(publication: Publication, qos: 0 | 1, packetId: number): void {
    this.sent.push({ words: inWords({ ...publication, qos }), packetId })
  }

  overflow(): void {
    this.overflows += 1
  }

  get words(): string[] {
    return this.sent.splice(0).map(({ words }) => words)
  }
}

function setUp(inflight = 2, messages = 3) {
  const outlet = new Outlet()
  const tally = new Tally()
  const session = new Session(outlet, { inflight, queue: { messages, bytes: 1000 } }, tally)
  const say = (payload: string, qos: 0 | 1): void =>
    session.deliver(publicationOf('t', payload), qos)
  return { outlet, tally, session, say }
}

describe('session', () => {
  it('lets QoS 0 pass what waits, and drops it to a congested socket', () => {
    const { outlet, tally, say } = setUp(1)
    say('1', 1)
    say('2', 1)
    say('3', 0)
    assert.deepEqual(outlet.words, ['t  1 1', 't  3 0'])
    outlet.congested = true
    say('4', 0)
    assert.deepEqual(outlet.words, [])
    assert.deepEqual(tally.snapshot(), { 'delivery.dropped.slow-reader': 1 })
  })

  it('queues QoS 1 to a congested socket and sends it in order once that has drained', () => {
    const { outlet, session, say } = setUp(2)
    outlet.congested = true
    for (const payload of ['1', '2', '3']) say(payload, 1)
    assert.deepEqual(outlet.words, [])
    outlet.congested = false
    session.drain()
    assert.deepEqual(outlet.words, ['t  1 1', 't  2 1'])
    say('4', 1)
    assert.deepEqual(outlet.words, [], 'behind what waits')
    assert.equal(session.acknowledged(1), true)
    assert.equal(session.acknowledged(2), true)
    assert.deepEqual(outlet.words, ['t  3 1', 't  4 1'])
  })

  it('says so once its queue is full, and loses nothing that it has', () => {
    const { outlet, session, say } = setUp(1, 2)
    for (const payload of ['1', '2', '3', '4']) say(payload, 1)
    assert.equal(outlet.overflows, 1)
    session.acknowledged(1)
    session.acknowledged(2)
    assert.deepEqual(outlet.words, ['t  1 1', 't  2 1', 't  3 1'])
  })

  it('delivers nothing once it is closed, whoever still knows it', () => {
    const { outlet, session, say } = setUp(1)
    say('1', 1)
    say('2', 1)
    session.closed()
    say('3', 1)
    say('4', 0)
    session.acknowledged(1)
    session.drain()
    assert.deepEqual(outlet.words, ['t  1 1'])
  })
})
