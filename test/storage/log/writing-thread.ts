/** A shard in small: appends turns to a log, some at once and some apart. */
import { workerData } from 'node:worker_threads'
import { MessageIdSource } from '../../../core/domain/message-id.ts'
import { LogWriter } from '../../../storage/log/log-writer.ts'
import { entry, FakeClock, RecordedDiagnostics, START } from '../support.ts'

const { directory, highWater, turns, entriesPerTurn } = workerData as {
  directory: string
  highWater: SharedArrayBuffer
  turns: number
  entriesPerTurn: number
}
const clock = new FakeClock()
const log = LogWriter.open({
  directory,
  log: 0,
  incarnation: 1,
  durability: 'commit',
  segmentBytes: 5000,
  clock,
  ids: new MessageIdSource(0, clock),
  diagnostics: new RecordedDiagnostics(),
  highWater,
})
for (let turn = 1; turn <= turns; turn++) {
  for (let i = 0; i < entriesPerTurn; i++) log.append(entry(`turn ${turn}, entry ${i}`))
  if (log.commit(START) !== 'stored') throw new Error('not stored')
  if (turn % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
}
await log.close()
