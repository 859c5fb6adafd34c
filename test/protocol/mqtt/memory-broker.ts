/**
 * The MQTT side of one shard in memory: real turn, timers, router, sessions and directory. Sockets, time
 * and the login are the test's.
 */
import { RetainedFigures } from '../../../actors/router/retained-figures.ts'
import { RetainedMessages } from '../../../actors/router/retained-messages.ts'
import { Router } from '../../../actors/router/router.ts'
import { Background } from '../../../actors/runtime/background.ts'
import { Tally } from '../../../actors/runtime/tally.ts'
import { TimingWheel } from '../../../actors/runtime/timing-wheel.ts'
import { Session } from '../../../actors/session/session.ts'
import type { AccessPolicy } from '../../../core/domain/access-policy.ts'
import type { RetainedRow } from '../../../core/domain/retained-row.ts'
import type { Limits } from '../../../core/domain/settings.ts'
import { deriveSettings } from '../../../core/domain/settings-schema.ts'
import type { DeviceHost } from '../../../core/ports/device-host.ts'
import { OutputSlab } from '../../../protocol/listeners/output-slab.ts'
import type { ConnectionSurroundings } from '../../../protocol/mqtt/connection-surroundings.ts'
import { ControlPackets, IncomingAcknowledgement } from '../../../protocol/mqtt/control-packets.ts'
import { IncomingPublish } from '../../../protocol/mqtt/incoming-publish.ts'
import type { Login } from '../../../protocol/mqtt/login.ts'
import { TokenBucket } from '../../../protocol/mqtt/token-bucket.ts'
import type { DeviceHouse } from '../../support/device-house.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { ManualTurns } from '../../support/manual-turns.ts'
import { MemoryRetained } from '../../support/memory-retained.ts'
import { RecordedDiagnostics } from '../../support/recorded-diagnostics.ts'
import { countingRandom } from '../../support/service-house.ts'
import { soloDirectory } from '../../support/solo-mesh.ts'
import { MemoryClient } from './memory-client.ts'
import { type ConnectOptions, connectPacket } from './packets.ts'

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
  readonly store: MemoryRetained = new MemoryRetained()
  readonly retained: RetainedMessages
  readonly router: Router
  readonly diagnostics: RecordedDiagnostics = new RecordedDiagnostics()
  readonly around: ConnectionSurroundings
  readonly slab: OutputSlab = new OutputSlab()
  readonly figures: RetainedFigures = new RetainedFigures()
  /** Retained messages that were written to the log. */
  readonly journal: RetainedRow[] = []
  readonly #options: BrokerOptions
  readonly #slices: (() => void)[] = []

  constructor(options: BrokerOptions = {}) {
    const { house } = options
    const limits = { ...deriveSettings({}).limits, ...options.limits }
    this.#options = options
    this.clock = house?.clock ?? new FakeClock()
    this.tally = house?.tally ?? new Tally()
    this.timers = house?.timers ?? new TimingWheel(this.clock)
    this.turns = new ManualTurns(this.clock, this.tally, this.slab.reset)
    const background = new Background(this.clock, (slice) => this.#slices.push(slice))
    this.retained = new RetainedMessages({
      shard: 0,
      incarnation: 1,
      figures: this.figures,
      bounds: { messages: limits.retainedMessages, bytes: limits.retainedBytes },
      reader: this.store,
      sink: this.store,
      journal: (row) => this.journal.push(row),
      announce: () => {},
      announceStored: () => {},
      now: () => this.turns.turn.now,
    })
    this.router = new Router({
      retained: this.retained,
      onNobody: () => this.tally.add('delivery.dropped', 'no-member'),
    })
    this.around = {
      turn: this.turns.turn,
      timers: this.timers,
      counters: this.tally,
      diagnostics: this.diagnostics,
      random: countingRandom(),
      limits,
      traffic: { received: 0, sent: 0 },
      connects: new TokenBucket(limits.connectsPerSec, this.clock.monotonic()),
      packets: new ControlPackets(limits.userProperties),
      incoming: new IncomingPublish(limits.userProperties),
      acknowledgement: new IncomingAcknowledgement(limits.userProperties),
      acks: new Uint16Array(4096),
      profile: house === undefined ? 'plain' : 'alibaba',
      relay: this.router,
      directory: soloDirectory(this.timers),
      devices: house?.devices ?? NO_DEVICES,
      inbox: house?.devices ?? { deliverCustom: () => 'offline' },
      makeSession: (outlet, { receiveMaximum, arrivals }) => {
        const inflight = Math.min(limits.inflight, receiveMaximum)
        const queue = { messages: limits.queueMessages, bytes: limits.queueBytes }
        const bounds = { inflight, arrivals, queue, queuePolicy: limits.queuePolicy }
        return new Session(outlet, {
          bounds,
          counters: this.tally,
          now: () => this.turns.turn.now,
          background: background.add,
        })
      },
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

  /** Ends the open turn, and does what waits in the background. */
  readonly settle = (): void => {
    this.turns.settle()
    for (let slice = this.#slices.shift(); slice !== undefined; slice = this.#slices.shift()) {
      this.turns.turn.enter()
      slice()
      this.turns.settle()
    }
  }

  /** What is retained becomes the store's. */
  async checkpoint(): Promise<void> {
    const share = this.retained.share()
    await share?.store().catch(() => share.failed())
    this.figures.setTotals({ messages: this.store.messages, bytes: 0 })
  }

  passSeconds(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.clock.advance(1000)
      this.timers.tick()
      this.settle()
    }
  }

  count(name: string): number {
    return this.tally.snapshot()[name] ?? 0
  }
}

const EVERYTHING: AccessPolicy = { publish: ['#'], subscribe: ['#'] }
