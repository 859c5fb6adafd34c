import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openFilesAdvice, readOwnLimits } from '../../../protocol/cli/serve-open-files.ts'

function limits(soft: string): string {
  return [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max processes             63432                63432                processes ',
    `Max open files            ${soft.padEnd(21)}1048576              files     `,
    'Max locked memory         8388608              8388608              bytes     ',
  ].join('\n')
}

describe('openFilesAdvice', () => {
  it('says how many connections there is room for, and how to make more', () => {
    const advice = openFilesAdvice(limits('4096'), 100_000) ?? ''
    assert.match(advice, /limited to 4096, enough for about 3840 of 100000 connections/)
    assert.match(advice, /`ulimit -n 100256`.*LimitNOFILE=100256.*limits\.connections/)
  })

  it('says nothing where the limit is enough, unlimited, or not told', () => {
    assert.equal(openFilesAdvice(limits('100256'), 100_000), undefined)
    assert.equal(openFilesAdvice(limits('unlimited'), 100_000), undefined)
    assert.equal(openFilesAdvice('', 100_000), undefined)
  })

  it('understands what this system tells', { skip: process.platform !== 'linux' }, () => {
    assert.match(openFilesAdvice(readOwnLimits(), 1e12) ?? '', /limited to \d+/)
  })
})
