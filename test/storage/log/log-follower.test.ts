import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import type { DeviceNumber } from '../../../core/domain/identifiers.ts'
import type { StoredEntry } from '../../../core/domain/log-entry.ts'
import { MessageIdSource } from '../../../core/domain/message-id.ts'
import { compareStamps } from '../../../core/domain/token.ts'
import { HIGH_WATER_BYTES } from '../../../storage/log/high-water.ts'
import { LogFollower } from '../../../storage/log/log-follower.ts'
import { LogWriter } from '../../../storage/log/log-writer.ts'
import {
  entry,
  FakeClock,
  RecordedDiagnostics,
  START,
  temporaryDirectory,
  textOf,
} from '../support.ts'

interface WrittenLog {
  readonly log: number
  readonly directory: string
  readonly highWater: SharedArrayBuffer
  readonly after: number
  readonly writer: LogWriter
}

function open(t: TestContext, log = 0): WrittenLog {
  const directory = temporaryDirectory(t)
  const highWater = new SharedArrayBuffer(HIGH_WATER_BYTES)
  const clock = new FakeClock()
  const writer = LogWriter.open({
    directory,
    log,
    incarnation: 1,
    durability: 'commit',
    segmentBytes: 2000,
    clock,
    ids: new MessageIdSource(log, clock),
    diagnostics: new RecordedDiagnostics(),
    highWater,
  })
  t.after(() => writer.close())
  return { log, directory, highWater, after: 0, writer }
}

function write({ writer }: WrittenLog, ...texts: readonly string[]): void {
  for (const text of texts) {
    writer.append(entry(text))
    assert.equal(writer.commit(START), 'stored')
  }
}

async function readAll(follower: LogFollower, count: number): Promise<StoredEntry[]> {
  const all: StoredEntry[] = []
  while (all.length < count) {
    const { value } = await follower.next()
    assert.ok(value !== undefined, 'it ended')
    all.push(...value.entries)
  }
  return all
}

describe('LogFollower', () => {
  it('hears what a writer in another thread appends, over many segments', async (t) => {
    const directory = temporaryDirectory(t)
    const highWater = new SharedArrayBuffer(HIGH_WATER_BYTES)
    const worker = new Worker(new URL('./writing-thread.js', import.meta.url), {
      workerData: { directory, highWater, turns: 400, entriesPerTurn: 5 },
    })
    t.after(() => worker.terminate())
    const follower = new LogFollower({ logs: [{ log: 0, directory, highWater, after: 0 }] })
    const keepAlive = setInterval(() => undefined, 1000) // a follower does not
    t.after(() => clearInterval(keepAlive))
    const sequences: number[] = []
    for await (const { entries, skipped } of follower) {
      assert.equal(skipped, 0)
      for (const { sequence } of entries) sequences.push(sequence)
      if (sequences.length >= 2000) break
    }
    assert.deepEqual(
      sequences,
      Array.from({ length: 2000 }, (_, i) => i + 1),
    )
  })

  it('ends a wait at once when it is returned', async (t) => {
    const follower = new LogFollower({ logs: [open(t)] })
    const pending = follower.next()
    await follower.return()
    assert.deepEqual(await pending, { done: true, value: undefined })
  })

  it('ends by its signal, and does not begin under an aborted one', async (t) => {
    const log = open(t)
    const controller = new AbortController()
    const { signal } = controller
    const follower = new LogFollower({ logs: [log], signal })
    write(log, 'one')
    assert.equal((await follower.next()).done, false)
    const pending = follower.next()
    controller.abort()
    assert.equal((await pending).done, true)
    const late = new LogFollower({ logs: [log], signal })
    assert.equal((await late.next()).done, true)
  })

  it('lets the process end while it waits', async (t) => {
    const directory = temporaryDirectory(t)
    const highWater = new SharedArrayBuffer(HIGH_WATER_BYTES)
    const worker = new Worker(new URL('./following-thread.js', import.meta.url), {
      workerData: { directory, highWater },
    })
    const code = await new Promise((resolve) => worker.once('exit', resolve))
    assert.equal(code, 0)
    assert.equal(Atomics.load(new Int32Array(highWater), 7), 1) // it did wait
  })

  it('wakes without waiting for its next look, whichever log is written', async (t) => {
    const logs = [open(t, 0), open(t, 1), open(t, 2)]
    const follower = new LogFollower({ logs })
    t.after(() => follower.return())
    let longest = 0
    for (let i = 1; i <= 20; i++) {
      const pending = follower.next()
      await new Promise((resolve) => setTimeout(resolve, 5))
      const started = performance.now()
      write(logs[i % 3] as WrittenLog, `m${i}`)
      const { value } = await pending
      assert.deepEqual(value?.entries.map(textOf), [`m${i}`])
      longest = Math.max(longest, performance.now() - started)
    }
    assert.ok(longest < 90, `${longest} ms`)
  })

  it('reads a log that nobody writes to its end, beside others', async (t) => {
    const [left, live] = [open(t, 3), open(t, 0)]
    write(left, 'a', 'b')
    await left.writer.close()
    write(live, 'c')
    const follower = new LogFollower({ logs: [live, { ...left, highWater: undefined }] })
    t.after(() => follower.return())
    assert.deepEqual((await readAll(follower, 3)).map(textOf).sort(), ['a', 'b', 'c'])
    const pending = follower.next()
    write(live, 'd')
    assert.deepEqual((await pending).value?.entries.map(textOf), ['d'])
  })

  it('sums up what retention has removed of all logs', async (t) => {
    const logs = [open(t, 0), open(t, 1)]
    for (const log of logs) {
      write(log, ...Array.from({ length: 100 }, (_, i) => `m${i}`))
      log.writer.retire(100, START + 1e12, { retentionHours: 1, retentionBytes: 0 })
    }
    const follower = new LogFollower({ logs })
    t.after(() => follower.return())
    const { value } = await follower.next()
    const first = (log: number): number =>
      value?.entries.find((one) => one.log === log)?.sequence ?? 0
    assert.ok(first(0) > 50)
    assert.equal(value?.skipped, first(0) + first(1) - 2)
  })

  it('lets the event loop turn while it reads a backlog', async (t) => {
    const log = open(t)
    write(log, ...Array.from({ length: 200 }, (_, i) => `m${i}`))
    const follower = new LogFollower({ logs: [log], chunkBytes: 512 })
    t.after(() => follower.return())
    let turns = 0
    const count = (): void => {
      turns += 1
      immediate = setImmediate(count)
    }
    let immediate = setImmediate(count)
    t.after(() => clearImmediate(immediate))
    await readAll(follower, 200)
    assert.ok(turns > 20, `${turns}`)
  })
})

/** Says, moves and reads, in the order in which they happen. */
type Step =
  | { readonly kind: 'say'; readonly device: number; readonly bytes: number }
  | { readonly kind: 'move'; readonly device: number; readonly to: number }
  | { readonly kind: 'read' }

const LOGS = 3
const device = fc.nat(4)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('say'), device, bytes: fc.nat(200) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('move'), device, to: fc.nat(LOGS - 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('read') }) },
)

describe('LogFollower over the logs of devices that move', () => {
  /** Runs the steps; `timeOf` gives each record's time. Returns what was read. */
  async function run(
    t: TestContext,
    steps: readonly Step[],
    timeOf: (tick: number) => number,
    chunkBytes: number | undefined,
  ): Promise<StoredEntry[]> {
    const logs = Array.from({ length: LOGS }, (_, log) => open(t, log))
    const follower = new LogFollower({ logs, ...(chunkBytes === undefined ? {} : { chunkBytes }) })
    const rows = Array.from({ length: 5 }, (_, number) => ({
      at: number % LOGS,
      epoch: 0,
      version: 0,
    }))
    const read: StoredEntry[] = []
    let written = 0
    for (const [tick, one] of steps.entries()) {
      if (one.kind === 'read') {
        if (read.length === written) continue
        const { value } = await follower.next()
        read.push(...(value?.entries ?? []))
        continue
      }
      const row = rows[one.device] as (typeof rows)[number]
      if (one.kind === 'move') {
        row.at = one.to
        row.epoch += 1
      }
      row.version += 1
      const { writer } = logs[row.at] as WrittenLog
      writer.append(
        entry('x'.repeat(one.kind === 'say' ? one.bytes : 0), {
          number: (one.device + 1) as DeviceNumber,
          token: { incarnation: 1, epoch: row.epoch },
          version: row.version,
        }),
      )
      assert.equal(writer.commit(timeOf(tick)), 'stored')
      written += 1
    }
    read.push(...(await readAll(follower, written - read.length)))
    await follower.return()
    for (const { writer } of logs) await writer.close()
    assert.equal(read.length, written)
    return read
  }

  function assertOrdered(read: readonly StoredEntry[]): void {
    const byDevice = new Map<number, StoredEntry>()
    const byLog = new Map<number, number>()
    for (const one of read) {
      const before = byDevice.get(one.number)
      if (before !== undefined) assert.ok(compareStamps(before, one) < 0, 'of one device')
      byDevice.set(one.number, one)
      assert.equal(one.sequence, (byLog.get(one.log) ?? 0) + 1, 'of one log')
      byLog.set(one.log, one.sequence)
    }
  }

  it('keeps the order of each device and log while it keeps up, whatever the clocks say', async (t) => {
    const anyTime = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 20 })
    const steps = fc.array(step, { maxLength: 120 })
    await fc.assert(
      fc.asyncProperty(steps, anyTime, async (script, times) => {
        const timeOf = (tick: number): number => START + (times[tick % times.length] as number)
        assertOrdered(await run(t, script, timeOf, undefined))
      }),
      { numRuns: 60 },
    )
  })

  it('keeps them in a backlog of many chunks, where the times of records tell them', async (t) => {
    const steps = fc.array(step, { minLength: 60, maxLength: 300 })
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        assertOrdered(await run(t, script, (tick) => START + tick, 300))
      }),
      { numRuns: 60 },
    )
  })
})
