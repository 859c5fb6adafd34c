import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FilterChanges } from '../../../actors/router/filter-changes.ts'
import { isTopicFilter, isTopicName, matches } from '../../../core/domain/topic.ts'

const level = fc.constantFrom('a', 'b', 'device', '', '$c', 'ü')
const topics = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter(isTopicName)
const filters = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([levels, deep]) => [...levels, ...(deep ? ['#'] : [])].join('/'))
  .filter(isTopicFilter)

describe('filter changes', () => {
  it('a change of a filter that matches a topic shows in its stamp, whatever changed before', () => {
    const shows = fc.property(fc.array(filters), topics, (script, topic) => {
      const changes = new FilterChanges()
      for (const filter of script) {
        const before = changes.stamp(topic)
        changes.add(filter)
        const after = changes.stamp(topic)
        assert.ok(after >= before, 'stamps only rise, so that none comes again')
        if (matches(filter, topic)) assert.ok(after > before, `${filter} ${topic}`)
      }
    })
    fc.assert(shows, { numRuns: 1000 })
  })

  it('does not show where the levels before the first wildcard are others', () => {
    const changes = new FilterChanges()
    const before = changes.stamp('product/device1/user/get')
    for (const filter of [
      'product/device2/user/get',
      'product/device2/#',
      'product/device1/user/get/more',
      'product/device1/event/+',
      'product/device',
      'other/+/user/get',
    ]) {
      changes.add(filter)
      assert.equal(changes.stamp('product/device1/user/get'), before, filter)
    }
  })
})
