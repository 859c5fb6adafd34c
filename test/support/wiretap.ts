/**
 * A door before the server's door, for one foreign client: bytes pass as they are, and the test reads the packets
 * of both ways. So a test waits for a SUBACK and counts acknowledgements, whatever the client says of itself.
 */
import { connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { AwaitedList } from './awaited-list.ts'

export interface TappedPacket {
  readonly from: 'client' | 'server'
  readonly packet: Packet
}

export class Wiretap {
  readonly port: number
  readonly packets: AwaitedList<TappedPacket>

  private constructor(port: number, packets: AwaitedList<TappedPacket>) {
    this.port = port
    this.packets = packets
  }

  /** Towards this port of 127.0.0.1; for MQTT 3.1.1 (4) or 5. */
  static async open(t: TestContext, port: number, protocolVersion: 4 | 5): Promise<Wiretap> {
    const packets = new AwaitedList<TappedPacket>()
    const sockets: Socket[] = []
    const listen = (socket: Socket, from: 'client' | 'server', other: Socket): void => {
      const parser = mqttPacket.parser({ protocolVersion })
      parser.on('packet', (packet: Packet) => packets.push({ from, packet }))
      socket.on('data', (chunk) => {
        other.write(chunk)
        parser.parse(chunk)
      })
      socket.on('error', () => {}) // a reset is an end
      socket.on('close', () => other.end())
      sockets.push(socket)
    }
    const door = createServer({ noDelay: true }, (client) => {
      const server = connect({ host: '127.0.0.1', port, noDelay: true })
      listen(client, 'client', server)
      listen(server, 'server', client)
    })
    t.after(() => {
      for (const socket of sockets) socket.destroy()
      door.close()
    })
    await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
    const address = door.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return new Wiretap(address.port, packets)
  }

  /** The first packet of this kind that this side sent, past or to come. */
  async packet<Command extends Packet['cmd']>(
    from: 'client' | 'server',
    cmd: Command,
  ): Promise<Extract<Packet, { cmd: Command }>> {
    const tapped = await this.packets.find((one) => one.from === from && one.packet.cmd === cmd)
    return tapped.packet as Extract<Packet, { cmd: Command }>
  }

  /** All that were delivered or sent as PUBLISH by this side. */
  published(from: 'client' | 'server'): readonly Extract<Packet, { cmd: 'publish' }>[] {
    return this.packets.items.flatMap((one) =>
      one.from === from && one.packet.cmd === 'publish' ? [one.packet] : [],
    )
  }

  /** How the exchange of messages went: `server publish`, `client puback`, … */
  get exchange(): readonly string[] {
    return this.packets.items
      .filter(({ packet }) => packet.cmd.startsWith('pub'))
      .map(({ from, packet }) => `${from} ${packet.cmd}`)
  }
}
