import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { StatusReport } from '../../../core/domain/status.ts'
import { LiveLine } from '../../../protocol/cli/serve-live-line.ts'
import { statusReport } from './serve-house.ts'

const ERASE = '\r\u001B[2K'

interface House {
  readonly line: LiveLine
  readonly written: string[]
  now: number
  status: () => Promise<StatusReport>
}

function house(t: TestContext): House {
  const written: string[] = []
  const made: House = {
    line: new LiveLine({
      status: () => made.status(),
      write: (text) => written.push(text),
      now: () => made.now,
    }),
    written,
    now: 0,
    status: () => Promise.resolve(statusReport({})),
  }
  made.line.start()
  t.after(() => made.line.stop())
  return made
}

describe('LiveLine', () => {
  it('shows devices, messages per second since it looked last, and lag, in one place', async (t) => {
    const made = house(t)
    await made.line.tick()
    made.now = 2000
    const figures = { online: 1234, messagesIn: 10_000, messagesOut: 50, lagMs: 1.26 }
    made.status = () => Promise.resolve(statusReport(figures))
    await made.line.tick()
    assert.deepEqual(made.written, [
      `${ERASE}0 of 2,000 devices online  0 msg/s in, 0 out  lag 0.0 ms`,
      `${ERASE}1,234 of 2,000 devices online  5,000 msg/s in, 25 out  lag 1.3 ms`,
    ])
  })

  it('says that shards are silent, in the place of the lag of the others', async (t) => {
    const made = house(t)
    const report = statusReport({ online: 5 })
    const silent = { shard: 1, state: 'stalled', restarts: 0, devicesOnline: 3 } as const
    made.status = () => Promise.resolve({ ...report, shards: [...report.shards, silent] })
    await made.line.tick()
    assert.match(made.written[0] ?? '', /0 msg\/s in, 0 out {2}1 of 2 shards silent$/)
  })

  it('gives way, and only where it stands', async (t) => {
    const made = house(t)
    made.line.clear()
    assert.deepEqual(made.written, [])
    await made.line.tick()
    made.line.clear()
    made.line.clear()
    assert.deepEqual(made.written.slice(1), [ERASE])
  })

  it('asks for one status at a time, and shows none that comes after the end', async (t) => {
    const made = house(t)
    let asked = 0
    let answer: (report: StatusReport) => void = () => {}
    made.status = () => {
      asked += 1
      return new Promise((resolve) => (answer = resolve))
    }
    const first = made.line.tick()
    await made.line.tick()
    assert.equal(asked, 1)
    made.line.stop()
    answer(statusReport({}))
    await first
    assert.deepEqual(made.written, [])
  })

  it('goes away where no status comes, and returns with the next', async (t) => {
    const made = house(t)
    await made.line.tick()
    made.status = () => Promise.reject(new Error('busy'))
    await made.line.tick()
    assert.equal(made.written.at(-1), ERASE)
    made.status = () => Promise.resolve(statusReport({}))
    await made.line.tick()
    assert.match(made.written.at(-1) ?? '', /devices online/)
  })
})
