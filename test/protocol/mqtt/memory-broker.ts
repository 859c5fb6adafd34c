/**
 * The MQTT side of one shard in memory: real turn, timers, router, sessions and directory. Sockets, time
 * and the login are the test's.
 */
import mqttPacket, { type IConnectPacket, type Packet } from 'mqtt-packet'
import { Router } from '../../../actors/router/router.ts'
import { Tally } from '../../../actors/runtime/tally.ts'
import { TimingWheel } from '../../../actors/runtime/timing-wheel.ts'
import { LocalDirectory } from '../../../actors/session/local-directory.ts'
import { Session } from '../../../actors/session/session.ts'
import type { AccessPolicy } from '../../../core/domain/access-policy.ts'
import type { Limits } from '../../../core/domain/settings.ts'
import { deriveSettings } from '../../../core/domain/settings-schema.ts'
import type { DeviceHost } from '../../../core/ports/device-host.ts'
import { OutputSlab } from '../../../protocol/listeners/output-slab.ts'
import { MqttConnection } from '../../../protocol/mqtt/connection.ts'
import type { ConnectionSurroundings } from '../../../protocol/mqtt/connection-surroundings.ts'
import { ControlPackets } from '../../../protocol/mqtt/control-packets.ts'
import { IncomingPublish } from '../../../protocol/mqtt/incoming-publish.ts'
import type { Login } from '../../../protocol/mqtt/login.ts'
import type { DeviceHouse } from '../../support/device-house.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { ManualTurns } from '../../support/manual-turns.ts'
import { MemoryTransport } from '../../support/memory-transport.ts'
import { RecordedDiagnostics } from '../../support/recorded-diagnostics.ts'
import { countingRandom } from '../../support/service-house.ts'

const NO_DEVICES: DeviceHost = {
  claim: () => {
    throw new Error('no device lives here')
  },
}

export interface BrokerOptions {
  readonly limits?: Partial<Limits>
  readonly policy?: AccessPolicy
  /** Its devices connect as `{deviceName}` in the user name; others are clients. */
  readonly house?: DeviceHouse
}

export class MemoryBroker {
  readonly clock: FakeClock
  readonly tally: Tally
  readonly timers: TimingWheel
  readonly turns: ManualTurns
  readonly router: Router = new Router()
  readonly diagnostics: RecordedDiagnostics = new RecordedDiagnostics()
  readonly around: ConnectionSurroundings
  readonly slab: OutputSlab = new OutputSlab()
  readonly #options: BrokerOptions

  constructor(options: BrokerOptions = {}) {
    const { house } = options
    const limits = { ...deriveSettings({}).limits, ...options.limits }
    this.#options = options
    this.clock = house?.clock ?? new FakeClock()
    this.tally = house?.tally ?? new Tally()
    this.timers = house?.timers ?? new TimingWheel(this.clock)
    this.turns = new ManualTurns(this.clock, this.tally, this.slab.reset)
    this.around = {
      turn: this.turns.turn,
      timers: this.timers,
      counters: this.tally,
      diagnostics: this.diagnostics,
      random: countingRandom(),
      limits,
      traffic: { received: 0, sent: 0 },
      packets: new ControlPackets(),
      incoming: new IncomingPublish(),
      acks: new Uint16Array(4096),
      profile: house === undefined ? 'plain' : 'alibaba',
      relay: this.router,
      directory: new LocalDirectory(),
      devices: house?.devices ?? NO_DEVICES,
      inbox: house?.devices ?? { deliverCustom: () => 'offline' },
      makeSession: (outlet, receiveMaximum) =>
        new Session(
          outlet,
          {
            inflight: Math.min(limits.inflight, receiveMaximum),
            queue: { messages: limits.queueMessages, bytes: limits.queueBytes },
          },
          this.tally,
        ),
    }
  }

  /** Lets anyone in: as the device of its user name where there is one, else as a client. */
  readonly welcome: Login = ({ connect }, done) => {
    const { house, policy } = this.#options
    const device = house?.registry.device('k1metermete', connect.username ?? '')
    if (device === undefined) {
      done({ kind: 'client', owner: 'key', policy: policy ?? EVERYTHING })
    } else {
      const systemTopicsSubscribed = connect.clientId.includes('_ss=1')
      done({ kind: 'device', device, systemTopicsSubscribed, hint: undefined })
    }
  }

  /** A socket that has said nothing yet. */
  accept(login: Login = this.welcome): MemoryClient {
    return new MemoryClient(this, login)
  }

  /** A client whose CONNECT was answered; the CONNACK is still unread. */
  connect(options: ConnectOptions = {}, login: Login = this.welcome): MemoryClient {
    const client = this.accept(login)
    client.level = options.protocolVersion ?? 4
    client.send(connectPacket(options))
    return client
  }

  /** As `connect`, with its answer read. */
  join(options: ConnectOptions = {}): MemoryClient {
    const client = this.connect(options)
    client.received()
    return client
  }

  passSeconds(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.clock.advance(1000)
      this.timers.tick()
      this.turns.settle()
    }
  }

  count(name: string): number {
    return this.tally.snapshot()[name] ?? 0
  }
}

const EVERYTHING: AccessPolicy = { publish: ['#'], subscribe: ['#'] }

export type ConnectOptions = Partial<Omit<IConnectPacket, 'cmd'>>

let clients = 0

export function connectPacket(options: ConnectOptions): IConnectPacket {
  const protocolVersion = options.protocolVersion ?? 4
  clients += 1
  return {
    cmd: 'connect',
    protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
    clientId: `client-${clients}`,
    clean: true,
    keepalive: 0,
    ...options,
    protocolVersion,
  }
}

export class MemoryClient {
  readonly transport: MemoryTransport
  readonly connection: MqttConnection
  level: 3 | 4 | 5 = 4
  readonly #broker: MemoryBroker

  constructor(broker: MemoryBroker, login: Login) {
    const { turn, limits } = broker.around
    const { backlogBytes } = limits
    this.#broker = broker
    this.transport = new MemoryTransport({ turn, slab: broker.slab, backlogBytes })
    this.connection = new MqttConnection(this.transport, login, broker.around)
    this.transport.attach(this.connection)
  }

  /** All of it in one read; the turn that it began ends before this returns. */
  send(...packets: (Packet | Uint8Array)[]): void {
    this.transport.say(Buffer.concat(packets.map((packet) => this.encode(packet))))
    this.#broker.turns.settle()
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

/** `publish t 1`, `puback 7`, `suback 9 0,1`, `connack 5`, `disconnect 142`. */
function inWords(packet: Packet): string {
  const { cmd, messageId } = packet
  switch (packet.cmd) {
    case 'publish':
      return `publish ${packet.topic} ${packet.payload.toString()}`
    case 'connack':
      return `connack ${packet.reasonCode ?? packet.returnCode}`
    case 'disconnect':
      return `disconnect ${packet.reasonCode}`
    case 'puback':
      return [cmd, messageId, packet.reasonCode || undefined].filter((x) => x !== undefined).join(' ')
    case 'suback':
      return `suback ${messageId} ${packet.granted.join()}`
    case 'unsuback':
      return [cmd, messageId, packet.granted?.join()].filter((x) => x !== undefined).join(' ')
    default:
      return cmd
  }
}

/** A PUBLISH in short. */
export function publish(
  topic: string,
  payload: string,
  qos: 0 | 1 = 0,
  messageId = 1,
): Packet & { cmd: 'publish' } {
  const id = qos === 0 ? {} : { messageId }
  return { cmd: 'publish', topic, payload, qos, dup: false, retain: false, ...id }
}

export function subscribe(
  messageId: number,
  ...filters: readonly (readonly [filter: string, qos: 0 | 1 | 2])[]
): Packet & { cmd: 'subscribe' } {
  const subscriptions = filters.map(([topic, qos]) => ({ topic, qos }))
  return { cmd: 'subscribe', messageId, subscriptions }
}
