import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { emptyItems } from '../../../core/domain/property-items.ts'

describe('property items', () => {
  it('take any text as an identifier, and inherit nothing', () => {
    const items = emptyItems()
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      assert.equal(items[name], undefined)
      items[name] = { value: name, time: 1 }
    }
    assert.deepEqual(Object.keys(items), ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
    assert.deepEqual(Object.keys(emptyItems()), [])
    assert.equal(JSON.parse(JSON.stringify(items)).toString.value, 'toString')
    assert.throws(() => Object.assign(Object.getPrototypeOf(items), { polluted: 1 }))
  })
})
