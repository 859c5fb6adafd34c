/** A platform in this process with a product, a bystander device that posts all the while, and what it says. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { answeringShards } from '../../core/domain/status.ts'
import { type PartialSettings, Platform } from '../../index.ts'
import { type DeviceTriple, deviceCredentials } from './device-credentials.ts'
import { METER_TSL } from './service-house.ts'

const POST_MS = 20

export class LivePlatform {
  readonly platform: Platform
  readonly productKey: string
  /** Every diagnostic line with its facts, as one text each. */
  readonly lines: string[]
  /** Secrets that no line may contain. */
  readonly secrets: string[] = []
  /** Round trips of the bystander's QoS 1 posts, ms. */
  readonly latencies: number[] = []
  readonly #directory: string
  #bystander: MqttClient | undefined
  #posting = true
  #failed: Error | undefined

  private constructor(platform: Platform, productKey: string, lines: string[], directory: string) {
    this.platform = platform
    this.productKey = productKey
    this.lines = lines
    this.#directory = directory
  }

  static async open(limits: NonNullable<PartialSettings['limits']> = {}): Promise<LivePlatform> {
    const directory = mkdtempSync(join(tmpdir(), 'tidegate-'))
    const lines: string[] = []
    const say = (message: string, facts?: unknown): void => {
      lines.push(`${message} ${JSON.stringify(facts)}`)
    }
    const platform = await Platform.open({
      settings: {
        data: join(directory, 'data'),
        listeners: ['auto://127.0.0.1:0', 'ws://127.0.0.1:0'],
        logLevel: 'debug',
        limits,
      },
      diagnostics: { debug: say, info: say, warn: say, error: say },
    })
    const { productKey } = await platform.products.create({ name: 'meters' })
    await platform.models.import(productKey, METER_TSL)
    const live = new LivePlatform(platform, productKey, lines, directory)
    const bystander = await live.device('bystander')
    live.#bystander = await live.connect(bystander)
    void live.#post(bystander)
    return live
  }

  get port(): number {
    return this.platform.listeners[0]?.port as number
  }

  get webSocketPort(): number {
    return this.platform.listeners[1]?.port as number
  }

  async device(deviceName: string): Promise<DeviceTriple> {
    const { deviceSecret } = await this.platform.devices.register(this.productKey, { deviceName })
    this.secrets.push(deviceSecret)
    return { productKey: this.productKey, deviceName, deviceSecret }
  }

  connect(triple: DeviceTriple, options: IClientOptions = {}): Promise<MqttClient> {
    return mqtt.connectAsync(`mqtt://127.0.0.1:${this.port}`, {
      ...deviceCredentials(triple),
      reconnectPeriod: 0,
      ...options,
    })
  }

  /** How often this was refused, by `name.reason`. */
  async refused(counter: string): Promise<number> {
    const [shard] = answeringShards(await this.platform.status())
    return shard?.refusals[counter] ?? 0
  }

  /** Waits until only the bystander is connected. */
  async alone(): Promise<boolean> {
    for (let i = 0; i < 100; i++) {
      const [shard] = answeringShards(await this.platform.status())
      if (shard?.connections === 1) return true
      await wait(100)
    }
    return false
  }

  /** Waits until this was refused so often. */
  async untilRefused(counter: string, times: number): Promise<boolean> {
    for (let i = 0; i < 100; i++) {
      if ((await this.refused(counter)) >= times) return true
      await wait(50)
    }
    return false
  }

  /** The lines that tell a secret. */
  leaks(): string[] {
    return this.lines.filter((line) => this.secrets.some((secret) => line.includes(secret)))
  }

  /** @throws where the bystander was harmed */
  async close(): Promise<void> {
    this.#posting = false
    await wait(2 * POST_MS)
    await this.#bystander?.endAsync()
    await this.platform.close()
    rmSync(this.#directory, { recursive: true, force: true })
    if (this.#failed !== undefined) throw this.#failed
  }

  async #post(triple: DeviceTriple): Promise<void> {
    const topic = `/sys/${triple.productKey}/${triple.deviceName}/thing/event/property/post`
    const body = JSON.stringify({ id: '1', params: { temperature: 20 } })
    this.#bystander?.on('close', () => {
      if (this.#posting) this.#failed ??= new Error('the bystander was disconnected')
    })
    while (this.#posting) {
      const sentAt = performance.now()
      await this.#bystander?.publishAsync(topic, body, { qos: 1 }).catch((error: Error) => {
        this.#failed ??= error
      })
      this.latencies.push(performance.now() - sentAt)
      await wait(POST_MS)
    }
  }
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
