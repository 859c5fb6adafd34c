import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import { MessageIdSource } from '../../../core/domain/message-id.ts'
import { HIGH_WATER_BYTES } from '../../../storage/log/high-water.ts'
import { SYSTEM_FILES } from '../../../storage/log/log-files.ts'
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

  it('takes files that went away under it for retired ones', async (t) => {
    const { directory, highWater, log } = setup(t)
    write(log, 1, 1)
    rmSync(directory, { recursive: true })
    const reader = new LogReader({ directory, log: 0, highWater })
    assert.equal(reader.readBatch().entries.length, 0) // retired, as far as a reader can tell
  })
})
