import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'

const BOUND = 64 // bytes of a message

describe('the relay of a message at QoS 0', () => {
  it(`allocates at most ${BOUND} bytes`, (t) => {
    const script = new URL('../../support/relay-allocation.js', import.meta.url).pathname
    const flags = ['--expose-gc', '--max-semi-space-size=512', '--min-semi-space-size=512']
    const told = JSON.parse(
      execFileSync(process.execPath, [...flags, script], { encoding: 'utf8' }),
    )
    assert.equal(told.delivered, told.messages)
    assert.ok(told.bytesPerMessage > 0, 'something was collected meanwhile')
    assert.ok(told.bytesPerMessage <= BOUND, `${told.bytesPerMessage} bytes`)
    t.diagnostic(`${told.bytesPerMessage.toFixed(1)} bytes a message, of ${told.messages}`)
  })
})
