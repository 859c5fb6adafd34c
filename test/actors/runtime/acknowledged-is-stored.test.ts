import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ShardTurn } from '../../../actors/runtime/shard-turn.ts'
import { MessageIdSource } from '../../../core/domain/message-id.ts'
import type { Durability } from '../../../core/domain/settings.ts'
import type { TurnWriter } from '../../../core/ports/turn.ts'
import { LogReader } from '../../../storage/log/log-reader.ts'
import { LogWriter } from '../../../storage/log/log-writer.ts'
import { MemoryFiles } from '../../storage/log/memory-files.ts'
import { entry, RecordedDiagnostics, textOf } from '../../storage/support.ts'
import { FakeClock } from '../../support/fake-clock.ts'

/** A publisher's socket: what was flushed has reached the client. */
class Socket implements TurnWriter {
  readonly acknowledged: string[] = []
  #gathered: string[] = []
  #held: string[] | undefined

  acknowledge(turn: ShardTurn, text: string): void {
    if (this.#gathered.length === 0) turn.writeLater(this)
    this.#gathered.push(text)
  }

  flush(): void {
    this.acknowledged.push(...(this.#held ?? this.#gathered))
    if (this.#held === undefined) this.#gathered = []
    this.#held = undefined
  }

  hold(): void {
    this.#held = this.#gathered
    this.#gathered = []
  }

  discard(): void {
    this.#gathered = []
    this.#held = undefined
  }
}

/** Publishes over many turns while syncs lag behind, cuts the power, and tells what was promised and kept. */
async function cutPowerUnderLoad(durability: Durability) {
  let powered = true
  const files = new MemoryFiles()
  const clock = new FakeClock()
  const options = { directory: '/log', log: 0, segmentBytes: 65_536, files }
  const log = LogWriter.open({
    ...options,
    incarnation: 1,
    durability,
    clock,
    ids: new MessageIdSource(0, clock),
    diagnostics: new RecordedDiagnostics(),
  })
  const turn = new ShardTurn({
    clock,
    log,
    counters: { add: () => {} },
    schedule: (end) =>
      void setImmediate(() => {
        if (powered) end()
      }),
    onFlushed: () => {},
  })
  const sockets = [new Socket(), new Socket(), new Socket()]
  files.holdSyncs = true
  for (let i = 0; i < 300; i++) {
    const text = `message ${i}`
    turn.enter()
    log.append(entry(text))
    sockets[i % 3]?.acknowledge(turn, text)
    if (i % 4 === 0) await nextTurn()
    if (i % 30 === 29) for (const done of files.held.splice(0)) done()
  }
  powered = false
  files.powerCut()
  const acknowledged = sockets.flatMap((socket) => socket.acknowledged)
  const reader = new LogReader(options)
  reader.seek(0)
  const kept = new Set([...reader.entries()].map(textOf))
  return { acknowledged, lost: acknowledged.filter((text) => !kept.has(text)) }
}

describe('what a socket was told, after a cut of power', () => {
  it('is all there at `flush`', async () => {
    const { acknowledged, lost } = await cutPowerUnderLoad('flush')
    assert.ok(acknowledged.length > 100, `only ${acknowledged.length} were acknowledged`)
    assert.deepEqual(lost, [])
  })

  it('is not all there at `commit`, which promises only to outlive the process', async () => {
    const { lost } = await cutPowerUnderLoad('commit')
    assert.ok(lost.length > 0)
  })
})
