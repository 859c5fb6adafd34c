import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Tally } from '../../../actors/runtime/tally.ts'
import { Session } from '../../../actors/session/session.ts'
import type { Qos } from '../../../core/domain/qos.ts'
import type { QueuePolicy } from '../../../core/domain/settings.ts'
import type { PacketOutlet, PublishHeader } from '../../../core/ports/packet-outlet.ts'
import type { Publication } from '../../../core/ports/publication.ts'
import { collected } from '../../support/garbage.ts'
import { inWords, publicationOf } from '../publications.ts'
import { terms } from '../subscriptions.ts'

class Outlet implements PacketOutlet {
  congested = false
  overflows = 0
  /** Messages that are larger than the client takes. */
  tooLarge = ''
  readonly sent: { readonly words: string; readonly header: PublishHeader }[] = []

  publish(publication: Publication, header: PublishHeader): boolean {
    const words = inWords({ ...fields(publication), qos: header.qos })
    if (this.tooLarge !== '' && words.includes(this.tooLarge)) return false
    this.sent.push({ words, header: { ...header } })
    return true
  }

  release(): void {}

  overflow(): void {
    this.overflows += 1
  }

  get words(): string[] {
    return this.sent.splice(0).map(({ words }) => words)
  }

  get packetIds(): number[] {
    return this.sent.splice(0).map(({ header }) => header.packetId)
  }
}

function fields(p: Publication): Publication {
  const { buffer, qos, retain, topicStart, topicEnd, propertiesStart, propertiesEnd } = p
  const { expiryAt, payloadStart, payloadEnd } = p
  const properties = { serial: p.serial, propertiesStart, propertiesEnd, expiryAt }
  return { buffer, qos, retain, topicStart, topicEnd, ...properties, payloadStart, payloadEnd }
}

function setUp(inflight = 2, messages = 3, queuePolicy: QueuePolicy = 'close') {
  const outlet = new Outlet()
  const tally = new Tally()
  const clock = { now: 1_000_000 }
  const bounds = { inflight, arrivals: 2, queue: { messages, bytes: 1000 }, queuePolicy }
  const steps: (() => boolean)[] = []
  const parts = { bounds, counters: tally, now: () => clock.now }
  const session = new Session(outlet, { ...parts, background: (step) => steps.push(step) })
  const work = (): void => {
    for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
      if (step()) steps.push(step)
    }
  }
  const say = (payload: string, qos: Qos): void =>
    session.deliver(publicationOf('t', payload, qos), terms(2))
  return { outlet, tally, session, say, clock, work }
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

  it('queues QoS 1 and 2 to a congested socket and sends them in order once that has drained [MQTT-4.6.0-5] [MQTT-4.6.0-6]', () => {
    const { outlet, session, say } = setUp(2)
    outlet.congested = true
    for (const [i, payload] of ['1', '2', '3'].entries()) say(payload, i === 1 ? 2 : 1)
    assert.deepEqual(outlet.words, [])
    outlet.congested = false
    session.drain()
    assert.deepEqual(outlet.words, ['t  1 1', 't  2 2'])
    say('4', 1)
    assert.deepEqual(outlet.words, [], 'behind what waits')
    assert.equal(session.acknowledged(1), true)
    assert.equal(session.received(2, false), true)
    assert.deepEqual(outlet.words, ['t  3 1'])
    assert.equal(session.completed(2), true)
    assert.deepEqual(outlet.words, ['t  4 1'])
  })

  it('says so once its queue is full, and loses nothing that it has', () => {
    const { outlet, session, say } = setUp(1, 2)
    for (const payload of ['1', '2', '3', '4']) say(payload, 1)
    assert.equal(outlet.overflows, 1)
    session.acknowledged(1)
    session.acknowledged(2)
    assert.deepEqual(outlet.words, ['t  1 1', 't  2 1', 't  3 1'])
  })

  it('drops and counts at the bound of its queue where that was chosen', () => {
    for (const [policy, kept] of [
      ['drop-oldest', ['t  1 1', 't  4 1', 't  5 1']],
      ['drop-newest', ['t  1 1', 't  2 1', 't  3 1']],
    ] as const) {
      const { outlet, tally, session, say } = setUp(1, 2, policy)
      for (const payload of ['1', '2', '3', '4', '5']) say(payload, 1)
      for (const id of [1, 2]) session.acknowledged(id)
      assert.deepEqual(outlet.words, [...kept], policy)
      assert.deepEqual(tally.snapshot(), { 'delivery.dropped.queue-full': 2 })
      assert.equal(outlet.overflows, 0)
    }
    const { outlet, tally, say } = setUp(1, 2, 'drop-oldest')
    for (const payload of ['1', 'x'.repeat(2000)]) say(payload, 1)
    assert.deepEqual([outlet.words.length, tally.snapshot()['delivery.dropped.queue-full']], [1, 1])
  })

  it('keeps nothing of its connection once it is closed, whoever still knows it', async () => {
    const opened = (): { session: Session; outlet: WeakRef<Outlet> } => {
      const { outlet, session, say } = setUp()
      for (const payload of ['1', '2', '3']) say(payload, 1)
      return { session, outlet: new WeakRef(outlet) }
    }
    const { session, outlet } = opened()
    session.closed()
    await collected()
    assert.equal(outlet.deref(), undefined)
    session.deliver(publicationOf('t', '4', 1), terms(2))
    assert.deepEqual([session.ready, session.acknowledged(1)], [false, false])
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

  it('uses no packet id of a message that the client cannot take [MQTT-3.1.2-25]', () => {
    const { outlet, session, say } = setUp(1)
    outlet.tooLarge = 'large'
    for (const payload of ['large', '1', 'large', '2']) say(payload, 2)
    assert.deepEqual(outlet.words, ['t  1 2'])
    session.received(2, false)
    session.completed(2)
    assert.deepEqual(outlet.words, ['t  2 2'])
  })

  it('marks a message as retained only for those who asked for it as published', () => {
    const { outlet, session } = setUp()
    const retained = { ...publicationOf('t', 'x', 0), retain: true }
    session.deliver(retained, terms(0))
    session.deliver(retained, terms(0, { retainAsPublished: true, identifiers: [7, 8] }))
    const [plain, asPublished] = outlet.sent.map(({ header }) => header)
    assert.deepEqual([plain?.retain, asPublished?.retain], [false, true])
    assert.deepEqual([plain?.identifiers, asPublished?.identifiers], [[], [7, 8]])
  })

  it('takes the time that a message waits off its expiry, and drops it when none is left [MQTT-3.3.2-5] [MQTT-3.3.2-6]', () => {
    const { outlet, session, clock, tally } = setUp(1, 10)
    const expiring = (payload: string, seconds: number): void => {
      const value = Buffer.alloc(4)
      value.writeUInt32BE(seconds)
      const properties = Buffer.concat([Buffer.from([2]), value])
      const publication = publicationOf('t', payload, 1, properties)
      session.deliver({ ...publication, expiryAt: publication.propertiesStart + 1 }, terms(1))
    }
    const interval = (): number => {
      const [{ words } = { words: '' }] = outlet.sent.splice(0)
      return Buffer.from(words.slice(3, 7), 'latin1').readUInt32BE()
    }
    expiring('1', 50)
    expiring('2', 50)
    expiring('3', 5)
    expiring('4', 60)
    assert.equal(interval(), 50)
    clock.now += 10_500
    session.acknowledged(1)
    assert.equal(interval(), 40, 'a part of a second counts for the message')
    session.acknowledged(2)
    assert.equal(interval(), 50)
    assert.deepEqual(tally.snapshot(), { 'delivery.dropped.expired': 1 })
    clock.now -= 3_600_000
    expiring('5', 60)
    session.acknowledged(3)
    assert.equal(interval(), 60)
  })
})

describe('exactly once, towards the client', () => {
  it('goes on from PUBREC only, and keeps the packet id until PUBCOMP [MQTT-4.3.3-2] [MQTT-4.3.3-3] [MQTT-4.3.3-5]', () => {
    const { outlet, session, say } = setUp(1)
    say('1', 2)
    say('2', 2)
    assert.deepEqual(outlet.packetIds, [1])
    assert.equal(session.acknowledged(1), false, 'PUBACK is not for QoS 2')
    assert.equal(session.completed(1), false, 'before PUBREC')
    assert.equal(session.received(1, false), true)
    assert.equal(session.received(1, false), true, 'a PUBREC that came again is answered again')
    assert.deepEqual(outlet.packetIds, [])
    assert.equal(session.completed(1), true)
    assert.equal(session.completed(1), false)
    assert.deepEqual(outlet.packetIds, [2])
    assert.equal(session.received(77, false), false)
  })

  it('ends with a PUBREC that refuses the message [MQTT-4.4.0-2]', () => {
    const { outlet, session, say } = setUp(1)
    say('1', 2)
    say('2', 1)
    assert.deepEqual(outlet.packetIds, [1])
    assert.equal(session.received(1, true), true)
    assert.deepEqual(outlet.packetIds, [2])
    assert.equal(session.received(2, false), false, 'of QoS 1')
    assert.equal(session.acknowledged(2), true)
  })
})

describe('exactly once, from the client', () => {
  it('takes a packet id once until it is released [MQTT-4.3.3-10] [MQTT-4.3.3-12]', () => {
    const { session } = setUp()
    assert.deepEqual(
      [5, 5, 6, 7].map((id) => session.arrived(id)),
      ['first', 'again', 'first', 'excess'],
    )
    assert.deepEqual([session.released(5), session.released(5)], [true, false])
    assert.deepEqual([session.arrived(5), session.arrived(6)], ['first', 'again'])
  })
})
