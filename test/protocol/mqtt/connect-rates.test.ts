import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Limits } from '../../../core/domain/settings.ts'
import { deriveSettings } from '../../../core/domain/settings-schema.ts'
import { ConnectRates } from '../../../protocol/mqtt/connect-rates.ts'

function rates(limits: Partial<Limits>): ConnectRates {
  return new ConnectRates({ ...deriveSettings({}).limits, ...limits }, 0)
}

describe('connect rates', () => {
  it('are off where nobody has set them', () => {
    const free = rates({})
    for (let i = 0; i < 10_000; i++) {
      assert.equal(
        free.admitsFrom(() => '10.0.0.1', 0),
        true,
      )
      assert.equal(free.judge('meter&k1', 0), 'admitted')
    }
  })

  it('count each address apart', () => {
    const slow = rates({ connectsPerSecOfAddress: 2 })
    const from = (address: string, now: number): boolean => slow.admitsFrom(() => address, now)
    assert.deepEqual(
      [from('a', 0), from('a', 0), from('a', 0), from('b', 0)],
      [true, true, false, true],
    )
    assert.equal(from('a', 500), true)
    assert.equal(from('a', 500), false)
  })

  it('count each product apart, and those without one not', () => {
    const slow = rates({ connectsPerSecOfProduct: 1 })
    assert.deepEqual(
      ['m1&k1', 'm2&k1', 'm1&k2', 'key', undefined, undefined].map((name) => slow.judge(name, 0)),
      ['admitted', 'product', 'admitted', 'admitted', 'admitted', 'admitted'],
    )
  })

  it('forget the oldest of very many', () => {
    const slow = rates({ connectsPerSecOfAddress: 1 })
    slow.admitsFrom(() => 'first', 0)
    for (let i = 0; i < 9_999; i++) slow.admitsFrom(() => `${i}`, 0)
    assert.equal(
      slow.admitsFrom(() => 'first', 0),
      false,
    )
    slow.admitsFrom(() => 'one more', 0)
    assert.equal(
      slow.admitsFrom(() => 'first', 0),
      true,
    )
  })
})
