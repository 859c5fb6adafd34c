import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { MessageIdSource } from '../../../core/domain/message-id.ts'
import { HIGH_WATER_BYTES } from '../../../storage/log/high-water.ts'
import { SYSTEM_FILES } from '../../../storage/log/log-files.ts'
import { LogFollower } from '../../../storage/log/log-follower.ts'
import { LogReader } from '../../../storage/log/log-reader.ts'
import { LogWriter } from '../../../storage/log/log-writer.ts'
import { listSegments } from '../../../storage/log/segment.ts'
import {
  entry,
  FakeClock,
  RecordedDiagnostics,
  START,
  temporaryDirectory,
  textOf,
} from '../support.ts'

interface Setup {
  readonly directory: string
  readonly highWater: SharedArrayBuffer
  readonly log: LogWriter
}

function setup(t: TestContext, segmentBytes = 2000): Setup {
  const directory = temporaryDirectory(t)
  const highWater = new SharedArrayBuffer(HIGH_WATER_BYTES)
  const clock = new FakeClock()
  const log = LogWriter.open({
    directory,
    log: 0,
    incarnation: 1,
    durability: 'commit',
    segmentBytes,
    clock,
    ids: new MessageIdSource(0, clock),
    diagnostics: new RecordedDiagnostics(),
    highWater,
  })
  t.after(() => log.close())
  return { directory, highWater, log }
}

function write(log: LogWriter, from: number, to: number): void {
  for (let i = from; i <= to; i++) {
    log.append(entry(`m${i}`))
    assert.equal(log.commit(START), 'stored')
  }
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

describe('LogReader', () => {
  it('reads many segments from any sequence on, in bounded batches', (t) => {
    const { directory, log } = setup(t)
    write(log, 1, 500)
    assert.ok(listSegments(SYSTEM_FILES, directory).length > 20)
    const reader = new LogReader({ directory, log: 0, chunkBytes: 512 })
    t.after(() => reader.close())
    for (const after of [0, 1, 17, 250, 499, 500]) {
      reader.seek(after)
      const sequences: number[] = []
      for (;;) {
        const { entries, skipped } = reader.readBatch()
        assert.equal(skipped, 0)
        assert.ok(entries.length <= 6) // of some 120 bytes each
        if (entries.length === 0) break
        sequences.push(...entries.map(({ sequence }) => sequence))
      }
      assert.deepEqual(sequences, numbers(after + 1, 500))
    }
  })

  it('reads a record larger than its chunk', (t) => {
    const { directory, log } = setup(t)
    const big = 'x'.repeat(100_000)
    for (let i = 0; i < 3; i++) log.append(entry(big))
    log.commit(START)
    const reader = new LogReader({ directory, log: 0, chunkBytes: 512 })
    t.after(() => reader.close())
    assert.deepEqual([...reader.entries()].map(textOf), [big, big, big])
  })

  it('sees no further than the mark, and nothing before the writer has opened', (t) => {
    const { directory, highWater, log } = setup(t)
    write(log, 1, 3)
    const early = new LogReader({
      directory,
      log: 0,
      highWater: new SharedArrayBuffer(HIGH_WATER_BYTES),
    })
    assert.equal(early.readBatch().entries.length, 0)
    const reader = new LogReader({ directory, log: 0, highWater })
    t.after(() => reader.close())
    assert.equal(reader.readBatch().entries.length, 3)
    assert.equal(reader.readBatch().entries.length, 0)
    write(log, 4, 60)
    assert.deepEqual(
      reader.readBatch().entries.map(({ sequence }) => sequence),
      numbers(4, 60),
    )
  })

  it('goes on with the oldest entry where its own was retired, and reports the gap', (t) => {
    const { directory, highWater, log } = setup(t)
    write(log, 1, 100)
    log.retire(100, START + 1e12, { retentionHours: 1, retentionBytes: 0 })
    const oldest = listSegments(SYSTEM_FILES, directory)[0]?.first ?? 0
    assert.ok(oldest > 50)
    const reader = new LogReader({ directory, log: 0, highWater })
    t.after(() => reader.close())
    reader.seek(10)
    const { entries, skipped } = reader.readBatch()
    assert.equal(skipped, oldest - 11)
    assert.equal(entries[0]?.sequence, oldest)
  })

  it('reports a gap that opens while it reads', (t) => {
    const { directory, highWater, log } = setup(t)
    write(log, 1, 10)
    const reader = new LogReader({ directory, log: 0, highWater })
    t.after(() => reader.close())
    assert.equal(reader.readBatch().entries.length, 10)
    write(log, 11, 100)
    log.retire(100, START + 1e12, { retentionHours: 1, retentionBytes: 0 })
    const first = reader.readBatch() // the open file still has the rest of its segment
    const last = first.entries.at(-1)?.sequence ?? 0
    const { entries, skipped } = reader.readBatch()
    assert.equal((entries[0]?.sequence ?? 0) - last - 1, skipped)
    assert.ok(skipped > 0)
    assert.equal(entries.at(-1)?.sequence, 100)
  })
})

describe('LogFollower', () => {
  it('hears what a writer in another thread appends, over many segments', async (t) => {
    const directory = temporaryDirectory(t)
    const highWater = new SharedArrayBuffer(HIGH_WATER_BYTES)
    const worker = new Worker(new URL('./writing-thread.js', import.meta.url), {
      workerData: { directory, highWater, turns: 400, entriesPerTurn: 5 },
    })
    t.after(() => worker.terminate())
    const follower = new LogFollower({ directory, log: 0, highWater, after: 0 })
    const keepAlive = setInterval(() => undefined, 1000) // a follower does not
    t.after(() => clearInterval(keepAlive))
    const sequences: number[] = []
    for await (const { entries, skipped } of follower) {
      assert.equal(skipped, 0)
      for (const { sequence } of entries) sequences.push(sequence)
      if (sequences.length >= 2000) break
    }
    assert.deepEqual(sequences, numbers(1, 2000))
  })

  it('ends a wait at once when it is returned', async (t) => {
    const { directory, highWater } = setup(t)
    const follower = new LogFollower({ directory, log: 0, highWater, after: 0 })
    const pending = follower.next()
    await follower.return()
    assert.deepEqual(await pending, { done: true, value: undefined })
  })

  it('ends by its signal, and does not begin under an aborted one', async (t) => {
    const { directory, highWater, log } = setup(t)
    const controller = new AbortController()
    const { signal } = controller
    const follower = new LogFollower({ directory, log: 0, highWater, after: 0, signal })
    write(log, 1, 1)
    assert.equal((await follower.next()).done, false)
    const pending = follower.next()
    controller.abort()
    assert.equal((await pending).done, true)
    const late = new LogFollower({ directory, log: 0, highWater, after: 0, signal })
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

  it('wakes without waiting for its next look', async (t) => {
    const { directory, highWater, log } = setup(t)
    const follower = new LogFollower({ directory, log: 0, highWater, after: 0 })
    t.after(() => follower.return())
    let longest = 0
    for (let i = 1; i <= 20; i++) {
      const pending = follower.next()
      await new Promise((resolve) => setTimeout(resolve, 5))
      const started = performance.now()
      write(log, i, i)
      await pending
      longest = Math.max(longest, performance.now() - started)
    }
    assert.ok(longest < 90, `${longest} ms`)
  })

  it('says when the files went away under it', async (t) => {
    const { directory, highWater, log } = setup(t)
    write(log, 1, 1)
    rmSync(directory, { recursive: true })
    const reader = new LogReader({ directory, log: 0, highWater })
    assert.equal(reader.readBatch().entries.length, 0) // retired, as far as a reader can tell
  })
})
