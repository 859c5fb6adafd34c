/** A platform of several shards in this process, its devices, and connections on the shard that a test wants. */

import type { TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { type PartialSettings, Platform } from '../../index.ts'
import { type DeviceTriple, deviceCredentials } from './device-credentials.ts'
import { METER_TSL } from './service-house.ts'
import { temporaryDirectory } from './temporary.ts'

export class ShardedPlatform {
  readonly platform: Platform
  readonly productKey: string
  readonly lines: string[]

  private constructor(platform: Platform, productKey: string, lines: string[]) {
    this.platform = platform
    this.productKey = productKey
    this.lines = lines
  }

  static async open(
    t: TestContext,
    shards: number,
    limits: PartialSettings['limits'] = {},
  ): Promise<ShardedPlatform> {
    const lines: string[] = []
    const say = (message: string, facts?: unknown): void => {
      lines.push(`${message} ${JSON.stringify(facts)}`)
    }
    const platform = await Platform.open({
      settings: {
        data: temporaryDirectory(t),
        shards,
        listeners: ['auto://127.0.0.1:0', 'mqtt://127.0.0.1:0?profile=plain&auth=anonymous'],
        logLevel: 'warn',
        limits,
      },
      diagnostics: { debug: say, info: say, warn: say, error: say },
    })
    t.after(() => platform.close())
    const { productKey } = await platform.products.create({ name: 'meters' })
    await platform.models.import(productKey, METER_TSL)
    return new ShardedPlatform(platform, productKey, lines)
  }

  get port(): number {
    return this.platform.listeners[0]?.port as number
  }

  get plainPort(): number {
    return this.platform.listeners[1]?.port as number
  }

  async device(deviceName: string): Promise<DeviceTriple> {
    const { productKey } = this
    const { deviceSecret } = await this.platform.devices.register(productKey, { deviceName })
    return { productKey, deviceName, deviceSecret }
  }

  connect(triple: DeviceTriple, options: IClientOptions = {}): Promise<MqttClient> {
    return mqtt.connectAsync(`mqtt://127.0.0.1:${this.port}`, {
      ...deviceCredentials(triple),
      reconnectPeriod: 0,
      protocolVersion: 5,
      ...options,
    })
  }

  /** The shards on which devices are connected now, as `status` says: devices online by shard. */
  async online(): Promise<readonly number[]> {
    const { shards } = await this.platform.status()
    return shards.map(({ devicesOnline }) => devicesOnline)
  }

  /** Connects again and again, until it has landed on this shard. */
  async connectTo(shard: number, triple: DeviceTriple): Promise<MqttClient> {
    for (let i = 0; i < 200; i++) {
      const before = (await this.online())[shard] ?? 0
      const client = await this.connect(triple)
      if (((await this.online())[shard] ?? 0) > before) return client
      await client.endAsync(true)
      await this.until(async () => !(await this.#isOnline(triple)))
    }
    throw new Error(`no connection came to shard ${shard}`)
  }

  async until(claim: () => Promise<boolean> | boolean): Promise<void> {
    for (const deadline = performance.now() + 15_000; !(await claim()); await wait(5)) {
      if (performance.now() > deadline) throw new Error(`it never came about: ${String(claim)}`)
    }
  }

  async #isOnline({ productKey, deviceName }: DeviceTriple): Promise<boolean> {
    return (await this.platform.devices.get({ productKey, deviceName })).status === 'online'
  }
}
