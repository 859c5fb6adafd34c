import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import {
  applyChange,
  BLANK_STATE,
  type DeviceState,
  decodeRow,
  encodeRow,
  type ReplayedChange,
  replacesAll,
  type StateChange,
} from '../../../core/domain/device-state.ts'
import type { DeviceNumber, ProductKey } from '../../../core/domain/identifiers.ts'
import { ENTRY_CLASS, type EntryClass, type LogEntry } from '../../../core/domain/log-entry.ts'
import { MessageIdSource } from '../../../core/domain/message-id.ts'
import type { Stamp } from '../../../core/domain/token.ts'
import { CheckpointStore } from '../../../storage/checkpoint-store.ts'
import type { Environment } from '../../../storage/environment.ts'
import { LogWriter } from '../../../storage/log/log-writer.ts'
import type { ChainBounds } from '../../../storage/recovery/entry-chains.ts'
import { PackingStore } from '../../../storage/recovery/packing-store.ts'
import { type Recovery, recover, recoverPart } from '../../../storage/recovery/recovery.ts'
import { planRecovery } from '../../../storage/recovery/recovery-plan.ts'
import { RegistryStore } from '../../../storage/registry-store.ts'
import { RegistryTransactions } from '../../../storage/registry-transactions.ts'
import { MemoryFiles } from '../log/memory-files.ts'
import {
  entry,
  FakeClock,
  RecordedDiagnostics,
  START,
  secretBox,
  writableEnvironment,
} from '../support.ts'

const DEVICES = 5
const LOGS = '/data/log'
const LAST_LOG = 2
const LOGS_THERE = [0, 1, LAST_LOG]

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

const replay = {
  tellingPart: (kind: EntryClass, _bytes: Buffer, start: number, end: number): number =>
    kind === ENTRY_CLASS.custom ? end : start,
  changeOf(kind: EntryClass, text: string): ReplayedChange {
    if (kind === ENTRY_CLASS.custom) return { kind: 'none' }
    if (kind !== ENTRY_CLASS.adopt) return JSON.parse(text) as ReplayedChange
    return { kind: 'adopt', state: decodeRow(text) as DeviceState }
  },
}

/** Small enough that rows are written back again and again. */
const SMALL_CHAINS = { max: 4096, chunk: 2048 }

function recovered(
  environment: Environment,
  files: MemoryFiles,
  chainBounds?: ChainBounds,
): Promise<Recovery> {
  return recover({
    store: new CheckpointStore(environment),
    logsDirectory: LOGS,
    ...replay,
    files,
    ...(chainBounds === undefined ? {} : { chainBounds }),
  })
}

/** What an entry of this change is, as the journal would write it for a row that has these properties. */
function entryOf(
  change: StateChange,
  stamp: Stamp,
  number: DeviceNumber,
  row: DeviceState,
): LogEntry {
  const written = (kind: EntryClass, told: ReplayedChange, whole = false): LogEntry =>
    entry(JSON.stringify(told), { ...stamp, number, class: kind, whole })
  switch (change.kind) {
    case 'properties': {
      const text = JSON.stringify(change.items)
      const whole = replacesAll(row.properties, change.items, 2)
      return written(ENTRY_CLASS.properties, { kind: 'items', text }, whole)
    }
    case 'status':
      return written(ENTRY_CLASS.status, change)
    case 'adopt':
      return entry(encodeRow(change.state), { ...stamp, number, class: ENTRY_CLASS.adopt })
    case 'none':
      return written(ENTRY_CLASS.custom, change)
  }
}

const changes: fc.Arbitrary<StateChange> = fc.oneof(
  fc.record({
    kind: fc.constant('properties' as const),
    items: fc.dictionary(
      fc.constantFrom('a', '__proto__'),
      fc.record(
        { value: fc.oneof(fc.integer(), fc.string()), time: fc.integer({ min: 0, max: 2 }) },
        { noNullPrototype: true },
      ),
    ),
  }),
  fc.record({
    kind: fc.constant('status' as const),
    online: fc.boolean(),
    at: fc.integer({ min: 0, max: 9 }),
    address: fc.constantFrom('10.0.0.1', '10.0.0.2'),
  }),
  fc.constant({ kind: 'none' as const }),
)

const number = fc.integer({ min: 1, max: DEVICES }).map((n) => n as DeviceNumber)
const log = fc.integer({ min: 0, max: LAST_LOG })

type Step =
  | { readonly do: 'say'; readonly number: DeviceNumber; readonly change: StateChange }
  | { readonly do: 'claim'; readonly number: DeviceNumber; readonly by: number }
  | { readonly do: 'checkpoint'; readonly log: number }

/** Devices that speak, connect anew, and move between logs; rows that are stored meanwhile. */
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constant('say' as const), number, change: changes }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('claim' as const), number, by: log }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('checkpoint' as const), log }) },
  ),
  { maxLength: 80, size: 'max' },
)

/** Several shards without threads: rows, who has custody of them, and logs. */
class Life {
  readonly rows: Map<DeviceNumber, DeviceState> = new Map()
  readonly owners: Map<DeviceNumber, number> = new Map()
  readonly written: { readonly log: number; readonly entry: LogEntry }[] = []
  /** Rows that each log's shard has changed since its checkpoint, as it had them last. */
  readonly #dirty = LOGS_THERE.map(() => new Map<DeviceNumber, DeviceState>())
  readonly #epochs = new Map<DeviceNumber, number>()
  readonly #store: CheckpointStore

  constructor(store: CheckpointStore) {
    this.#store = store
  }

  async run(script: readonly Step[]): Promise<void> {
    for (const step of script) {
      if (step.do === 'say') this.#say(step.number, step.change)
      else if (step.do === 'claim') this.#claim(step.number, step.by)
      else await this.#checkpoint(step.log)
    }
  }

  #say(device: DeviceNumber, change: StateChange): void {
    const owner = this.owners.get(device)
    if (owner === undefined) return
    const row = this.#row(device)
    const token = { incarnation: 1, epoch: this.#epochs.get(device) ?? 0 }
    const stamp = { token, version: row.version + 1 }
    this.written.push({ log: owner, entry: entryOf(change, stamp, device, row) })
    const next = applyChange(row, stamp, change)
    this.rows.set(device, next)
    this.#dirty[owner]?.set(device, next)
  }

  /** A clean row comes from the store; one that is not is adopted: the row whole, the first entry of the token. */
  #claim(device: DeviceNumber, by: number): void {
    const from = this.owners.get(device)
    this.owners.set(device, by)
    this.#epochs.set(device, (this.#epochs.get(device) ?? 0) + 1)
    const clean = from === undefined || this.#dirty[from]?.has(device) === false
    if (from !== by && !clean) this.#say(device, { kind: 'adopt', state: this.#row(device) })
  }

  async #checkpoint(of: number): Promise<void> {
    const dirty = this.#dirty[of] ?? new Map<DeviceNumber, DeviceState>()
    const rows = [...dirty].map(([device, state]) => ({ number: device, state }))
    await this.#store.checkpoint(rows, { log: of, sequence: this.#sequence(of) })
    dirty.clear()
  }

  #sequence(of: number): number {
    return this.written.filter((one) => one.log === of).length
  }

  #row(device: DeviceNumber): DeviceState {
    return this.rows.get(device) ?? BLANK_STATE
  }
}

function writeLogs(files: MemoryFiles, life: Life, segmentBytes: number): void {
  const logs = LOGS_THERE.map((one) => open(files, one, segmentBytes))
  for (const { log: of, entry: said } of life.written) {
    logs[of]?.append(said)
    assert.equal(logs[of]?.commit(START), 'stored')
  }
}

async function forget(environment: Environment): Promise<void> {
  await environment.databases.states.clearAsync()
  await environment.databases.online.clearAsync()
  for (const of of LOGS_THERE) await environment.databases.meta.remove(`checkpoint:${of}`)
}

describe('recover', () => {
  it('arrives at the rows of the live run, whatever moved between logs and was stored before', async (t) => {
    const environment = await registered(t)
    const reader = new RegistryStore(environment, secretBox())
    const cases = fc.asyncProperty(
      steps,
      fc.constantFrom(undefined, SMALL_CHAINS),
      fc.constantFrom(150, 700, 100_000),
      async (script, bounds, segmentBytes) => {
        await forget(environment)
        const life = new Life(new CheckpointStore(environment))
        await life.run(script)
        const files = new MemoryFiles()
        writeLogs(files, life, segmentBytes)
        const first = await recovered(environment, files, bounds)
        for (let n = 1; n <= DEVICES; n++) {
          const device = n as DeviceNumber
          assert.deepEqual(reader.state(device), life.rows.get(device))
        }
        const online = [...life.rows].filter(([, row]) => row.online).map(([device]) => device)
        assert.deepEqual(
          reader.onlineNumbers(0, 10),
          online.sort((a, b) => a - b),
        )
        const second = await recovered(environment, files, bounds)
        assert.equal(second.entries, 0)
        assert.equal(second.rows, 0)
        assert.deepEqual(second.logs, first.logs)
      },
    )
    await fc.assert(cases, { numRuns: 100 })
  })

  it('does the same in parts, one after the other or at once, and when it is repeated', async (t) => {
    const environment = await registered(t)
    const reader = new RegistryStore(environment, secretBox())
    const store = new CheckpointStore(environment)
    const packing = new PackingStore(environment, (rows) => store.restore(rows))
    const cases = fc.asyncProperty(steps, fc.boolean(), async (script, twice) => {
      await forget(environment)
      const life = new Life(store)
      await life.run(script)
      const files = new MemoryFiles()
      writeLogs(files, life, 700)
      const plan = planRecovery({ logsDirectory: LOGS, files }, store)
      const parts = [
        { first: 1, last: 2 },
        { first: 3, last: DEVICES },
      ]
      for (let i = 0; i < (twice ? 2 : 1); i++) {
        const source = { store: packing, files, ...replay }
        await Promise.all(parts.map((part) => recoverPart(plan, part, source)))
      }
      for (let n = 1; n <= DEVICES; n++) {
        const device = n as DeviceNumber
        assert.deepEqual(reader.state(device), life.rows.get(device))
      }
    })
    await fc.assert(cases, { numRuns: 50 })
  })

  it('says where each writer goes on: behind the last entry, and behind the checkpoint', async (t) => {
    const environment = await registered(t)
    const store = new CheckpointStore(environment)
    const files = new MemoryFiles()
    const log = open(files, 1, 150)
    for (let i = 1; i <= 7; i++) {
      log.append(entry('x', { version: i }))
      log.commit(START)
    }
    const first = await recovered(environment, files)
    assert.deepEqual(first.logs, [{ log: 1, nextSequence: 8 }])
    assert.equal(store.position(1), 7)
    await store.checkpoint([], { log: 1, sequence: 40 }) // the power cut took entries 8 to 40
    const second = await recovered(environment, files)
    assert.deepEqual(second.logs, [{ log: 1, nextSequence: 41 }])
  })

  it('stops at a torn tail, and refuses a log that is damaged elsewhere', async (t) => {
    const environment = await registered(t)
    const files = new MemoryFiles()
    const log = open(files, 0, 100_000)
    for (let i = 1; i <= 3; i++) {
      log.append(entry('x', { version: i }))
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
    const old: StateChange = { kind: 'properties', items: { a: { value: 1, time: 5 } } }
    log.append(entryOf(old, { token, version: 7 }, number, BLANK_STATE))
    const late: StateChange = { kind: 'properties', items: { b: { value: 2, time: 1 } } }
    log.append(entryOf(late, { token, version: 41 }, number, state))
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
    log.append(entry('x', { number: 99 as DeviceNumber }))
    log.append(entry('x', { number: 0 as DeviceNumber }))
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
