/** One connection of a `MemoryBroker`, and what its peer says and hears. */
import mqttPacket, { type Packet } from 'mqtt-packet'
import type { OutputSlab } from '../../../protocol/listeners/output-slab.ts'
import { MqttConnection } from '../../../protocol/mqtt/connection.ts'
import type { ConnectionSurroundings } from '../../../protocol/mqtt/connection-surroundings.ts'
import type { Login } from '../../../protocol/mqtt/login.ts'
import { MemoryTransport } from '../../support/memory-transport.ts'
import { inWords } from './packets.ts'

/** What the clients of a broker share. */
export interface ClientHome {
  readonly around: ConnectionSurroundings
  readonly slab: OutputSlab
  readonly settle: () => void
}

export class MemoryClient {
  readonly transport: MemoryTransport
  readonly connection: MqttConnection
  level: 3 | 4 | 5 = 4
  readonly #home: ClientHome

  constructor(home: ClientHome, login: Login) {
    const { turn, limits } = home.around
    const { backlogBytes } = limits
    this.#home = home
    this.transport = new MemoryTransport({ turn, slab: home.slab, backlogBytes })
    this.connection = new MqttConnection(this.transport, login, home.around)
    this.transport.attach(this.connection)
  }

  /** All of it in one read; the turn that it began ends before this returns. */
  send(...packets: (Packet | Uint8Array)[]): void {
    this.transport.say(Buffer.concat(packets.map((packet) => this.encode(packet))))
    this.#home.settle()
  }

  encode(packet: Packet | Uint8Array): Uint8Array {
    if (packet instanceof Uint8Array) return packet
    return mqttPacket.generate(packet, { protocolVersion: this.level })
  }

  /** The packets that came since the last call. */
  received(): Packet[] {
    const packets: Packet[] = []
    const parser = mqttPacket.parser({ protocolVersion: this.level })
    parser.on('packet', (packet: Packet) => packets.push(packet))
    parser.on('error', (error: Error) => {
      throw error
    })
    parser.parse(this.transport.takeWritten())
    return packets
  }

  /** As `received`, each in a few words. */
  heard(): string[] {
    return this.received().map(inWords)
  }

  get gone(): boolean {
    return this.transport.finished || this.transport.destroyed
  }
}
