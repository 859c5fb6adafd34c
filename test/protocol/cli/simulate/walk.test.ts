import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { numericProperties, ROOM, Walk } from '../../../../protocol/cli/simulate/walk.ts'
import { METER_TSL } from '../../../support/service-house.ts'

const chance = fc.double({ min: 0, max: 0.999, noNaN: true })

describe('the random walk', () => {
  it('stays in its range and moves in small steps, whatever chance says', () => {
    const stays = fc.property(
      fc.integer({ min: -1000, max: 1000 }),
      fc.integer({ min: 1, max: 500 }),
      fc.boolean(),
      fc.array(chance, { minLength: 2, maxLength: 200 }),
      (min, width, whole, chances) => {
        const range = { min, max: min + width, whole }
        const walk = new Walk(range, chances[0] ?? 0)
        let before: number | undefined
        for (const one of chances) {
          const value = walk.next(one)
          assert.ok(value >= range.min && value <= range.max)
          if (whole) assert.ok(Number.isInteger(value))
          if (before !== undefined) assert.ok(Math.abs(value - before) <= width / 20 + 2)
          before = value
        }
      },
    )
    fc.assert(stays)
  })

  it('moves at all', () => {
    const walk = new Walk(ROOM, 0.5)
    const values = Array.from({ length: 50 }, (_, i) => walk.next(((i * 7) % 10) / 10))
    assert.ok(new Set(values).size > 3)
  })
})

describe('the numbers of a thing model', () => {
  it('are found with the part of their range that a room could have', () => {
    assert.deepEqual(
      [...numericProperties(METER_TSL)],
      [
        ['temperature', { min: 15, max: 30, whole: false }],
        ['target', { min: 15, max: 30, whole: true }],
      ],
    )
    const far = {
      identifier: 'rpm',
      dataType: { type: 'int', specs: { min: '1000', max: '9000' } },
    }
    const open = { identifier: 'low', dataType: { type: 'float', specs: { max: '-5' } } }
    const text = { identifier: 'label', dataType: { type: 'text', specs: { length: '9' } } }
    assert.deepEqual(
      [...numericProperties({ properties: [far, open, text] })],
      [
        ['rpm', { min: 1000, max: 9000, whole: true }],
        ['low', { min: -15, max: -5, whole: false }],
      ],
    )
  })
})
