/** The devices of one shard over fakes of their ports: a registry in memory, a journal that records. */
import type { DeviceActor } from '../../actors/device/device-actor.ts'
import { LiveDevices } from '../../actors/device/live-devices.ts'
import { ModelCache } from '../../actors/device/model-cache.ts'
import { PresenceTable } from '../../actors/runtime/presence-table.ts'
import { Tally } from '../../actors/runtime/tally.ts'
import { TimingWheel } from '../../actors/runtime/timing-wheel.ts'
import type { ProductKey } from '../../core/domain/identifiers.ts'
import { MessageIdSource } from '../../core/domain/message-id.ts'
import type { Device } from '../../core/domain/registry.ts'
import { meterTsl } from '../core/domain/thing-model/meter-tsl.ts'
import { FakeClock } from './fake-clock.ts'
import { MemoryRegistry } from './memory-registry.ts'
import { RecordedDiagnostics } from './recorded-diagnostics.ts'
import { RecordingJournal } from './recording-journal.ts'
import { SOLO } from './solo-mesh.ts'

export const METER_KEY: ProductKey = 'k1metermete' as ProductKey

export class DeviceHouse {
  readonly registry: MemoryRegistry
  readonly devices: LiveDevices
  readonly journal: RecordingJournal = new RecordingJournal()
  readonly presence: PresenceTable = PresenceTable.create(100)
  readonly diagnostics: RecordedDiagnostics = new RecordedDiagnostics()
  readonly tally: Tally = new Tally()
  /** Actors that became dirty, in order. */
  readonly dirty: DeviceActor[] = []
  readonly clock: FakeClock
  readonly timers: TimingWheel

  private constructor(registry: MemoryRegistry, clock: FakeClock) {
    this.registry = registry
    this.clock = clock
    this.timers = new TimingWheel(clock)
    const models = new ModelCache(registry)
    this.devices = new LiveDevices({
      shard: 0,
      incarnation: 3,
      presence: this.presence,
      mesh: SOLO,
      forward: () => {
        throw new Error('there is one shard')
      },
      registry,
      diagnostics: this.diagnostics,
      journal: this.journal,
      counters: this.tally,
      timers: this.timers,
      ids: new MessageIdSource(0, clock),
      pendingCommands: 2,
      now: () => clock.now(),
      modelOf: models.modelOf,
      forgetModel: models.forget,
      onDirty: (actor) => this.dirty.push(actor),
    })
  }

  /** With meters `meter-1` … `meter-{count}` of one product. */
  static async open(count = 2, clock: FakeClock = new FakeClock()): Promise<DeviceHouse> {
    const registry = new MemoryRegistry()
    const at = { createdAt: clock.now() }
    await registry.createProduct({
      productKey: METER_KEY,
      name: 'Meter',
      validation: 'weak',
      ...at,
    })
    await registry.putModel(METER_KEY, meterTsl())
    for (let i = 1; i <= count; i++) {
      const names = { productKey: METER_KEY, deviceName: `meter-${i}`, iotId: `iot-${i}` }
      await registry.createDevice({ ...names, deviceSecret: `secretOfMeter000${i}`, ...at })
    }
    return new DeviceHouse(registry, clock)
  }

  device(deviceName: string): Device {
    return this.registry.device(METER_KEY, deviceName) as Device
  }

  /** Stores what is dirty and lets go of what is idle, as the checkpointer does. */
  checkpoint(): void {
    for (const actor of this.dirty.splice(0)) {
      actor.dirty = false
      this.registry.states.set(actor.device.number, actor.state)
      this.devices.passivate(actor)
    }
  }

  passSeconds(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.clock.advance(1000)
      this.timers.tick()
    }
  }
}
