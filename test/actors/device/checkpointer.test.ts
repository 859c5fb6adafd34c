import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Checkpointer } from '../../../actors/device/checkpointer.ts'
import type { DeviceActor } from '../../../actors/device/device-actor.ts'
import type {
  CheckpointPosition,
  CheckpointRow,
  CheckpointSink,
} from '../../../core/ports/checkpoint-sink.ts'
import { DeviceHouse } from '../../support/device-house.ts'
import { RecordedDiagnostics } from '../../support/recorded-diagnostics.ts'
import { RecordingLink } from '../../support/recording-link.ts'

/** A store that takes its time, and fails when it is told to. */
class SlowStore implements CheckpointSink {
  /** `3 rows` and `position 7`, in order of their commits. */
  readonly stored: string[] = []
  readonly rows: CheckpointRow[] = []
  underWay = 0
  failing = false
  hold: Promise<void> = Promise.resolve()

  async checkpoint(
    rows: readonly CheckpointRow[],
    at: CheckpointPosition | undefined,
  ): Promise<void> {
    this.underWay += 1
    assert.equal(this.underWay, 1, 'one batch at a time')
    await this.hold
    this.underWay -= 1
    if (this.failing) throw new Error('the disk is full')
    this.rows.push(...rows)
    this.stored.push(at === undefined ? `${rows.length} rows` : `position ${at.sequence}`)
  }
}

async function setUp(devices = 2) {
  const house = await DeviceHouse.open(devices)
  const store = new SlowStore()
  const diagnostics = new RecordedDiagnostics()
  const reached: number[] = []
  const clean: DeviceActor[] = []
  let sequence = 0
  const checkpointer = new Checkpointer({
    sink: store,
    log: 0,
    storedSequence: () => sequence,
    lasting: () => Promise.resolve(true),
    onCheckpoint: (at) => reached.push(at),
    onClean: (actor) => clean.push(actor),
    diagnostics,
  })
  const change = (name: string, to: number): void => {
    sequence = to
    RecordingLink.to(house, house.device(name))
    for (const actor of house.dirty.splice(0)) checkpointer.add(actor)
  }
  return { house, store, diagnostics, reached, clean, checkpointer, change }
}

describe('checkpointer', () => {
  it('stores rows first and the position after them, and nothing where nothing changed', async () => {
    const { store, reached, clean, checkpointer, change } = await setUp()
    await checkpointer.run()
    assert.deepEqual(store.stored, [])
    change('meter-1', 1)
    change('meter-2', 2)
    await checkpointer.run()
    await checkpointer.run()
    assert.deepEqual(store.stored, ['2 rows', 'position 2'])
    assert.deepEqual([reached, clean.length], [[2], 2])
    assert.equal(store.rows[0]?.state.online, true)
  })

  it('stores a row that changed often once, as it is then', async () => {
    const { store, checkpointer, change } = await setUp()
    for (let i = 1; i <= 5; i++) change('meter-1', i)
    await checkpointer.run()
    assert.equal(store.rows.length, 1)
    assert.equal(store.rows[0]?.state.version, 9, 'five online, four offline')
  })

  it('cuts what is to be stored into batches of 2,000 rows, one after the other', async () => {
    const house = await DeviceHouse.open(1)
    const { store, checkpointer } = await setUp()
    RecordingLink.to(house, house.device('meter-1'))
    const [actor] = house.dirty
    for (let i = 0; i < 4500; i++) checkpointer.add(actor as DeviceActor)
    await checkpointer.run()
    assert.deepEqual(store.stored, ['2000 rows', '2000 rows', '500 rows', 'position 0'])
  })

  it('tries again what could not be stored, and does not say it got there', async () => {
    const { store, diagnostics, reached, clean, checkpointer, change } = await setUp()
    change('meter-1', 1)
    store.failing = true
    await checkpointer.run()
    assert.deepEqual([reached, clean], [[], []])
    assert.match(diagnostics.lines[0] ?? '', /^warn a checkpoint failed.*disk is full/)
    change('meter-1', 2)
    store.failing = false
    await checkpointer.run()
    assert.deepEqual(store.stored, ['1 rows', 'position 2'])
    assert.deepEqual([reached, clean.length], [[2], 1])
  })

  it('joins a run that is under way, and stores in the next what changed meanwhile', async () => {
    const { store, reached, checkpointer, change } = await setUp()
    let release = (): void => {}
    store.hold = new Promise((resolve) => {
      release = resolve
    })
    change('meter-1', 1)
    const runs = [checkpointer.run(), checkpointer.run()]
    change('meter-1', 2)
    change('meter-2', 3)
    runs.push(checkpointer.run())
    release()
    await Promise.all(runs)
    assert.deepEqual(store.stored, ['1 rows', 'position 1'])
    await checkpointer.run()
    assert.deepEqual(store.stored.slice(2), ['2 rows', 'position 3'])
    assert.deepEqual(reached, [1, 3])
  })
})
