import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type RemoteSubscriber, Route, Router } from '../../../actors/router/router.ts'
import { lowerQos, type Qos } from '../../../core/domain/qos.ts'
import { isTopicFilter, matches } from '../../../core/domain/topic.ts'
import type { Publication } from '../../../core/ports/publication.ts'
import type { DeliveryTerms, Subscriber } from '../../../core/ports/relay.ts'
import { collected } from '../../support/garbage.ts'
import { publicationOf } from '../publications.ts'
import { options } from '../subscriptions.ts'

class Listener implements Subscriber {
  readonly ready = true
  readonly heard: Qos[] = []

  deliver(publication: Publication, terms: DeliveryTerms): void {
    this.heard.push(lowerQos(publication.qos, terms.qos))
  }
}

const ONE = publicationOf('a/b', 'x', 2)

describe('router', () => {
  it('holds nobody who has left, by a route that is not published to any more', async () => {
    const router = new Router()
    const route = router.route('a/b')
    const joined = (): WeakRef<Listener> => {
      const listener = new Listener()
      router.subscribe(listener, 'a/+', options(1))
      assert.equal(router.publish(route, ONE, undefined), 1)
      router.unsubscribe(listener, 'a/+')
      return new WeakRef(listener)
    }
    const listener = joined()
    router.tidy()
    await collected()
    assert.equal(listener.deref(), undefined)
    assert.equal(router.publish(route, ONE, undefined), 0)
  })

  it('delivers as the subscriptions stand at each publish, by routes that are kept [MQTT-3.3.2-3] [MQTT-4.5.0-1]', () => {
    const filters = fc.constantFrom('a/b', 'a/+', '#', 'a/#', '+/b', 'c')
    const topics = ['a/b', 'a', 'c', 'c/b']
    const steps = fc.array(
      fc.tuple(fc.constantFrom('sub', 'unsub', 'publish', 'tidy'), filters, fc.nat(2)),
      {
        maxLength: 50,
      },
    )
    const asNow = fc.property(steps, (script) => {
      const router = new Router()
      const routes = topics.map((topic) => router.route(topic))
      const listeners = [0, 1, 2].map(() => new Listener())
      const model = new Map<string, Qos>() // `listener filter`
      for (const [step, filter, who] of script) {
        const listener = listeners[who] as Listener
        const key = `${who} ${filter}`
        if (step === 'sub') {
          const qos = (filter.length % 3) as Qos
          router.subscribe(listener, filter, options(qos))
          model.set(key, qos)
        } else if (step === 'unsub') {
          assert.equal(router.unsubscribe(listener, filter), model.delete(key))
        } else if (step === 'tidy') {
          router.tidy()
        } else {
          for (const route of routes) {
            for (const one of listeners) one.heard.length = 0
            const expected = [0, 1, 2].map((number) => {
              const granted = [...model]
                .filter(
                  ([name]) => name.startsWith(`${number} `) && matches(name.slice(2), route.topic),
                )
                .map(([, qos]) => qos)
              return granted.length === 0 ? [] : [Math.max(...granted)]
            })
            const delivered = router.publish(route, ONE, undefined)
            assert.deepEqual(
              listeners.map(({ heard }) => heard),
              expected,
            )
            assert.equal(delivered, expected.flat().length)
          }
        }
      }
    })
    fc.assert(asNow, { numRuns: 200 })
  })

  it('a route that is kept reaches what a new one would, here and on other shards, after any changes', () => {
    const level = fc.constantFrom('a', 'b', '', '+')
    const filters = fc
      .tuple(fc.array(level, { maxLength: 3 }), fc.boolean())
      .map(([levels, deep]) => [...levels, ...(deep ? ['#'] : [])].join('/'))
      .filter(isTopicFilter)
    const anyFilters = fc
      .tuple(filters, fc.boolean())
      .map(([one, shared]) => (shared ? `$share/g/${one}` : one))
    const change = fc.record({
      does: fc.constantFrom('sub', 'unsub', 'add remote', 'remove remote'),
      filter: anyFilters,
      who: fc.nat(1),
      qos: fc.constantFrom<Qos>(0, 1, 2),
      published: fc.array(fc.nat(7), { maxLength: 3 }),
    })
    const topics = ['a', '/a', 'a/', 'a/b', 'b/a', 'a/b/a', 'b//a', '/']
    const same = fc.property(fc.array(change, { maxLength: 40 }), (script) => {
      const router = new Router()
      const heard: string[] = []
      const listeners = [0, 1].map((who) => ({
        ready: true,
        // Which member of a shared subscription it is goes round.
        deliver: (_: Publication, { qos, redelivery }: DeliveryTerms) =>
          void heard.push(redelivery === undefined ? `${who} ${qos}` : 'member'),
      }))
      const remotes = [0, 1].map((who) => ({
        ready: true,
        send: (_: Publication, qos: Qos) => void heard.push(`remote ${who} ${qos}`),
        sendShared: () => void heard.push('member'),
      }))
      const kept = topics.map((topic) => router.route(topic))
      for (const { does, filter, who, qos, published } of script) {
        const listener = listeners[who] as Subscriber
        const remote = remotes[who] as RemoteSubscriber
        if (does === 'sub') router.subscribe(listener, filter, options(qos))
        else if (does === 'unsub') router.unsubscribe(listener, filter)
        else if (does === 'add remote') router.addRemote(filter, remote, qos, 1)
        else router.removeRemote(filter, remote)
        for (const at of published) {
          router.publish(kept[at] as Route, ONE, undefined)
          const known = heard.splice(0)
          router.publish(new Route(topics[at] as string, 0), ONE, undefined)
          assert.deepEqual(known, heard.splice(0), topics[at])
        }
      }
    })
    fc.assert(same, { numRuns: 500 })
  })

  it('lowers the QoS to the lower of message and subscription [MQTT-3.8.4-8]', () => {
    const router = new Router()
    const [low, high] = [new Listener(), new Listener()]
    router.subscribe(low, 't', options(0))
    router.subscribe(high, 't', options(1))
    router.publish(router.route('t'), publicationOf('t', '', 1), undefined)
    router.publish(router.route('t'), publicationOf('t', '', 0), undefined)
    assert.deepEqual(
      [low.heard, high.heard],
      [
        [0, 0],
        [1, 0],
      ],
    )
  })

  it('leaves the publisher out only where every matching filter of it says no local', () => {
    const router = new Router()
    const own = new Listener()
    router.subscribe(own, 'a/b', options(0, { noLocal: true }))
    assert.equal(router.publish(router.route('a/b'), ONE, own), 0)
    assert.equal(router.publish(router.route('a/b'), ONE, new Listener()), 1)
    router.subscribe(own, 'a/#', options(1))
    assert.equal(router.publish(router.route('a/b'), ONE, own), 1)
    assert.deepEqual(own.heard, [0, 1])
  })

  it('goes on with those who are left when a delivery makes subscribers come and go', () => {
    const router = new Router()
    const late = new Listener()
    const first: Subscriber = {
      ready: true,
      deliver: () => {
        router.unsubscribe(first, '#')
        router.subscribe(late, '#', options(1))
      },
    }
    const last = new Listener()
    router.subscribe(first, '#', options(1))
    router.subscribe(last, '#', options(1))
    const route = router.route('t')
    assert.equal(router.publish(route, ONE, undefined), 2)
    assert.deepEqual([last.heard.length, late.heard.length], [1, 0])
    assert.equal(router.publish(route, ONE, undefined), 2)
    assert.deepEqual([last.heard.length, late.heard.length], [2, 1])
  })

  it('knows a route again, and forgets all of them at 65,536; those that are held go on working', () => {
    const router = new Router()
    const held = router.route('held')
    assert.equal(router.route('held'), held)
    for (let i = 0; i < 65_535; i++) router.route(`t/${i}`)
    assert.equal(router.route('held'), held)
    router.route('one more')
    assert.notEqual(router.route('held'), held)
    const listener = new Listener()
    router.subscribe(listener, 'held', options(1))
    assert.equal(router.publish(held, ONE, undefined), 1)
    assert.equal(router.subscriptions, 1)
  })
})
