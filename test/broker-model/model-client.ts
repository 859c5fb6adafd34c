/** A client that speaks MQTT as it should: answers what asks for an answer, unless it is told to hold back. */
import mqttPacket, { type IPublishPacket, type Packet } from 'mqtt-packet'
import { MqttConnection } from '../../protocol/mqtt/connection.ts'
import type { Login } from '../../protocol/mqtt/login.ts'
import { MemoryTransport } from '../support/memory-transport.ts'
import type { BrokerShard } from './broker-house.ts'
import type { Delivery } from './reference-model.ts'

const WELCOME: Login = (_request, done) =>
  done({ kind: 'client', owner: '', policy: { publish: ['#'], subscribe: ['#'] } })

export class ModelClient {
  /** Of its connection, as the model counts them. */
  readonly number: number
  readonly level: 3 | 4 | 5
  readonly heard: Delivery[]
  /** Packets that tell of the connection: CONNACK, SUBACK, DISCONNECT. */
  readonly told: Packet[] = []
  holds = false
  /** Payloads of messages that it has heard and not acknowledged. */
  readonly unacknowledged: Set<string> = new Set()
  /** Packet ids whose exchange of QoS 2 is open. */
  readonly #open: Set<number>
  /** What came last at QoS 1 under a packet id: it may come again. */
  readonly #came: Map<number, string>
  readonly #transport: MemoryTransport
  readonly #parser: mqttPacket.Parser
  #due: Packet[] = []
  #held: Packet[] = []
  #nextId = 0

  /** @param before  whose session it goes on with */
  constructor(
    number: number,
    level: 3 | 4 | 5,
    { around, slab }: BrokerShard,
    before: ModelClient | undefined,
  ) {
    this.number = number
    this.level = level
    this.heard = before?.heard ?? []
    this.#open = before === undefined ? new Set() : before.#open
    this.#came = before === undefined ? new Map() : before.#came
    const { turn, limits } = around
    this.#transport = new MemoryTransport({ turn, slab, backlogBytes: limits.backlogBytes })
    this.#transport.attach(new MqttConnection(this.#transport, WELCOME, around))
    this.#parser = mqttPacket.parser({ protocolVersion: level })
    this.#parser.on('packet', (packet: Packet) => this.#hear(packet))
  }

  get gone(): boolean {
    return this.#transport.finished || this.#transport.destroyed
  }

  say(...packets: readonly Packet[]): void {
    const bytes = packets.map((one) => mqttPacket.generate(one, { protocolVersion: this.level }))
    this.#transport.say(Buffer.concat(bytes))
  }

  hangUp(): void {
    this.#transport.hangUp()
  }

  nextId(): number {
    this.#nextId += 1
    return this.#nextId
  }

  /** Reads what came and answers; true where it has said something. */
  answer(): boolean {
    this.#parser.parse(this.#transport.takeWritten())
    if (this.gone) return false
    const due = this.#due
    this.#due = []
    if (due.length > 0) this.say(...due)
    return due.length > 0
  }

  /** Answers all that it has held back. */
  acknowledge(): void {
    this.holds = false
    const held = this.#held
    this.#held = []
    this.unacknowledged.clear()
    if (held.length > 0 && !this.gone) this.say(...held)
  }

  #hear(packet: Packet): void {
    const { cmd, messageId } = packet
    if (cmd === 'publish') this.#hearPublish(packet)
    else if (cmd === 'pubrec') this.#due.push({ cmd: 'pubrel', messageId } as Packet)
    else if (cmd === 'pubrel') {
      this.#open.delete(messageId as number)
      this.#reply({ cmd: 'pubcomp', messageId } as Packet)
    } else if (cmd !== 'puback' && cmd !== 'pubcomp') this.told.push(packet)
  }

  #hearPublish({ topic, payload, qos, retain, messageId, dup }: IPublishPacket): void {
    const delivery = { topic, payload: payload.toString(), qos, retain }
    if (qos === 0) this.heard.push(delivery)
    else if (qos === 1) {
      const again = dup && this.#came.get(messageId as number) === delivery.payload
      if (!again) this.heard.push(delivery)
      this.#came.set(messageId as number, delivery.payload)
    } else if (!this.#open.has(messageId as number)) {
      this.#open.add(messageId as number)
      this.heard.push(delivery)
    }
    if (this.holds) this.unacknowledged.add(delivery.payload)
    if (qos === 1) this.#reply({ cmd: 'puback', messageId } as Packet)
    if (qos === 2) this.#reply({ cmd: 'pubrec', messageId } as Packet)
  }

  #reply(packet: Packet): void {
    if (this.holds) this.#held.push(packet)
    else this.#due.push(packet)
  }
}
