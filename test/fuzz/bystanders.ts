/**
 * Clients that keep to the standard, beside the fuzz: each publishes numbered messages of all qualities to the next, and
 * counts what it gets. One of MQTT 3.1, one of 3.1.1, one of 5.0.
 */

import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'

const QOS = [0, 1, 2] as const
const PAUSE_MS = 5
const VERSIONS: readonly IClientOptions[] = [
  { protocolId: 'MQIsdp', protocolVersion: 3 },
  { protocolVersion: 4 },
  { protocolVersion: 5 },
]

export const BYSTANDERS: number = VERSIONS.length
const SLOTS = BYSTANDERS * QOS.length

export class Bystanders {
  /** What they have to complain of. */
  readonly faults: string[] = []
  /** From a message at QoS 1 or 2 to the end of its exchange, ms. */
  readonly answersMs: number[] = []
  received = 0
  readonly #clients: readonly MqttClient[]
  /** By receiver and quality: the number of its next message. */
  readonly #next: number[] = Array.from({ length: SLOTS }, () => 0)
  readonly #sent: number[] = Array.from({ length: SLOTS }, () => 0)
  readonly #loops: Promise<void>[]
  #running = true

  private constructor(clients: readonly MqttClient[]) {
    this.#clients = clients
    for (const [i, client] of clients.entries()) {
      ;(client.stream as unknown as Socket).setNoDelay(true) // else its own kernel waits, not the server
      client.on('message', (topic, payload) => this.#onMessage(i, topic, Number(payload)))
      client.on('close', () => this.#running && this.#complain(`client ${i} was disconnected`))
      client.on('error', (error) => this.#complain(`client ${i}: ${error.message}`))
    }
    this.#loops = clients.map((_, i) => this.#publish(i))
  }

  static async join(port: number): Promise<Bystanders> {
    const clients = await Promise.all(
      VERSIONS.map((options, i) =>
        mqtt.connectAsync({
          host: '127.0.0.1',
          port,
          clientId: `bystander-${i}`,
          reconnectPeriod: 0,
          ...options,
        }),
      ),
    )
    const joined = clients.map((client, i) =>
      client.subscribeAsync(`bystanders/${i}/+`, { qos: 2 }),
    )
    await Promise.all(joined)
    return new Bystanders(clients)
  }

  /** Ends them; what is still on its way is waited for. */
  async leave(): Promise<void> {
    this.#running = false
    const stopped = await Promise.race([Promise.all(this.#loops), wait(10_000, 'late')])
    if (stopped === 'late') this.#complain('an exchange did not end within 10 s')
    const deadline = performance.now() + 5000
    while (this.#next.join() !== this.#sent.join() && performance.now() < deadline) await wait(20)
    if (this.#next.join() !== this.#sent.join()) {
      this.#complain(`lost: sent ${this.#sent.join()}, received ${this.#next.join()}`)
    }
    await Promise.all(this.#clients.map((client) => client.endAsync(true)))
  }

  async #publish(from: number): Promise<void> {
    const client = this.#clients[from] as MqttClient
    const to = (from + 1) % BYSTANDERS
    while (this.#running && client.connected) {
      for (const qos of QOS) {
        const slot = to * QOS.length + qos
        const number = this.#sent[slot] as number
        this.#sent[slot] = number + 1
        const startedAt = performance.now()
        const failed = await client
          .publishAsync(`bystanders/${to}/${qos}`, String(number), { qos })
          .then(() => undefined)
          .catch((error: Error) => error)
        if (failed !== undefined) this.#complain(`client ${from}: ${failed.message}`)
        if (qos > 0) this.answersMs.push(performance.now() - startedAt)
      }
      await wait(PAUSE_MS)
    }
  }

  #onMessage(at: number, topic: string, number: number): void {
    const [, to, qos] = topic.split('/')
    const slot = Number(to) * QOS.length + Number(qos)
    this.received += 1
    if (Number(to) !== at) this.#complain(`client ${at} got ${topic}`)
    else if (number !== this.#next[slot])
      this.#complain(`${topic}: ${number} instead of ${this.#next[slot]}`)
    this.#next[slot] = number + 1
  }

  #complain(fault: string): void {
    if (this.faults.length < 20) this.faults.push(fault)
  }
}
