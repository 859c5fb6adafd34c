/** A real server with plain listeners for foreign clients, and a client of the test itself that helps them. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import mqtt, { type IPublishPacket, type MqttClient } from 'mqtt'
import { AwaitedList } from './awaited-list.ts'
import type { Door } from './foreign-clients.ts'
import { type CommandLine, ForeignProcess } from './foreign-process.ts'
import { RunningServer } from './running-server.ts'
import { Wiretap } from './wiretap.ts'

const LISTEN = [
  'mqtt://127.0.0.1:0?profile=plain&auth=anonymous',
  'mqtts://127.0.0.1:0?profile=plain&auth=password',
  'http://127.0.0.1:0',
]

export class ForeignHouse {
  /** MQTT 5; what it does is not what is tested. */
  readonly own: MqttClient
  /** All that `own` heard. */
  readonly heard: AwaitedList<IPublishPacket> = new AwaitedList()
  readonly #server: RunningServer
  #places = 0

  private constructor(server: RunningServer, own: MqttClient) {
    this.#server = server
    this.own = own
    own.on('message', (_topic, _payload, packet) => this.heard.push(packet))
  }

  static async open(): Promise<ForeignHouse> {
    const server = await RunningServer.start({ listen: LISTEN })
    try {
      const url = `mqtt://127.0.0.1:${server.port('mqtt')}`
      const own = await mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0 })
      return new ForeignHouse(server, own)
    } catch (error) {
      await server.dispose()
      throw error
    }
  }

  /** First level of the topics of one test. */
  place(): string {
    this.#places += 1
    return `place${this.#places}`
  }

  /** For anyone, without TLS. */
  door(version: 4 | 5): Door {
    return { port: this.#server.port('mqtt'), version }
  }

  /** With TLS, for a new access key that may use the topics of this place. */
  async securedDoor(version: 4 | 5, place: string): Promise<Required<Door>> {
    const filters = [`${place}/#`]
    const policy = { publish: filters, subscribe: filters }
    const { body } = await this.#server.api('POST', '/keys', { note: place, mqtt: policy })
    const { id, secret } = body as { readonly id: string; readonly secret: string }
    const caFile = this.#server.ready.caFile as string
    return { port: this.#server.port('mqtts'), version, secured: { caFile, id, secret } }
  }

  /** For anyone, and the test reads along. */
  async tap(t: TestContext, version: 4 | 5): Promise<{ wire: Wiretap; door: Door }> {
    const wire = await Wiretap.open(t, this.#server.port('mqtt'), version)
    return { wire, door: { port: wire.port, version } }
  }

  /** Starts a subscriber; resolves once its SUBACK is there. */
  async subscribed(
    t: TestContext,
    version: 4 | 5,
    line: (door: Door) => CommandLine,
  ): Promise<{ wire: Wiretap; subscriber: ForeignProcess }> {
    const { wire, door } = await this.tap(t, version)
    const subscriber = ForeignProcess.start(t, line(door))
    await wire.packet('server', 'suback')
    return { wire, subscriber }
  }

  /** Runs a program to its end, which must be a good one. */
  async run(t: TestContext, line: CommandLine, input = ''): Promise<ForeignProcess> {
    const program = ForeignProcess.start(t, line, input)
    const code = await program.ended
    assert.equal(code, 0, `${line.join(' ')}\n${program.lines.items.join('\n')}`)
    return program
  }

  /** The first message that `own` heard on this topic, past or to come. */
  heardOn(topic: string): Promise<IPublishPacket> {
    return this.heard.find((packet) => packet.topic === topic)
  }

  async close(): Promise<void> {
    await this.own.endAsync(true)
    await this.#server.dispose()
  }
}
