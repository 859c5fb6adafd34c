import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { RemoteRoutes } from '../../../actors/router/remote-routes.ts'
import { Router } from '../../../actors/router/router.ts'
import { lowerQos, type Qos } from '../../../core/domain/qos.ts'
import type { Publication } from '../../../core/ports/publication.ts'
import type { DeliveryTerms, Subscriber } from '../../../core/ports/relay.ts'
import { GroupShard, ShardGroup } from '../shard-group.ts'
import { options } from '../subscriptions.ts'

class Ear implements Subscriber {
  ready = true
  readonly heard: string[] = []

  deliver(p: Publication, terms: DeliveryTerms): void {
    const qos = lowerQos(p.qos, terms.qos)
    const text = (from: number, to: number): string =>
      Buffer.from(p.buffer.subarray(from, to)).toString()
    this.heard.push(
      `${text(p.topicStart, p.topicEnd)}=${text(p.payloadStart, p.payloadEnd)}${text(p.propertiesStart, p.propertiesEnd)}@${qos}`,
    )
  }
}

class RouterHouse {
  readonly group: ShardGroup
  readonly routes: RemoteRoutes[]
  readonly routers: Router[]

  constructor(shards: number, windowBytes?: number) {
    this.group = new ShardGroup(shards, windowBytes)
    this.routes = this.group.shards.map(
      ({ mesh, timers, tally }) => new RemoteRoutes({ mesh, timers, counters: tally }),
    )
    this.routers = this.routes.map((others) => new Router({ others }))
  }

  router(shard: number): Router {
    return this.routers[shard] as Router
  }

  publish(shard: number, topic: string, payload: string, qos: Qos = 0): number {
    this.group.shard(shard).turns.turn.enter()
    const [t, p] = [Buffer.byteLength(topic), Buffer.byteLength(payload)]
    const publication: Publication = {
      serial: 0,
      buffer: Buffer.from(`${topic}!${payload}`),
      qos,
      retain: false,
      topicStart: 0,
      topicEnd: t,
      propertiesStart: t,
      propertiesEnd: t + 1,
      expiryAt: 0,
      payloadStart: t + 1,
      payloadEnd: t + 1 + p,
    }
    const router = this.router(shard)
    return router.publish(router.route(topic), publication, undefined)
  }
}

describe('routes between shards', () => {
  it('bring a publication once to each shard that wants it, and there to all that do', () => {
    const house = new RouterHouse(3)
    const ears = [new Ear(), new Ear(), new Ear()]
    house.router(1).subscribe(ears[0] as Ear, 'a/+', options(1))
    house.router(1).subscribe(ears[1] as Ear, 'a/#', options(0))
    house.router(2).subscribe(ears[2] as Ear, 'b', options(1))
    house.group.settle()
    assert.equal(house.publish(0, 'a/x', 'one', 1), 1)
    house.group.settle()
    assert.deepEqual(
      ears.map(({ heard }) => heard),
      [['a/x=one!@1'], ['a/x=one!@0'], []],
    )
    house.router(1).unsubscribe(ears[0] as Ear, 'a/+')
    house.router(1).unsubscribe(ears[1] as Ear, 'a/#')
    house.group.settle()
    assert.equal(house.publish(0, 'a/x', 'two', 1), 0)
    assert.deepEqual(
      house.routes.map(({ rows }) => rows),
      [1, 1, 0],
    )
  })

  it('are settled when every shard knows them, or a shard that stands still had its time', () => {
    const house = new RouterHouse(3)
    let settled = 0
    assert.equal(
      house.router(0).settled(() => settled++),
      true,
      'nothing to tell',
    )
    house.router(0).subscribe(new Ear(), 'a', options(0))
    assert.equal(
      house.router(0).settled(() => settled++),
      false,
    )
    house.group.settle()
    assert.equal(settled, 1)
    house.group.shard(2).stalled = true
    house.router(0).subscribe(new Ear(), 'b', options(0))
    assert.equal(
      house.router(0).settled(() => settled++),
      false,
    )
    house.group.passSeconds(1)
    assert.equal(settled, 1)
    house.group.passSeconds(3)
    assert.equal(settled, 2)
    const counts = house.group.shard(0).tally.snapshot()
    assert.equal(counts['subscribe.unconfirmed.peer-stalled'], 1)
  })

  it('drop QoS 0 for a shard that is behind, and hold the source of QoS 1', () => {
    const house = new RouterHouse(2, 300)
    const ear = new Ear()
    house.router(1).subscribe(ear, 't', options(1))
    house.group.settle()
    house.group.shard(1).stalled = true
    for (let i = 0; i < 20; i++) house.publish(0, 't', 'x'.repeat(40))
    const dropped = house.group.shard(0).tally.snapshot()['delivery.dropped.peer-credit'] ?? 0
    assert.ok(dropped > 0 && dropped < 20)
    house.publish(0, 't', 'kept', 1)
    assert.equal(house.router(0).overdrawn, true)
    let resumed = false
    house.router(0).whenRoom(() => {
      resumed = true
    })
    assert.equal(house.router(0).overdrawn, false)
    house.group.shard(0).turns.settle()
    assert.equal(resumed, false)
    house.group.shard(1).stalled = false
    house.group.settle()
    assert.equal(resumed, true)
    assert.equal(ear.heard.length, 20 - dropped + 1)
    assert.equal(ear.heard.at(-1), 't=kept!@1')
  })

  it('go with a shard that died, and are told to its successor', () => {
    const house = new RouterHouse(2)
    const ear = new Ear()
    house.router(0).subscribe(ear, 'kept/#', options(1))
    house.router(1).subscribe(new Ear(), 'lost', options(1))
    house.group.settle()
    house.group.shard(0).mesh.leave(1)
    house.routes[0]?.peerGone(1)
    assert.equal(house.routes[0]?.rows, 0)
    assert.equal(house.publish(0, 'lost', 'x', 1), 0)
    const successor = new GroupShard(1, house.group.clock, undefined)
    house.group.shards[1] = successor
    house.routes[1] = new RemoteRoutes({
      mesh: successor.mesh,
      timers: successor.timers,
      counters: successor.tally,
    })
    house.routers[1] = new Router({ others: house.routes[1] })
    house.group.join(house.group.shard(0), successor)
    house.routes[0]?.peerJoined(1)
    house.group.settle()
    house.publish(1, 'kept/a', 'x', 1)
    house.group.settle()
    assert.deepEqual(ear.heard, ['kept/a=x!@1'])
  })

  it('let everybody hear what one router alone would let them hear', () => {
    const filters = fc.constantFrom('a', 'a/b', 'a/+', '#', '+/b', 'c/#')
    const topics = fc.constantFrom('a', 'a/b', 'c', 'c/d', 'x/b')
    const step = fc.record({
      act: fc.constantFrom('subscribe', 'unsubscribe', 'publish'),
      ear: fc.integer({ min: 0, max: 5 }),
      filter: filters,
      topic: topics,
      qos: fc.constantFrom(0 as const, 1 as const),
    })
    const same = fc.property(fc.array(step, { maxLength: 60 }), (script) => {
      const many = new RouterHouse(3)
      const one = new RouterHouse(1)
      const [spread, alone] = [0, 1].map(() => Array.from({ length: 6 }, () => new Ear())) as [
        Ear[],
        Ear[],
      ]
      for (const [i, { act, ear, filter, topic, qos }] of script.entries()) {
        const shard = ear % 3
        if (act === 'publish') {
          many.publish(shard, topic, String(i), qos)
          one.publish(0, topic, String(i), qos)
        } else if (act === 'subscribe') {
          many.router(shard).subscribe(spread[ear] as Ear, filter, options(qos))
          one.router(0).subscribe(alone[ear] as Ear, filter, options(qos))
        } else {
          many.router(shard).unsubscribe(spread[ear] as Ear, filter)
          one.router(0).unsubscribe(alone[ear] as Ear, filter)
        }
        many.group.settle()
      }
      assert.deepEqual(
        spread.map(({ heard }) => heard),
        alone.map(({ heard }) => heard),
      )
    })
    fc.assert(same, { numRuns: 200 })
  })

  it('bring a message of a shared subscription to one member, by the number of members of each shard', () => {
    const house = new RouterHouse(3)
    const ears = Array.from({ length: 6 }, () => new Ear())
    for (const [i, ear] of ears.entries()) {
      house.router(i < 1 ? 0 : i < 3 ? 1 : 2).subscribe(ear, '$share/g/a/+', options(1))
    }
    house.group.settle()
    for (let i = 0; i < 60; i++) {
      house.publish(i % 3, 'a/x', `${i}`, 1)
      house.group.settle()
    }
    const counts = ears.map(({ heard }) => heard.length)
    assert.ok(Math.min(...counts) >= 9 && Math.max(...counts) <= 11, counts.join())
    assert.equal(new Set(ears.flatMap(({ heard }) => heard)).size, 60)
    assert.equal(ears[5]?.heard[0]?.endsWith('!@1'), true, ears[5]?.heard[0])
  })

  it('find another member where the one that was meant has left meanwhile', () => {
    const house = new RouterHouse(3)
    const [stays, leaves] = [new Ear(), new Ear()]
    house.router(1).subscribe(leaves, '$share/g/a', options(1))
    house.router(2).subscribe(stays, '$share/g/a', options(1))
    house.group.settle()
    for (let i = 0; i < 4; i++) house.publish(0, 'a', `${i}`, 1)
    house.router(1).unsubscribe(leaves, '$share/g/a')
    house.group.settle()
    assert.equal(stays.heard.length, 4)
    assert.equal(leaves.heard.length, 0)
    house.router(2).unsubscribe(stays, '$share/g/a')
    house.group.settle()
    assert.equal(house.publish(0, 'a', 'nobody', 1), 0)
    assert.equal(house.routes[0]?.rows, 0)
  })

  it('know the members of a shard that joins, and forget those of one that is gone', () => {
    const house = new RouterHouse(2)
    const [here, there] = [new Ear(), new Ear()]
    house.router(0).subscribe(here, '$share/g/a', options(0))
    house.router(1).subscribe(there, '$share/g/a', options(0))
    house.group.settle()
    house.group.shard(0).mesh.leave(1)
    house.routes[0]?.peerGone(1)
    for (let i = 0; i < 4; i++) house.publish(0, 'a', `${i}`)
    assert.equal(here.heard.length, 4)
    const successor = new GroupShard(1, house.group.clock, undefined)
    house.group.shards[1] = successor
    const { mesh, timers, tally } = successor
    house.routes[1] = new RemoteRoutes({ mesh, timers, counters: tally })
    house.routers[1] = new Router({ others: house.routes[1] })
    house.group.join(house.group.shard(0), successor)
    house.routes[0]?.peerJoined(1)
    house.group.settle()
    house.publish(1, 'a', 'from the successor')
    house.group.settle()
    assert.equal(here.heard.length, 5)
  })
})
