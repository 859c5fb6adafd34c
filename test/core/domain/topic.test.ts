import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isTopicFilter, isTopicName, matches } from '../../../core/domain/topic.ts'

describe('a topic name', () => {
  it('has a character, no wildcard and no U+0000 [MQTT-4.7.0-1] [MQTT-4.7.3-1] [MQTT-4.7.3-2]', () => {
    for (const topic of ['a', '/', '//', 'a b', '$SYS/a', '\ufeff', 'é'])
      assert.ok(isTopicName(topic), topic)
    for (const topic of ['', '+', '#', 'a/+/b', 'a#', 'a+b', 'a\0', '\0']) {
      assert.ok(!isTopicName(topic), JSON.stringify(topic))
    }
  })
})

describe('a topic filter', () => {
  it('has its wildcards in levels of their own, `#` in the last one [MQTT-4.7.1-1] [MQTT-4.7.1-2]', () => {
    for (const filter of ['#', '+', 'a/#', 'a/+', '+/+/#', '/+', '+/', '/#', 'a/+/b']) {
      assert.ok(isTopicFilter(filter), filter)
    }
    for (const filter of ['a#', '#a', '#/a', 'a/#/b', '##', '+a', 'a+', '++', 'a/b+/c', 'a/+b']) {
      assert.ok(!isTopicFilter(filter), filter)
    }
  })

  it('has a character, no U+0000, and as many as a length can say [MQTT-4.7.3-1] [MQTT-4.7.3-2] [MQTT-4.7.3-3]', () => {
    for (const filter of ['', '\0', 'a/\0/b']) assert.ok(!isTopicFilter(filter))
    const longest = 'x'.repeat(65_535)
    assert.deepEqual([isTopicFilter(longest), isTopicName(longest)], [true, true])
    assert.deepEqual([isTopicFilter(`${longest}x`), isTopicName(`${longest}x`)], [false, false])
  })

  it('matches level by level, character by character [MQTT-4.7.3-4]', () => {
    for (const [filter, topic, matching] of [
      ['a/b', 'a/b', true],
      ['a/b', 'a/B', false],
      ['a/b', 'a/b/', false],
      ['/a', 'a', false],
      ['a/#', 'a', true],
      ['a/#', 'a/', true],
      ['a/#', 'a/b/c', true],
      ['a/#', 'ab', false],
      ['a/+', 'a', false],
      ['a/+', 'a/', true],
      ['a/+', 'a/b/c', false],
      ['+/b', '/b', true],
      ['+', '/b', false],
      ['+/+', '/b', true],
      ['\u00e9', 'e\u0301', false],
      ['#', 'a/b', true],
    ] as const) {
      assert.equal(matches(filter, topic), matching, `${filter} ${topic}`)
    }
  })

  it('that begins with a wildcard misses topics that begin with $ [MQTT-4.7.2-1]', () => {
    for (const filter of ['#', '+/a', '+/#', '+']) {
      for (const topic of ['$SYS/a', '$', '$a']) assert.ok(!matches(filter, topic), filter)
    }
    assert.ok(matches('$SYS/#', '$SYS/a'))
    assert.ok(matches('$SYS/+', '$SYS/a'))
    assert.ok(matches('a/+', 'a/$b'), 'only in front')
  })
})
