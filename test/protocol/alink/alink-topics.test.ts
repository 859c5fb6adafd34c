import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { alinkRoute } from '../../../protocol/alink/alink-topics.ts'

describe('alinkRoute', () => {
  const routes: readonly [suffix: string, kind: string, identifier: string, reply?: string][] = [
    ['thing/event/property/post', 'property-post', '', 'thing/event/property/post_reply'],
    ['thing/event/OverTemp/post', 'event-post', 'OverTemp', 'thing/event/OverTemp/post_reply'],
    [
      'thing/event/hvac:OverTemp/post',
      'event-post',
      'hvac:OverTemp',
      'thing/event/hvac:OverTemp/post_reply',
    ],
    ['thing/service/property/set_reply', 'property-set-reply', ''],
    ['thing/service/Reboot_reply', 'service-reply', 'Reboot'],
    ['thing/service/Get_reply_reply', 'service-reply', 'Get_reply'],
  ]
  for (const [suffix, kind, identifier, reply] of routes) {
    it(`knows ${suffix}`, () => {
      const route = alinkRoute(suffix)
      assert.equal(route?.kind, kind)
      assert.equal(route.identifier, identifier)
      assert.equal(route.replySuffix, reply)
    })
  }

  it('says the method that belongs to a topic', () => {
    const methods = routes.map(([suffix]) => alinkRoute(suffix)?.method)
    assert.deepEqual(methods, [
      'thing.event.property.post',
      'thing.event.OverTemp.post',
      'thing.event.hvac:OverTemp.post',
      'thing.service.property.set',
      'thing.service.Reboot',
      'thing.service.Get_reply',
    ])
  })

  for (const suffix of [
    '',
    'thing/event/property/post_reply',
    'thing/event/property/batch/post',
    'thing/event//post',
    'thing/event/a-b/post',
    'thing/event/OverTemp/post/',
    'thing/service/property/set',
    'thing/service/Reboot',
    'thing/service/_reply',
    'thing/model/up_raw',
  ]) {
    it(`does not know ${JSON.stringify(suffix)}`, () => {
      assert.equal(alinkRoute(suffix), undefined)
    })
  }
})
