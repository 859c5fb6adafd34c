/**
 * A data directory as a crash leaves it: registered devices with their rows, and message logs of
 * several shards that are in none of them yet. Made by the storage classes themselves; only the
 * registry is filled in larger transactions than requests would give.
 */
import { applyChange, BLANK_STATE, type DeviceState } from '../../core/domain/device-state.ts'
import type { DeviceName, DeviceNumber, ProductKey } from '../../core/domain/identifiers.ts'
import { MessageIdSource } from '../../core/domain/message-id.ts'
import type { PropertyValue } from '../../core/domain/property-items.ts'
import type { Device } from '../../core/domain/registry.ts'
import type { Stamp } from '../../core/domain/token.ts'
import type { Diagnostics } from '../../core/ports/diagnostics.ts'
import { AlinkJournal } from '../../protocol/alink/alink-journal.ts'
import { type DataDirectory, openDataDirectory } from '../../storage/data-directory.ts'
import { Environment } from '../../storage/environment.ts'
import { LogWriter } from '../../storage/log/log-writer.ts'
import { loadSecretKey, SecretBox } from '../../storage/sealed-secret.ts'
import {
  DEVICE_COUNT,
  deviceKey,
  fromState,
  LAST_DEVICE_NUMBER,
} from '../../storage/stored-values.ts'
import { systemClock, systemRandom } from '../../threads/system.ts'

const PRODUCT_KEY = 'k1benchfleet' as ProductKey
const DEVICES_PER_COMMIT = 20_000
const ENTRIES_PER_TURN = 64
const SEGMENT_BYTES = 67_108_864
const MOVES = 0.05 // of all entries
const WHOLE_POSTS = 0.7 // the others have one property of four
const CREATED_AT = Date.UTC(2026, 0, 1)
const CUSTOM_PAYLOAD = Buffer.alloc(120, 'x')
const ALARM = {
  identifier: 'alarm',
  name: 'Alarm',
  type: 'alert',
  value: { code: 7, text: 'pressure above limit' },
  rejected: [],
}
const SILENT: Diagnostics = { debug() {}, info() {}, warn() {}, error() {} }
const LIFE_BEFORE = { token: { incarnation: 1, epoch: 1 }, version: 10 }

export interface FleetPlan {
  readonly directory: string
  readonly devices: number
  /** Of all logs together. */
  readonly logBytes: number
  readonly logs: number
}

export interface Fleet {
  readonly entries: number
  readonly logBytes: number
}

/** @param tell  progress, one line each */
export async function makeCrashedFleet(
  plan: FleetPlan,
  tell: (line: string) => void,
): Promise<Fleet> {
  const data = openDataDirectory(plan.directory)
  try {
    await register(data, plan.devices)
    tell(`${plan.devices} devices registered`)
    return await writeLogs(data, plan, tell)
  } finally {
    data.release()
  }
}

async function register(data: DataDirectory, count: number): Promise<void> {
  const environment = Environment.open({ path: data.store, readOnly: false })
  const box = new SecretBox(loadSecretKey(data.secretKey, undefined, systemRandom), systemRandom)
  const { databases } = environment
  environment.raiseIncarnation()
  for (let from = 1; from <= count; from += DEVICES_PER_COMMIT) {
    const end = Math.min(count, from + DEVICES_PER_COMMIT - 1)
    await environment.transaction(() => {
      for (let n = from; n <= end; n++) {
        const number = n as DeviceNumber
        const { productKey, deviceName, iotId, createdAt } = fleetDevice(n)
        const secret = box.seal(number, '0123456789abcdef0123456789abcdef')
        const record = { productKey, deviceName, iotId, enabled: true, createdAt, secret }
        void databases.devices.put(deviceKey(productKey, deviceName), number)
        void databases.deviceRecords.put(number, record)
        void databases.states.put(number, fromState(rowBefore(n)))
        void databases.online.put(number, true)
      }
    })
  }
  await environment.transaction(() => {
    const name = 'Bench fleet'
    const product = { name, validation: 'weak', createdAt: CREATED_AT, devices: count } as const
    void databases.products.put(PRODUCT_KEY, product)
    void databases.meta.put(LAST_DEVICE_NUMBER, count)
    void databases.meta.put(DEVICE_COUNT, count)
  })
  await environment.close()
}

/** One entry of one random device after the other; one in twenty first moves to another shard. */
async function writeLogs(
  data: DataDirectory,
  { devices, logs, logBytes }: FleetPlan,
  tell: (line: string) => void,
): Promise<Fleet> {
  const shards = Array.from({ length: logs }, (_, log) => new Shard(data, log))
  const epochs = new Uint32Array(devices + 1).fill(LIFE_BEFORE.token.epoch)
  const versions = new Uint32Array(devices + 1).fill(LIFE_BEFORE.version)
  const owners = Uint16Array.from({ length: devices + 1 }, (_, n) => n % logs)
  const written = (): number => shards.reduce((sum, shard) => sum + shard.log.written.bytes, 0)
  let entries = 0
  for (let tenth = 1; tenth <= 10; tenth++) {
    while (written() < (logBytes * tenth) / 10) {
      const n = 1 + Math.floor(Math.random() * devices)
      const moves = Math.random() < MOVES
      if (moves) {
        owners[n] = ((owners[n] as number) + 1) % logs
        epochs[n] = (epochs[n] as number) + 1
      }
      const version = (versions[n] as number) + 1
      versions[n] = version
      const stamp = { token: { incarnation: 1, epoch: epochs[n] as number }, version }
      shards[owners[n] as number]?.say(fleetDevice(n), stamp, moves)
      entries += 1
    }
    tell(`message logs ${tenth * 10} %`)
  }
  for (const shard of shards) await shard.close()
  return { entries, logBytes: written() }
}

/** Writes what devices say; a turn has a few dozen entries, as under load. */
class Shard {
  readonly log: LogWriter
  readonly #journal: AlinkJournal
  #open = 0

  constructor(data: DataDirectory, log: number) {
    this.log = LogWriter.open({
      directory: data.log(log),
      log,
      incarnation: 1,
      durability: 'commit',
      segmentBytes: SEGMENT_BYTES,
      clock: systemClock,
      ids: new MessageIdSource(log, systemClock),
      diagnostics: SILENT,
    })
    this.#journal = new AlinkJournal(this.log)
  }

  close(): Promise<void> {
    this.log.commit(systemClock.now())
    return this.log.close()
  }

  say(device: Device, stamp: Stamp, moved: boolean): void {
    const at = systemClock.now()
    const id = String(stamp.version)
    const kind = Math.random()
    if (moved) this.#journal.adopt(device, stamp, rowBefore(device.number))
    else if (kind < 0.05) {
      this.#journal.status(device, stamp, { online: true, at, address: '10.1.2.3' })
    } else if (kind < 0.8) {
      const all = readings(device.number, stamp.version, at)
      const { temperature } = all
      const whole = temperature === undefined || Math.random() < WHOLE_POSTS
      const items = whole ? all : { temperature }
      this.#journal.properties(device, stamp, { id, at, items, rejected: [], whole })
    } else if (kind < 0.9) {
      this.#journal.event(device, stamp, { ...ALARM, id, at, time: at })
    } else this.#journal.custom(device, stamp, 'user/update', CUSTOM_PAYLOAD, 1)
    this.#open += 1
    if (this.#open % ENTRIES_PER_TURN === 0) this.log.commit(at)
  }
}

function fleetDevice(n: number): Device {
  const name = String(n).padStart(8, '0')
  return {
    number: n as DeviceNumber,
    productKey: PRODUCT_KEY,
    deviceName: `meter-${name}` as DeviceName,
    iotId: `k1benchfleet00${name}`,
    enabled: true,
    createdAt: CREATED_AT,
  }
}

function rowBefore(n: number): DeviceState {
  const { token, version } = LIFE_BEFORE
  const [at, address] = [CREATED_AT, '10.1.2.3']
  const online = applyChange(BLANK_STATE, LIFE_BEFORE, {
    kind: 'status',
    online: true,
    at,
    address,
  })
  const properties = readings(n, version, at)
  return { ...online, token, version, properties }
}

function readings(n: number, version: number, time: number): Record<string, PropertyValue> {
  return {
    temperature: { value: (2000 + (n % 900)) / 100, time },
    humidity: { value: version % 100, time },
    voltage: { value: (2300 + (version % 99)) / 10, time },
    relay: { value: version % 2, time },
  }
}
