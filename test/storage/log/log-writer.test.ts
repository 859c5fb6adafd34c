import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StoredEntry } from '../../../core/domain/log-entry.ts'
import { MessageIdSource } from '../../../core/domain/message-id.ts'
import { HIGH_WATER_BYTES, HighWater } from '../../../storage/log/high-water.ts'
import { LogReader } from '../../../storage/log/log-reader.ts'
import { LogWriter, type LogWriterOptions } from '../../../storage/log/log-writer.ts'
import { SEGMENT_HEADER_BYTES } from '../../../storage/log/segment.ts'
import { entry, FakeClock, RecordedDiagnostics, START, textOf } from '../support.ts'
import { MemoryFiles } from './memory-files.ts'

const DIRECTORY = '/data/log/4'
const FIRST = `${DIRECTORY}/00000000000000000001.log`

function writer(
  t: TestContext,
  files: MemoryFiles,
  options: Partial<LogWriterOptions> = {},
): LogWriter {
  const clock = new FakeClock()
  const opened = LogWriter.open({
    directory: DIRECTORY,
    log: 4,
    incarnation: 2,
    durability: 'commit',
    segmentBytes: 1_048_576,
    clock,
    ids: new MessageIdSource(4, clock),
    diagnostics: new RecordedDiagnostics(),
    files,
    ...options,
  })
  t.after(() => opened.close().catch(() => undefined)) // a cut disk refuses
  return opened
}

function stored(files: MemoryFiles): StoredEntry[] {
  const reader = new LogReader({ directory: DIRECTORY, log: 4, files })
  try {
    return [...reader.entries()]
  } finally {
    reader.close()
  }
}

function turn(log: LogWriter, ...texts: string[]): ReturnType<LogWriter['commit']> {
  for (const text of texts) log.append(entry(text))
  return log.commit(START)
}

function synced(log: LogWriter): Promise<boolean> {
  return new Promise((resolve) => log.sync(resolve))
}

describe('LogWriter', () => {
  it('counts what it has written, and nothing of what the disk refused', (t) => {
    const files = new MemoryFiles()
    const log = writer(t, files)
    assert.deepEqual(log.written, { writes: 0, bytes: 0 })
    turn(log, 'a', 'b')
    turn(log)
    turn(log, 'c')
    const { writes, bytes } = log.written
    assert.equal(writes, 2)
    assert.equal(bytes, files.stat(FIRST).bytes - SEGMENT_HEADER_BYTES)
    files.space = 0
    assert.equal(turn(log, 'd'), 'failed')
    assert.deepEqual(log.written, { writes, bytes })
  })

  it('stores every field of an entry, under rising sequences and message ids', (t) => {
    const files = new MemoryFiles()
    const log = writer(t, files)
    const full = entry('payload', {
      class: 2,
      number: 4_000_000_000 as never,
      token: { incarnation: 7, epoch: 4_294_967_295 },
      version: Number.MAX_SAFE_INTEGER,
      qos: 0,
      targets: [1, 4_294_967_295],
      topic: '/k1abcdefghi/Zähler-1/user/up',
    })
    assert.equal(log.append(full), 1)
    assert.equal(log.append(entry('')), 2)
    assert.equal(log.commit(START + 0.5), 'stored')
    const [first, second] = stored(files)
    assert.deepEqual(first, {
      ...full,
      payload: Uint8Array.from(full.payload),
      log: 4,
      sequence: 1,
      storedAt: START + 0.5,
      messageId: first?.messageId,
    })
    assert.equal(second?.payload.byteLength, 0)
    assert.ok(BigInt(second.messageId) > BigInt(first.messageId))
  })

  it('makes one write of a turn, however many entries it has', (t) => {
    const files = new MemoryFiles()
    const log = writer(t, files)
    turn(log, 'first') // makes the segment
    const before = files.writes
    for (let i = 0; i < 5000; i++) log.append(entry(`message ${i}`))
    assert.equal(log.commit(START), 'stored')
    assert.equal(files.writes - before, 1)
    assert.equal(stored(files).length, 5001)
  })

  it('says that nothing was appended', (t) => {
    assert.equal(writer(t, new MemoryFiles()).commit(START), 'empty')
  })

  it('loses nothing that flush has acknowledged when the power is cut', async (t) => {
    const files = new MemoryFiles()
    const log = writer(t, files, { durability: 'flush' })
    assert.equal(turn(log, 'a', 'b'), 'unsynced')
    assert.equal(await synced(log), true)
    turn(log, 'never acknowledged')
    files.powerCut()
    assert.deepEqual(stored(files).map(textOf), ['a', 'b'])
  })

  it('keeps that promise over many segments', async (t) => {
    const files = new MemoryFiles()
    const log = writer(t, files, { durability: 'flush', segmentBytes: 300 })
    let acknowledged = 0
    for (let i = 1; i <= 20; i++) {
      turn(log, `m${i}`)
      if (i % 3 === 0 && (await synced(log))) acknowledged = i
    }
    assert.equal(acknowledged, 18)
    files.powerCut()
    const survivors = stored(files).map(textOf)
    assert.deepEqual(
      survivors.slice(0, 18),
      range(1, 18).map((i) => `m${i}`),
    )
  })

  it('promises less at commit: the same cut of power takes what was not synced', (t) => {
    const files = new MemoryFiles()
    assert.equal(turn(writer(t, files), 'a', 'b'), 'stored')
    assert.equal(stored(files).length, 2) // a killed process would keep them
    files.powerCut()
    assert.equal(stored(files).length, 0)
  })

  it('answers syncs in order, one at a time, the waiting ones together', async (t) => {
    const files = new MemoryFiles()
    files.holdSyncs = true
    const log = writer(t, files, { durability: 'flush' })
    const order: number[] = []
    for (const i of [1, 2, 3]) {
      turn(log, `m${i}`)
      log.sync(() => order.push(i))
    }
    assert.equal(files.held.length, 1)
    files.held.shift()?.()
    assert.deepEqual(order, [1])
    assert.equal(files.held.length, 1)
    files.held.shift()?.()
    assert.deepEqual(order, [1, 2, 3])
    files.holdSyncs = false
    await log.close()
    assert.equal(files.openFiles, 0)
  })

  it('refuses every turn that a failed sync may have lost, and goes on in a new segment', async (t) => {
    const files = new MemoryFiles()
    const log = writer(t, files, { durability: 'flush' })
    turn(log, 'kept')
    assert.equal(await synced(log), true)
    files.holdSyncs = true
    turn(log, 'covered')
    const covered = synced(log)
    turn(log, 'written while the sync was under way')
    files.syncFails = true
    files.held.shift()?.()
    assert.equal(await covered, false)
    files.syncFails = false
    files.holdSyncs = false
    assert.equal(await synced(log), false)
    assert.equal(turn(log, 'after'), 'unsynced')
    assert.equal(await synced(log), true)
    files.powerCut()
    assert.deepEqual(stored(files).map(textOf), ['kept', 'after'])
    assert.equal(files.paths().length, 2)
  })

  it('cuts a partial write off, fails the turn, and stores the next one', (t) => {
    const files = new MemoryFiles()
    const diagnostics = new RecordedDiagnostics()
    const log = writer(t, files, { diagnostics })
    turn(log, 'before')
    const size = files.content(FIRST).length
    files.space = 50
    assert.equal(turn(log, 'lost', 'lost too'), 'failed')
    assert.equal(files.content(FIRST).length, size)
    assert.equal(turn(log, 'lost again'), 'failed')
    files.space = Number.POSITIVE_INFINITY
    assert.equal(turn(log, 'after'), 'stored')
    const entries = stored(files)
    assert.deepEqual(entries.map(textOf), ['before', 'after'])
    assert.deepEqual(
      entries.map(({ sequence }) => sequence),
      [1, 5],
    ) // numbers are not given twice
    assert.deepEqual(diagnostics.lines, ['message log: cannot write', 'message log: written again'])
  })

  it('writes nothing behind a torn record that could not be cut off', (t) => {
    const files = new MemoryFiles()
    const log = writer(t, files)
    turn(log, 'before')
    files.space = 50
    files.truncateFails = true
    assert.equal(turn(log, 'lost'), 'failed')
    files.space = Number.POSITIVE_INFINITY
    assert.equal(turn(log, 'lost: the file is still torn'), 'failed')
    files.truncateFails = false
    assert.equal(turn(log, 'after'), 'stored')
    assert.deepEqual(stored(files).map(textOf), ['before', 'after'])
  })

  it('fails a turn whose segment cannot be begun, and leaves no file', (t) => {
    const files = new MemoryFiles()
    const log = writer(t, files)
    files.space = 10
    assert.equal(turn(log, 'lost'), 'failed')
    assert.deepEqual(files.paths(), [])
    files.space = Number.POSITIVE_INFINITY
    assert.equal(turn(log, 'after'), 'stored')
    assert.deepEqual(stored(files).map(textOf), ['after'])
  })

  it('stores a turn beyond its buffer in several records, none above the bound', (t) => {
    const files = new MemoryFiles()
    const log = writer(t, files, { segmentBytes: 64 * 1_048_576 })
    const big = 'x'.repeat(1_000_000)
    for (let i = 0; i < 20; i++) log.append(entry(big))
    assert.equal(log.commit(START), 'stored')
    const entries = stored(files)
    assert.equal(entries.length, 20)
    assert.ok(entries.every(({ payload }) => payload.byteLength === big.length))
    assert.deepEqual(
      entries.map(({ sequence }) => sequence),
      [...Array(20).keys()].map((i) => i + 1),
    )
  })

  it('fails the whole turn where an early record was refused', (t) => {
    const files = new MemoryFiles()
    const log = writer(t, files, { segmentBytes: 64 * 1_048_576 })
    files.space = 1000
    const big = 'x'.repeat(1_000_000)
    for (let i = 0; i < 20; i++) log.append(entry(big))
    files.space = Number.POSITIVE_INFINITY
    assert.equal(log.commit(START), 'failed')
    assert.equal(turn(log, 'after'), 'stored')
    assert.deepEqual(stored(files).map(textOf), ['after'])
  })

  it('refuses what its fields cannot say, and spends no sequence on it', (t) => {
    const log = writer(t, new MemoryFiles())
    const tooLong = entry('', { payload: new Uint8Array(8_388_608) })
    assert.throws(() => log.append(tooLong), { code: 'payload.too-large' })
    assert.throws(() => log.append(entry('', { topic: 'ä'.repeat(40_000) })), {
      code: 'topic.invalid',
    })
    assert.equal(log.append(entry('fine', { topic: 'ä'.repeat(30_000) })), 1)
  })

  it('rotates at the size it was given', (t) => {
    const files = new MemoryFiles()
    const log = writer(t, files, { segmentBytes: 400 })
    for (let i = 0; i < 10; i++) turn(log, `message ${i}`)
    assert.ok(files.paths().length > 2)
    for (const path of files.paths()) assert.ok(files.content(path).length <= 400)
    assert.deepEqual(
      stored(files).map(({ sequence }) => sequence),
      range(1, 10).map(Number),
    )
  })

  describe('after a crash', () => {
    it('cuts a torn tail, says how much, and goes on behind it', async (t) => {
      const files = new MemoryFiles()
      const before = writer(t, files)
      turn(before, 'one')
      turn(before, 'two')
      const whole = files.content(FIRST).length
      turn(before, 'three')
      const all = Buffer.from(files.content(FIRST))
      for (let size = whole + 1; size < all.length; size += 7) {
        const torn = new MemoryFiles()
        torn.write(torn.create(FIRST), all, 0, size, 0)
        assert.deepEqual(stored(torn).map(textOf), ['one', 'two'])
        const diagnostics = new RecordedDiagnostics()
        const after = writer(t, torn, { diagnostics })
        assert.equal(after.found.cutBytes, size - whole)
        assert.deepEqual(diagnostics.lines, ['message log: cut a torn record'])
        assert.equal(after.nextSequence, 3)
        turn(after, 'four')
        assert.deepEqual(stored(torn).map(textOf), ['one', 'two', 'four'])
        await after.close()
      }
    })

    it('takes zeroes at the end for a tail that was never written', (t) => {
      const files = new MemoryFiles()
      turn(writer(t, files), 'one')
      const size = files.content(FIRST).length
      files.write(files.open(FIRST), Buffer.alloc(5000), 0, 5000, size)
      assert.deepEqual(stored(files).map(textOf), ['one'])
      assert.equal(writer(t, files).found.cutBytes, 5000)
    })

    it('cuts nothing away that has sound records behind it', (t) => {
      const files = new MemoryFiles()
      const log = writer(t, files)
      turn(log, 'one')
      const offset = files.content(FIRST).length
      turn(log, 'two')
      turn(log, 'three')
      const bytes = files.content(FIRST)
      bytes[offset + 60] = (bytes[offset + 60] as number) ^ 1
      const details = { file: FIRST, offset }
      assert.throws(() => stored(files), { code: 'data.unreadable', details })
      assert.throws(() => writer(t, files), { code: 'data.unreadable', details })
    })

    it('removes a segment that got no further than part of its header', (t) => {
      const files = new MemoryFiles()
      turn(writer(t, files), 'one')
      const half = `${DIRECTORY}/00000000000000000002.log`
      files.write(files.create(half), Buffer.from('TIDE'), 0, 4, 0)
      const log = writer(t, files)
      assert.deepEqual(files.paths(), [FIRST])
      turn(log, 'two')
      assert.deepEqual(stored(files).map(textOf), ['one', 'two'])
    })

    it('gives ids above the last one logged, though the clock was set back', (t) => {
      const files = new MemoryFiles()
      turn(writer(t, files), 'one')
      const clock = new FakeClock()
      clock.time -= 1_000_000
      turn(writer(t, files, { clock, ids: new MessageIdSource(4, clock) }), 'two')
      const [one, two] = stored(files)
      assert.ok(BigInt(two?.messageId ?? 0) > BigInt(one?.messageId ?? 0))
    })

    it('gives no sequence that a checkpoint already covers', (t) => {
      const files = new MemoryFiles()
      turn(writer(t, files), 'one')
      const log = writer(t, files, { firstSequence: 41 })
      assert.equal(log.append(entry('two')), 41)
    })

    it('names a later format instead of guessing', (t) => {
      const files = new MemoryFiles()
      turn(writer(t, files), 'one')
      files.content(FIRST).writeUInt16LE(9, 8)
      assert.throws(() => stored(files), { code: 'data.newer' })
    })

    it('does not read the segment of another log', (t) => {
      const files = new MemoryFiles()
      turn(writer(t, files), 'one')
      const reader = new LogReader({ directory: DIRECTORY, log: 5, files })
      assert.throws(() => reader.readBatch(), { code: 'data.unreadable' })
    })
  })

  describe('relaxed', () => {
    it('keeps turns in memory and writes them within 200 ms, in one go', async (t) => {
      const files = new MemoryFiles()
      const log = writer(t, files, { durability: 'relaxed' })
      for (let i = 0; i < 10; i++) assert.equal(turn(log, `m${i}`), 'stored')
      assert.equal(files.writes, 0)
      log.append(entry('of a turn that is still open'))
      await sleep(300)
      assert.equal(files.writes, 2) // header, records
      assert.deepEqual(
        stored(files).map(textOf),
        range(0, 9).map((i) => `m${i}`),
      )
      assert.equal(log.commit(START), 'stored')
      await log.close()
      const entries = stored(files)
      assert.deepEqual(
        entries.map(({ sequence }) => sequence),
        range(1, 11).map(Number),
      )
      assert.equal(textOf(entries[10] as StoredEntry), 'of a turn that is still open')
    })

    it('survives a clean shutdown, and tries again what the disk refused', async (t) => {
      const files = new MemoryFiles()
      const log = writer(t, files, { durability: 'relaxed' })
      files.space = 0
      turn(log, 'a')
      await sleep(250)
      turn(log, 'b')
      files.space = Number.POSITIVE_INFINITY
      await log.close()
      assert.deepEqual(stored(files).map(textOf), ['a', 'b'])
    })

    it('refuses turns once its memory is full, and keeps what it has acknowledged', async (t) => {
      const files = new MemoryFiles()
      const log = writer(t, files, { durability: 'relaxed', segmentBytes: 64 * 1_048_576 })
      files.space = 0
      const big = 'x'.repeat(1_000_000)
      const outcomes = range(0, 11).map(() => turn(log, big))
      const acknowledged = outcomes.filter((outcome) => outcome === 'stored').length
      assert.ok(acknowledged >= 7 && acknowledged < 12)
      assert.equal(outcomes.at(-1), 'failed')
      files.space = Number.POSITIVE_INFINITY
      assert.equal(turn(log, 'small'), 'stored')
      await log.close()
      assert.equal(stored(files).length, acknowledged + 1)
    })

    it('says at close that it could not keep its word', async (t) => {
      const files = new MemoryFiles()
      const log = writer(t, files, { durability: 'relaxed' })
      turn(log, 'a')
      files.space = 0
      await assert.rejects(log.close(), { code: 'log.full' })
    })
  })

  describe('retire', () => {
    const keepAll = { retentionHours: 24, retentionBytes: 1e12 }

    function tenSegments(t: TestContext): { files: MemoryFiles; log: LogWriter } {
      const files = new MemoryFiles()
      const log = writer(t, files, { segmentBytes: 150 })
      for (let i = 1; i <= 10; i++) turn(log, `message ${i}`)
      assert.equal(files.paths().length, 10)
      return { files, log }
    }

    it('keeps young segments, and removes checkpointed old ones', (t) => {
      const { files, log } = tenSegments(t)
      const day = 24 * 3_600_000
      assert.equal(log.retire(10, START + day, keepAll), 0)
      assert.equal(log.retire(4, START + day + 1, keepAll), 4)
      assert.deepEqual(
        stored(files).map(({ sequence }) => sequence),
        [5, 6, 7, 8, 9, 10],
      )
    })

    it('never removes what no checkpoint covers, nor the segment in use', (t) => {
      const { log } = tenSegments(t)
      assert.equal(log.retire(0, START + 1e12, keepAll), 0)
      assert.equal(log.retire(99, START + 1e12, keepAll), 9)
      assert.equal(turn(log, 'more'), 'stored')
    })

    it('removes young segments beyond its size', (t) => {
      const { files, log } = tenSegments(t)
      const size = files.content(FIRST).length
      assert.equal(log.retire(10, START, { retentionHours: 24, retentionBytes: 3 * size + 10 }), 7)
    })

    it('knows the segments of earlier runs', (t) => {
      const { files } = tenSegments(t)
      files.time = START
      const log = writer(t, files)
      assert.equal(log.retire(5, START + 1e12, keepAll), 5)
    })
  })

  it('publishes how far it is, after each write', (t) => {
    const highWater = new SharedArrayBuffer(HIGH_WATER_BYTES)
    const files = new MemoryFiles()
    const log = writer(t, files, { highWater, segmentBytes: 400 })
    const mark = new HighWater(highWater)
    assert.equal(mark.read().sequence, 0)
    for (let i = 1; i <= 10; i++) {
      turn(log, `message ${i}`)
      const { segment, offset, sequence } = mark.read()
      const path = files.paths().at(-1) as string
      assert.equal(sequence, i)
      assert.equal(Number(path.slice(-24, -4)), segment)
      assert.equal(files.content(path).length, offset)
    }
  })
})

function range(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => String(from + i))
}
