import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PostedDiagnostics } from '../../../actors/runtime/posted-diagnostics.ts'
import { Tally } from '../../../actors/runtime/tally.ts'
import { FakeClock } from '../../support/fake-clock.ts'

function setUp(least: ConstructorParameters<typeof PostedDiagnostics>[2]) {
  const clock = new FakeClock(0)
  const lines: string[] = []
  const diagnostics = new PostedDiagnostics(
    (level, message, facts) => lines.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`),
    clock,
    least,
  )
  return { clock, lines, diagnostics }
}

describe('posted diagnostics', () => {
  it('post what is at least as grave as asked for', () => {
    for (const [least, count] of [
      ['debug', 4],
      ['info', 3],
      ['warn', 2],
      ['error', 1],
      ['silent', 0],
    ] as const) {
      const { lines, diagnostics } = setUp(least)
      diagnostics.debug('d', { a: 1 })
      diagnostics.info('i')
      diagnostics.warn('w')
      diagnostics.error('e', { code: 7 })
      const all = ['debug d {"a":1}', 'info i {}', 'warn w {}', 'error e {"code":7}']
      assert.deepEqual(lines, all.slice(4 - count))
    }
  })

  it('post at most 50 lines a second, and tell how many were left out', () => {
    const { clock, lines, diagnostics } = setUp('info')
    for (let i = 0; i < 80; i++) diagnostics.info(`line ${i}`)
    for (let i = 0; i < 80; i++) diagnostics.debug('not asked for, not counted')
    assert.equal(lines.length, 50)
    clock.advance(1000)
    diagnostics.info('the next second')
    assert.match(lines[50] as string, /^warn diagnostics were suppressed.*"lines":30/)
    assert.equal(lines[51], 'info the next second {}')
    clock.advance(5000)
    diagnostics.info('nothing more to tell')
    assert.equal(lines.length, 53)
  })
})

describe('tally', () => {
  it('counts by name, and by reason where there is one', () => {
    const tally = new Tally()
    tally.add('connect.refused', 'bad-signature')
    tally.add('connect.refused', 'bad-signature', 2)
    tally.add('connect.refused')
    const seen = tally.snapshot()
    tally.add('connect.refused')
    assert.deepEqual(seen, { 'connect.refused.bad-signature': 3, 'connect.refused': 1 })
  })
})
