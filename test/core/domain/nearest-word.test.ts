import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nearestWord } from '../../../core/domain/nearest-word.ts'

const WORDS = ['flush', 'commit', 'relaxed']

describe('nearestWord', () => {
  it('finds the word behind a slip of the fingers, in any case', () => {
    assert.equal(nearestWord('comit', WORDS), 'commit')
    assert.equal(nearestWord('FLUSCH', WORDS), 'flush')
    assert.equal(nearestWord('relxaed', WORDS), 'relaxed')
  })

  it('names the nearest of several', () => {
    assert.equal(nearestWord('wsss', ['ws', 'wss', 'mqtts']), 'wss')
  })

  it('says nothing where a guess would be far', () => {
    assert.equal(nearestWord('everything', WORDS), undefined)
    assert.equal(nearestWord('', WORDS), undefined)
  })
})
