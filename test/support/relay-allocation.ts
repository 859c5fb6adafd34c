/**
 * What a message at QoS 0 allocates on its way from one connection to another: real connections, sessions, router and turns
 * over sockets that drop what is written. A process of its own with a young generation so large that nothing is
 * collected meanwhile; one line of JSON.
 */
import { setTimeout as wait } from 'node:timers/promises'
import mqttPacket from 'mqtt-packet'
import { GatheredTransport } from '../../protocol/listeners/gathered-transport.ts'
import { MqttConnection } from '../../protocol/mqtt/connection.ts'
import { MemoryBroker } from '../protocol/mqtt/memory-broker.ts'
import { connectPacket, publish, subscribe } from '../protocol/mqtt/packets.ts'

const MESSAGES_PER_READ = 40
const READS = 2000
const ROUNDS = 8

class SilentTransport extends GatheredTransport {
  readonly remoteAddress = '192.0.2.7'
  readonly secure = false
  bytes = 0

  read(buffer: Buffer): void {
    this.received(buffer, buffer.length)
  }

  protected override writeOut(bytes: Buffer): void {
    this.bytes += bytes.length
  }

  protected override unsentBytes(): number {
    return 0
  }

  protected override stopReading(): void {}
  protected override startReading(): void {}
  protected override endWriting(): void {}
  override destroy(): void {}
}

const broker = new MemoryBroker()

function join(clientId: string): SilentTransport {
  const { turn } = broker.turns
  const transport = new SilentTransport({ turn, slab: broker.slab, backlogBytes: 1_000_000 })
  transport.attach(new MqttConnection(transport, broker.welcome, broker.around))
  transport.read(mqttPacket.generate(connectPacket({ clientId })))
  broker.settle()
  return transport
}

const [reader, writer] = [join('reader'), join('writer')]
reader.read(mqttPacket.generate(subscribe(1, ['a/topic/of/some/length', 0])))
broker.settle()
const packet = mqttPacket.generate(publish('a/topic/of/some/length', 'x'.repeat(64)))
const chunk = Buffer.concat(Array.from({ length: MESSAGES_PER_READ }, () => packet))

function relay(reads: number): void {
  for (let i = 0; i < reads; i++) {
    writer.read(chunk)
    broker.turns.settle()
  }
}

const outside = (use: NodeJS.MemoryUsage): number => use.heapUsed + use.external
const messages = READS * MESSAGES_PER_READ
let bytesPerMessage = Number.POSITIVE_INFINITY
let delivered = 0
// The least of some rounds: in the first ones code is not optimized yet, by threads that may get little time.
for (let round = 0; round < ROUNDS; round++) {
  await wait(50)
  globalThis.gc?.()
  const before = process.memoryUsage()
  const bytesBefore = reader.bytes
  relay(READS)
  const allocated = outside(process.memoryUsage()) - outside(before)
  bytesPerMessage = Math.min(bytesPerMessage, allocated / messages)
  delivered = (reader.bytes - bytesBefore) / packet.length
}
process.stdout.write(JSON.stringify({ messages, delivered, bytesPerMessage }))
