import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MessageIdSource } from '../../../core/domain/message-id.ts'
import { LogWriter } from '../../../storage/log/log-writer.ts'
import { retireOrphan } from '../../../storage/log/retention.ts'
import { entry, FakeClock, RecordedDiagnostics, START } from '../support.ts'
import { MemoryFiles } from './memory-files.ts'

const DAY_MS = 24 * 3_600_000
const KEEP = { retentionHours: 24, retentionBytes: 1e12 }

/** A log of ten segments with an entry each, that nobody writes any more. */
function orphan(): MemoryFiles {
  const files = new MemoryFiles()
  const clock = new FakeClock()
  const log = LogWriter.open({
    directory: '/data/log/3',
    log: 3,
    incarnation: 1,
    durability: 'commit',
    segmentBytes: 150,
    clock,
    ids: new MessageIdSource(3, clock),
    diagnostics: new RecordedDiagnostics(),
    files,
  })
  files.time = START
  for (let i = 1; i <= 10; i++) {
    log.append(entry(`message ${i}`))
    log.commit(START)
  }
  assert.equal(files.paths().length, 10)
  return files
}

describe('retireOrphan', () => {
  it('removes what is too old, the last segment too', () => {
    const files = orphan()
    const all = { log: 3, checkpointed: 10 }
    assert.equal(retireOrphan(files, '/data/log', all, START + DAY_MS, KEEP), 0)
    assert.equal(retireOrphan(files, '/data/log', all, START + DAY_MS + 1, KEEP), 10)
    assert.deepEqual(files.paths(), [])
  })

  it('keeps what no row has yet', () => {
    const files = orphan()
    const some = { log: 3, checkpointed: 4 }
    assert.equal(retireOrphan(files, '/data/log', some, START + 2 * DAY_MS, KEEP), 4)
    assert.equal(files.paths().length, 6)
  })

  it('keeps no more than its size', () => {
    const files = orphan()
    const size = files.content(files.paths()[0] as string).length
    const bounds = { retentionHours: 24, retentionBytes: 3 * size + 10 }
    assert.equal(retireOrphan(files, '/data/log', { log: 3, checkpointed: 10 }, START, bounds), 7)
  })

  it('does nothing where there is no such log', () => {
    const none = { log: 3, checkpointed: 0 }
    assert.equal(retireOrphan(new MemoryFiles(), '/data/log', none, START, KEEP), 0)
  })
})
