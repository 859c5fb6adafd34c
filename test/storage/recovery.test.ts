import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import {
  BLANK_STATE,
  type DeviceState,
  replayChange,
  type StateChange,
} from '../../core/domain/device-state.ts'
import type { DeviceNumber, ProductKey } from '../../core/domain/identifiers.ts'
import { ENTRY_CLASS, type LogEntry } from '../../core/domain/log-entry.ts'
import { MessageIdSource } from '../../core/domain/message-id.ts'
import { compareStamps } from '../../core/domain/token.ts'
import { CheckpointStore } from '../../storage/checkpoint-store.ts'
import type { Environment } from '../../storage/environment.ts'
import { LogWriter } from '../../storage/log/log-writer.ts'
import { type Recovery, recover } from '../../storage/recovery.ts'
import { RegistryStore } from '../../storage/registry-store.ts'
import { RegistryTransactions } from '../../storage/registry-transactions.ts'
import { MemoryFiles } from './log/memory-files.ts'
import {
  entry,
  FakeClock,
  RecordedDiagnostics,
  START,
  secretBox,
  writableEnvironment,
} from './support.ts'

const DEVICES = 5
const LOGS = '/data/log'

interface Change {
  readonly number: DeviceNumber
  readonly log: number
  readonly entry: LogEntry
}

async function registered(t: TestContext): Promise<Environment> {
  const environment = writableEnvironment(t)
  const writer = new RegistryTransactions(environment, secretBox(), 1000)
  const productKey = 'k1pumpaaaaa' as ProductKey
  await writer.createProduct({ productKey, name: 'Pumps', validation: 'weak', createdAt: START })
  for (let i = 1; i <= DEVICES; i++) {
    await writer.createDevice({
      productKey,
      deviceName: `pump-${i}`,
      iotId: `iot-${i}`,
      deviceSecret: '0123456789abcdef',
      createdAt: START,
    })
  }
  return environment
}

function open(files: MemoryFiles, log: number, segmentBytes = 2000): LogWriter {
  const clock = new FakeClock()
  return LogWriter.open({
    directory: join(LOGS, String(log)),
    log,
    incarnation: 1,
    durability: 'commit',
    segmentBytes,
    clock,
    ids: new MessageIdSource(log, clock),
    diagnostics: new RecordedDiagnostics(),
    files,
  })
}

function stateChangeOf({ payload }: Pick<LogEntry, 'payload'>): StateChange {
  const change = JSON.parse(Buffer.from(payload).toString()) as StateChange
  return change.kind === 'status' ? { ...change, address: change.address ?? undefined } : change
}

function recovered(
  environment: Environment,
  files: MemoryFiles,
  maxRows?: number,
): Promise<Recovery> {
  return recover({
    store: new CheckpointStore(environment),
    logsDirectory: LOGS,
    stateChangeOf,
    files,
    ...(maxRows === undefined ? {} : { maxRows }),
  })
}

interface Step {
  readonly device: number
  readonly moveTo: number | null
  readonly change: StateChange
}

/** Devices that speak, connect, and move between three logs; each step is one entry. */
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    device: fc.integer({ min: 1, max: DEVICES }),
    moveTo: fc.option(fc.integer({ min: 0, max: 2 }), { freq: 4 }),
    change: fc.oneof(
      fc.record({
        kind: fc.constant('properties' as const),
        items: fc.dictionary(
          fc.constantFrom('a', 'b', '__proto__', 'toJSON'),
          fc.record({ value: fc.integer(), time: fc.integer({ min: 0, max: 3 }) }),
        ),
      }),
      fc.record({
        kind: fc.constant('status' as const),
        online: fc.boolean(),
        at: fc.integer({ min: 0, max: 9 }),
        address: fc.constantFrom('10.0.0.1', '10.0.0.2'),
      }),
      fc.constant({ kind: 'none' as const }),
    ),
  }),
  { maxLength: 60 },
)

/** The same life, entry by entry, in the order in which it happened. */
function live(script: readonly Step[]): readonly Change[] {
  const owners = new Map<number, { log: number; epoch: number; version: number }>()
  return script.map(({ device, moveTo, change }) => {
    const owner = owners.get(device) ?? { log: device % 3, epoch: 1, version: 0 }
    if (moveTo !== null && moveTo !== owner.log) {
      owner.log = moveTo
      owner.epoch += 1
    }
    owner.version += 1
    owners.set(device, owner)
    const number = device as DeviceNumber
    return {
      number,
      log: owner.log,
      entry: entry(JSON.stringify(change), {
        number,
        class: ENTRY_CLASS.properties,
        token: { incarnation: 1, epoch: owner.epoch },
        version: owner.version,
      }),
    }
  })
}

function model(changes: readonly Change[]): Map<DeviceNumber, DeviceState> {
  const rows = new Map<DeviceNumber, DeviceState>()
  for (const { number, entry: said } of [...changes].sort((a, b) =>
    compareStamps(a.entry, b.entry),
  )) {
    const state = rows.get(number) ?? BLANK_STATE
    rows.set(number, replayChange(state, said, stateChangeOf(said)))
  }
  return rows
}

function writeLogs(files: MemoryFiles, changes: readonly Change[], segmentBytes: number): void {
  const logs = [0, 1, 2].map((log) => open(files, log, segmentBytes))
  for (const { log, entry: said } of changes) {
    logs[log]?.append(said)
    assert.equal(logs[log]?.commit(START), 'stored')
  }
}

describe('recover', () => {
  it('arrives at the rows of the live run, from any checkpoint, across logs and passes', async (t) => {
    const environment = await registered(t)
    const reader = new RegistryStore(environment, secretBox())
    const store = new CheckpointStore(environment)
    const cases = fc.asyncProperty(
      steps,
      fc.nat(),
      fc.integer({ min: 1, max: DEVICES + 1 }),
      fc.constantFrom(150, 700, 100_000),
      async (script, cut, maxRows, segmentBytes) => {
        await environment.databases.states.clearAsync()
        await environment.databases.online.clearAsync()
        for (const log of [0, 1, 2]) await environment.databases.meta.remove(`checkpoint:${log}`)
        const changes = live(script)
        const before = changes.slice(0, cut % (changes.length + 1))
        const rows = [...model(before)].map(([number, state]) => ({ number, state }))
        await store.checkpoint(rows, undefined)
        for (const log of [0, 1, 2]) {
          const sequence = before.filter((change) => change.log === log).length
          await store.checkpoint([], { log, sequence })
        }
        const files = new MemoryFiles()
        writeLogs(files, changes, segmentBytes)
        const first = await recovered(environment, files, maxRows)
        assert.equal(first.entries, changes.length - before.length)
        const expected = model(changes)
        for (let n = 1; n <= DEVICES; n++) {
          assert.deepEqual(reader.state(n as DeviceNumber), expected.get(n as DeviceNumber))
        }
        const online = [...expected].filter(([, state]) => state.online).map(([number]) => number)
        assert.deepEqual(new Set(reader.onlineNumbers()), new Set(online))
        const second = await recovered(environment, files, maxRows)
        assert.equal(second.entries, 0)
        assert.equal(second.rows, 0)
        assert.deepEqual(second.logs, first.logs)
      },
    )
    await fc.assert(cases, { numRuns: 60 })
  })

  it('changes nothing when it is repeated over the same entries', async (t) => {
    const environment = await registered(t)
    const reader = new RegistryStore(environment, secretBox())
    const files = new MemoryFiles()
    writeLogs(files, live(fc.sample(steps, 1)[0] ?? []), 500)
    await recovered(environment, files)
    const rows = rowsOf(reader)
    for (const log of [0, 1, 2]) await environment.databases.meta.remove(`checkpoint:${log}`)
    await recovered(environment, files)
    assert.deepEqual(rowsOf(reader), rows)
  })

  it('counts a status that came and went many times within one tenure', async (t) => {
    const environment = await registered(t)
    const reader = new RegistryStore(environment, secretBox())
    const files = new MemoryFiles()
    const script = Array.from({ length: 50 }, (_, at) => ({
      device: 1,
      moveTo: null,
      change: { kind: 'status' as const, online: at % 2 === 1, at, address: `10.0.0.${at}` },
    }))
    const changes = live(script)
    writeLogs(files, changes, 500)
    await recovered(environment, files)
    assert.deepEqual(reader.state(1 as DeviceNumber), model(changes).get(1 as DeviceNumber))
  })

  it('says where each writer goes on: behind the last entry, and behind the checkpoint', async (t) => {
    const environment = await registered(t)
    const store = new CheckpointStore(environment)
    const files = new MemoryFiles()
    const log = open(files, 1, 150)
    const none = { kind: 'none' }
    for (let i = 1; i <= 7; i++) {
      log.append(entry(JSON.stringify(none), { version: i }))
      log.commit(START)
    }
    const last = log.lastMessageId
    const first = await recovered(environment, files)
    assert.deepEqual(first.logs, [{ log: 1, lastMessageId: last, nextSequence: 8 }])
    assert.equal(store.position(1), 7)
    await store.checkpoint([], { log: 1, sequence: 40 }) // the power cut took entries 8 to 40
    const second = await recovered(environment, files)
    assert.deepEqual(second.logs, [{ log: 1, lastMessageId: last, nextSequence: 41 }])
  })

  it('stops at a torn tail, and refuses a log that is damaged elsewhere', async (t) => {
    const environment = await registered(t)
    const files = new MemoryFiles()
    const log = open(files, 0, 100_000)
    for (let i = 1; i <= 3; i++) {
      log.append(entry('{"kind":"none"}', { version: i }))
      log.commit(START)
    }
    const path = files.paths()[0] as string
    const size = files.content(path).length
    files.truncate(files.open(path), size - 5)
    const { entries, logs } = await recovered(environment, files)
    assert.equal(entries, 2)
    assert.equal(logs[0]?.nextSequence, 3)
    const bytes = files.content(path)
    bytes[40] = (bytes[40] as number) ^ 1
    await environment.databases.meta.remove('checkpoint:0')
    await assert.rejects(recovered(environment, files), {
      code: 'data.unreadable',
      details: { file: path, offset: 16 },
    })
  })

  it('applies nothing that its row has already outrun', async (t) => {
    const environment = await registered(t)
    const reader = new RegistryStore(environment, secretBox())
    const number = 1 as DeviceNumber
    const token = { incarnation: 1, epoch: 0 }
    const properties = { a: { value: 99, time: 5 } } // of an entry that the power cut took
    const state = { ...BLANK_STATE, token, version: 40, properties }
    await new CheckpointStore(environment).checkpoint([{ number, state }], undefined)
    const files = new MemoryFiles()
    const log = open(files, 0)
    const old = { kind: 'properties', items: { a: { value: 1, time: 5 } } }
    log.append(entry(JSON.stringify(old), { number, token, version: 7 }))
    const late = { kind: 'properties', items: { b: { value: 2, time: 1 } } }
    log.append(entry(JSON.stringify(late), { number, token, version: 41 }))
    log.commit(START)
    await recovered(environment, files)
    const row = reader.state(number)
    assert.equal(row?.version, 41)
    assert.deepEqual({ ...row?.properties }, { ...properties, b: { value: 2, time: 1 } })
  })

  it('makes no row for a device that was deleted', async (t) => {
    const environment = await registered(t)
    const reader = new RegistryStore(environment, secretBox())
    const files = new MemoryFiles()
    const log = open(files, 0)
    log.append(entry('{"kind":"none"}', { number: 99 as DeviceNumber }))
    log.append(entry('{"kind":"none"}', { number: 0 as DeviceNumber }))
    log.commit(START)
    assert.equal((await recovered(environment, files)).entries, 2)
    assert.equal(reader.state(99 as DeviceNumber), undefined)
  })

  it('finds nothing to do in a new data directory', async (t) => {
    const environment = await registered(t)
    const result = await recovered(environment, new MemoryFiles())
    assert.deepEqual(result, { entries: 0, rows: 0, logs: [] })
  })
})

function rowsOf(reader: RegistryStore): (DeviceState | undefined)[] {
  return Array.from({ length: DEVICES }, (_, i) => reader.state((i + 1) as DeviceNumber))
}
