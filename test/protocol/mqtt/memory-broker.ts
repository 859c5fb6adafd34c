/**
 * The MQTT side of one shard in memory: real turn, timers, router, sessions and directory. Sockets, time
 * and the login are the test's.
 */
import { RetainedFigures } from '../../../actors/router/retained-figures.ts'
import { RetainedMessages } from '../../../actors/router/retained-messages.ts'
import { Router } from '../../../actors/router/router.ts'
import { Background } from '../../../actors/runtime/background.ts'
import { Mesh } from '../../../actors/runtime/mesh.ts'
import { Tally } from '../../../actors/runtime/tally.ts'
import { TimingWheel } from '../../../actors/runtime/timing-wheel.ts'
import { Session } from '../../../actors/session/session.ts'
import { SessionFigures } from '../../../actors/session/session-figures.ts'
import { SessionHouse } from '../../../actors/session/session-house.ts'
import type { AccessPolicy } from '../../../core/domain/access-policy.ts'
import type { LogEntry } from '../../../core/domain/log-entry.ts'
import type { RetainedRow } from '../../../core/domain/retained-row.ts'
import type { Limits } from '../../../core/domain/settings.ts'
import { deriveSettings } from '../../../core/domain/settings-schema.ts'
import type { SessionMaker } from '../../../core/ports/client-session.ts'
import type { DeviceHost } from '../../../core/ports/device-host.ts'
import { OutputSlab } from '../../../protocol/listeners/output-slab.ts'
import { ConnectRates } from '../../../protocol/mqtt/connect-rates.ts'
import type { ConnectionSurroundings } from '../../../protocol/mqtt/connection-surroundings.ts'
import { ControlPackets, IncomingAcknowledgement } from '../../../protocol/mqtt/control-packets.ts'
import { Entrance } from '../../../protocol/mqtt/entrance.ts'
import { IncomingPublish } from '../../../protocol/mqtt/incoming-publish.ts'
import type { Login } from '../../../protocol/mqtt/login.ts'
import { SharedFrames } from '../../../protocol/mqtt/shared-frames.ts'
import type { DeviceHouse } from '../../support/device-house.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { ManualTurns } from '../../support/manual-turns.ts'
import { MemoryRetained } from '../../support/memory-retained.ts'
import { MemorySessions } from '../../support/memory-sessions.ts'
import { RecordedDiagnostics } from '../../support/recorded-diagnostics.ts'
import { countingRandom } from '../../support/service-house.ts'
import { soloDirectory } from '../../support/solo-mesh.ts'
import { MemoryClient } from './memory-client.ts'
import { type ConnectOptions, connectPacket } from './packets.ts'

const NO_DEVICES: DeviceHost = {
  knows: () => false,
  claim: () => {
    throw new Error('no device lives here')
  },
}

export interface BrokerOptions {
  readonly limits?: Partial<Limits>
  readonly policy?: AccessPolicy
  /** Of a broker before this one, as its process left it. */
  readonly sessionStore?: MemorySessions
  readonly sessionFigures?: SessionFigures
  readonly incarnation?: number
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
  /** Entries of lasting sessions, and of what waits for them. */
  readonly log: LogEntry[] = []
  readonly sessionStore: MemorySessions
  readonly sessions: SessionHouse
  shedding = false
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
    this.sessionStore = options.sessionStore ?? new MemorySessions()
    const directory = soloDirectory(this.timers)
    const makeSession: SessionMaker = (outlet, { receiveMaximum, arrivals }) => {
      const inflight = Math.min(limits.inflight, receiveMaximum)
      const queue = { messages: limits.queueMessages, bytes: limits.queueBytes }
      const bounds = { inflight, arrivals, queue, queuePolicy: limits.queuePolicy }
      return new Session(outlet, {
        bounds,
        counters: this.tally,
        now: () => this.turns.turn.now,
        background: background.add,
      })
    }
    this.sessions = new SessionHouse({
      shard: 0,
      incarnation: options.incarnation ?? 1,
      figures: options.sessionFigures ?? new SessionFigures(),
      mesh: new Mesh({ shard: 0, turn: this.turns.turn }),
      directory,
      base: 0,
      reader: this.sessionStore,
      sink: this.sessionStore,
      limits,
      counters: this.tally,
      timers: this.timers,
      background: background.add,
      now: () => this.turns.turn.now,
      append: (entry) => this.log.push({ ...entry, payload: Uint8Array.from(entry.payload) }),
      makeSession,
      publishWill: (session, will) => {
        const route = this.router.route(will.topic)
        if (will.retain) this.router.retain(route, will)
        this.router.publish(route, will, session)
      },
      onOverdrawn: () => {},
      onTold: () => {},
    })
    this.router = new Router({
      waiting: this.sessions.waiting,
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
      entrance: new Entrance({
        clock: this.clock,
        turn: this.turns.turn,
        schedule: (slice) => this.#slices.push(slice),
        limit: limits.connectsWaiting,
        shedding: () => this.shedding,
      }),
      rates: new ConnectRates(limits, this.clock.monotonic()),
      packets: new ControlPackets(limits.userProperties),
      incoming: new IncomingPublish(limits.userProperties),
      frames: new SharedFrames(),
      acknowledgement: new IncomingAcknowledgement(limits.userProperties),
      acks: new Uint16Array(4096),
      profile: house === undefined ? 'plain' : 'alibaba',
      relay: this.router,
      directory,
      devices: house?.devices ?? NO_DEVICES,
      inbox: house?.devices ?? { deliverCustom: () => 'offline' },
      makeSession,
      sessions: this.sessions.host(0, ''),
    }
    this.sessions.attach(0, this.router)
    this.turns.turn.enter()
    this.sessions.load(() => true)
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
    for (const take of [this.sessions.waiting.share, this.sessions.sessions.share]) {
      const other = take()
      await other?.store().catch(() => other.failed())
    }
  }

  passSeconds(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.clock.advance(1000)
      this.timers.tick()
      this.turns.turn.enter()
      this.sessions.sessions.tick(() => true)
      this.settle()
    }
  }

  count(name: string): number {
    return this.tally.snapshot()[name] ?? 0
  }
}

const EVERYTHING: AccessPolicy = { publish: ['#'], subscribe: ['#'] }
