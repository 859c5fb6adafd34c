import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { TopicTrie } from '../../../actors/router/topic-trie.ts'
import { isTopicFilter, matches } from '../../../core/domain/topic.ts'
import { options } from '../subscriptions.ts'

const level = fc.constantFrom('a', 'b', '', '$c')
const topics = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
const filters = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([levels, deep]) => [...levels, ...(deep ? ['#'] : [])].join('/'))
  .filter(isTopicFilter)

describe('topic trie', () => {
  it('matches as filter by filter would, after any adding and removing', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(3), filters), { maxLength: 40 })
    const same = fc.property(
      steps,
      topics.filter((topic) => topic !== ''),
      (script, topic) => {
        const trie = new TopicTrie<number>()
        const model = new Set<string>() // `subscriber filter`
        for (const [add, subscriber, filter] of script) {
          const key = `${subscriber} ${filter}`
          if (add) {
            trie.add(filter, { subscriber, ...options(0) })
            model.add(key)
          } else assert.equal(trie.remove(filter, subscriber) !== undefined, model.delete(key))
          assert.equal(trie.size, model.size)
        }
        const found: number[] = []
        trie.match(topic, ({ subscriber }) => found.push(subscriber))
        const expected = [...model]
          .filter((key) => matches(key.slice(2), topic))
          .map((key) => Number(key[0]))
        const byNumber = (a: number, b: number): number => a - b
        assert.deepEqual(found.sort(byNumber), expected.sort(byNumber))
      },
    )
    fc.assert(same, { numRuns: 500 })
  })
})
