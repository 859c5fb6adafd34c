/** A device that posts a counter at QoS 1 as fast as it is acknowledged, and remembers what was. */
import mqtt, { type MqttClient } from 'mqtt'
import { type DeviceTriple, deviceCredentials } from './device-credentials.ts'

const IN_FLIGHT = 20

export class PostStream {
  /** Counters whose PUBACK came. */
  readonly acknowledged: number[] = []
  readonly #client: MqttClient
  readonly #topic: string
  #next: number
  #stopped = false

  private constructor(client: MqttClient, topic: string, first: number) {
    this.#client = client
    this.#topic = topic
    this.#next = first
    for (let i = 0; i < IN_FLIGHT; i++) this.#post()
  }

  /** Resolves once it is connected and posting. */
  static async start(port: number, triple: DeviceTriple, first: number): Promise<PostStream> {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      ...deviceCredentials(triple),
      reconnectPeriod: 0,
    })
    client.on('error', () => {}) // the server is about to be killed
    const { productKey, deviceName } = triple
    const topic = `/sys/${productKey}/${deviceName}/thing/event/property/post`
    return new PostStream(client, topic, first)
  }

  get next(): number {
    return this.#next
  }

  stop(): void {
    this.#stopped = true
    this.#client.end(true)
  }

  #post(): void {
    if (this.#stopped) return
    const counter = this.#next++
    const body = JSON.stringify({ id: String(counter), params: { temperature: counter } })
    this.#client.publish(this.#topic, body, { qos: 1 }, (error) => {
      if (error !== undefined && error !== null) return
      this.acknowledged.push(counter)
      this.#post()
    })
  }
}
