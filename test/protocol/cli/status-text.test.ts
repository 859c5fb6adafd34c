import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { statusText } from '../../../protocol/cli/status-text.ts'
import { meshLine, servingShard } from '../../support/shard-status.ts'
import { STATUS } from '../api/house.ts'

const SEVERAL = {
  ...STATUS,
  shards: [
    servingShard({
      connections: 12,
      devicesOnline: 10,
      messagesIn: 1000,
      messagesOut: 500,
      lagMs: 1.26,
      turn: { longestMs: 12.34, p99Ms: 2, count: 1, totalMs: 1, byLength: [] },
      heap: { usedBytes: 150, limitBytes: 200 },
      log: { sequence: 77, writes: 1, bytes: 3 * 1_048_576 },
      handOvers: { given: 4, adopted: 5, declined: 6, timedOut: 7, superseded: 8, waiting: 9 },
      settling: 11,
      mesh: [
        meshLine(1, { framesOut: 1, bytesOut: 1_048_576 }),
        meshLine(2, { framesOut: 2, creditBytes: -2048, waiting: 3 }),
      ],
      refusals: { 'connect.refused.bad-signature': 2 },
    }),
    { shard: 1, state: 'stalled', restarts: 0, devicesOnline: 3 },
    { shard: 2, state: 'starting', restarts: 1, devicesOnline: 4 },
  ],
} as const

/** The cells of the row that begins with these, of the table that has the heading. */
function row(text: string, heading: string, shard: number): readonly string[] {
  const part = text.split('\n\n').find((one) => one.includes(heading))
  const line = part?.split('\n').find((one) => one.startsWith(`${shard} `))
  assert.ok(line !== undefined, `${heading} of shard ${shard}`)
  return line.split(/ {2,}/)
}

describe('the status for people', () => {
  it('has one line for each shard', () => {
    const text = statusText(SEVERAL)
    assert.deepEqual(row(text, 'CONNECTIONS', 0), [
      '0',
      '12',
      '10',
      '1000',
      '500',
      '1.3 ms',
      '2.0 ms',
      '12.3 ms',
      '75 %',
      '77',
      '3.0 MiB',
      'serving',
    ])
    assert.deepEqual(row(text, 'CONNECTIONS', 1), ['1', '3', 'stalled'])
    assert.deepEqual(row(text, 'CONNECTIONS', 2), ['2', '4', 'starting, replaced once'])
  })

  it('says of each silent shard what is the matter, in a line of its own', () => {
    const text = statusText(SEVERAL)
    assert.match(text, /^shard 1 does not answer: its event loop stands still; 3 devices/m)
    assert.match(text, /^shard 2 is being replaced by another thread; 4 devices/m)
    assert.doesNotMatch(statusText(STATUS), /stands still|replaced/)
  })

  it('lists refusals, hand-overs and the mesh; the last two where there are several shards', () => {
    const text = statusText(SEVERAL)
    assert.deepEqual(row(text, 'REFUSED', 0), ['0', 'connect.refused.bad-signature', '2'])
    assert.deepEqual(row(text, 'ADOPTED', 0), ['0', '4', '5', '6', '7', '8', '9', '11'])
    const mesh = ['0', '2', '3', '0', '0', '1.0 MiB', '3', '-2 KiB to shard 2']
    assert.deepEqual(row(text, 'LEAST CREDIT', 0), mesh)
    const single = statusText(STATUS)
    assert.match(single, /REFUSED/)
    assert.doesNotMatch(single, /ADOPTED|CREDIT/)
  })

  it('shows rates in the place of totals where there was a look before', () => {
    const before = { ...SEVERAL, shards: [servingShard({ messagesIn: 400, messagesOut: 500 })] }
    const text = statusText(SEVERAL, { before, seconds: 2 })
    const cells = row(text, 'CONNECTIONS', 0)
    assert.deepEqual([cells[3], cells[4], cells[10]], ['300', '0', '1536 KiB'])
    assert.match(text, /IN\/S +OUT\/S[^\n]*LOG\/S/)
  })
})
