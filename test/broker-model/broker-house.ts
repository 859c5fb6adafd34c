/**
 * The MQTT side of several shards in one thread: real connections, sessions, routers, directory, mesh and turns. What
 * moves next (the end of a turn, a frame of the mesh, a client's answer) is chance's to say.
 */

import { RemoteRoutes } from '../../actors/router/remote-routes.ts'
import { RetainedFigures } from '../../actors/router/retained-figures.ts'
import { RetainedMessages } from '../../actors/router/retained-messages.ts'
import { Router } from '../../actors/router/router.ts'
import { SharedRetained } from '../../actors/router/shared-retained.ts'
import { Background } from '../../actors/runtime/background.ts'
import { Session } from '../../actors/session/session.ts'
import { SessionFigures } from '../../actors/session/session-figures.ts'
import { SessionHouse } from '../../actors/session/session-house.ts'
import { SharedDirectory } from '../../actors/session/shared-directory.ts'
import { deriveSettings } from '../../core/domain/settings-schema.ts'
import type { CheckpointShare } from '../../core/ports/checkpoint-sink.ts'
import type { SessionMaker } from '../../core/ports/client-session.ts'
import { OutputSlab } from '../../protocol/listeners/output-slab.ts'
import { ConnectRates } from '../../protocol/mqtt/connect-rates.ts'
import type { ConnectionSurroundings } from '../../protocol/mqtt/connection-surroundings.ts'
import { ControlPackets, IncomingAcknowledgement } from '../../protocol/mqtt/control-packets.ts'
import { Entrance } from '../../protocol/mqtt/entrance.ts'
import { IncomingPublish } from '../../protocol/mqtt/incoming-publish.ts'
import { SharedFrames } from '../../protocol/mqtt/shared-frames.ts'
import { type GroupShard, ShardGroup } from '../actors/shard-group.ts'
import type { Chance } from '../simulation/chance.ts'
import { MemoryRetained } from '../support/memory-retained.ts'
import { MemorySessions } from '../support/memory-sessions.ts'
import { RecordedDiagnostics } from '../support/recorded-diagnostics.ts'
import { countingRandom } from '../support/service-house.ts'
import { EXPIRY_SEC } from './script.ts'

export interface BrokerShard {
  readonly around: ConnectionSurroundings
  readonly slab: OutputSlab
  readonly retained: RetainedMessages
  readonly sessions: SessionHouse
}

interface Storing {
  readonly shares: CheckpointShare[]
  /** Until a part has been stored. */
  busy: Promise<void> | undefined
}

export class BrokerHouse {
  readonly group: ShardGroup
  readonly shards: readonly BrokerShard[]
  readonly #store = new MemoryRetained()
  readonly #figures = new RetainedFigures()
  readonly #sessionStore = new MemorySessions()
  readonly #sessionFigures = new SessionFigures()
  readonly #chance: Chance
  readonly #slabs: readonly OutputSlab[]
  /** Background work, with the shard that it is of. */
  readonly #slices: { readonly shard: GroupShard; readonly run: () => void }[] = []

  /** By shard, what is on its way to the store. */
  readonly #storing: (Storing | undefined)[] = []
  readonly #tight: boolean

  /** @param tight  lasting sessions keep two messages in memory that they have no room for */
  constructor(count: number, chance: Chance, tight: boolean) {
    this.#tight = tight
    this.#chance = chance
    this.#slabs = Array.from({ length: count }, () => new OutputSlab())
    this.group = new ShardGroup(count, undefined, (shard) => this.#slabs[shard]?.reset())
    this.shards = this.group.shards.map((shard) => this.#open(shard, count))
  }

  /** Until nothing moves any more. */
  settle(): void {
    for (;;) {
      const moves = this.#moves()
      if (moves.length === 0) return
      this.#chance.pick(moves)()
    }
  }

  /** Time goes by. */
  tick(seconds: number): void {
    this.group.clock.advance(seconds * 1000)
    for (const [number, { sessions }] of this.shards.entries()) {
      const { timers, turns } = this.group.shard(number)
      timers.tick()
      turns.turn.enter()
      sessions.sessions.tick((session) => session % this.shards.length === number)
    }
  }

  /** A shard begins to store what has changed: it leaves part by part while others move. */
  checkpoint(shard: number): void {
    if (this.#storing[shard] !== undefined) return // one at a time
    const { turns } = this.group.shard(shard)
    const { retained, sessions } = this.shards[shard] as BrokerShard
    turns.turn.enter()
    const shares = [retained.share(), sessions.waiting.share(), sessions.sessions.share()]
    this.#storing[shard] = {
      shares: shares.filter((share) => share !== undefined),
      busy: undefined,
    }
  }

  /** A shard stores what has changed, and is through. */
  async store(shard: number): Promise<void> {
    this.checkpoint(shard)
    for (let step = this.#storing[shard]; step !== undefined; step = this.#storing[shard]) {
      if (step.busy === undefined) this.#storeSome(shard, step)
      await step.busy
    }
  }

  #storeSome(shard: number, step: Storing): void {
    const share = step.shares.shift()
    if (share === undefined) {
      this.#storing[shard] = undefined
      return
    }
    step.busy = share.store().then(() => {
      step.busy = undefined
    })
    this.#figures.setTotals({ messages: this.#store.messages, bytes: 0 }) // before its shard hears of it
  }

  #moves(): (() => void)[] {
    const moves: (() => void)[] = []
    for (const shard of this.group.shards) {
      if (shard.turns.turn.open) moves.push(() => shard.turns.settle())
      for (const line of shard.lines.values()) {
        if (line.queue.length > 0) moves.push(() => void line.step())
      }
    }
    for (const [shard, step] of this.#storing.entries()) {
      if (step?.busy === undefined && step !== undefined) {
        moves.push(() => this.#storeSome(shard, step))
      }
    }
    const slice = this.#slices[0]
    if (slice !== undefined) {
      moves.push(() => {
        this.#slices.shift()
        slice.shard.turns.turn.enter()
        slice.run()
      })
    }
    return moves
  }

  #open(shard: GroupShard, count: number): BrokerShard {
    const { mesh, timers, tally, number } = shard
    const { turn } = shard.turns
    const limits = { ...deriveSettings({}).limits, inflight: 2, sessionExpirySec: EXPIRY_SEC }
    const routes = count > 1 ? new RemoteRoutes({ mesh, timers, counters: tally }) : undefined
    const shared = new SharedRetained(mesh, () => {})
    const retained = new RetainedMessages({
      shard: number,
      incarnation: 1,
      figures: this.#figures,
      bounds: { messages: 1000, bytes: 1e9 },
      reader: this.#store,
      sink: this.#store,
      journal: () => {},
      announce: shared.announce,
      announceStored: shared.announceStored,
      now: () => turn.now,
    })
    shared.serve(retained)
    const directory = new SharedDirectory({
      shard: number,
      shards: count,
      presence: this.group.presence,
      mesh,
      timers,
      firstNumber: 1,
      capacity: 100,
      awaits: [],
    })
    const makeSession: SessionMaker = (outlet, { receiveMaximum, arrivals }) => {
      const inflight = Math.min(limits.inflight, receiveMaximum)
      const queue = { messages: limits.queueMessages, bytes: limits.queueBytes }
      const bounds = { inflight, arrivals, queue, queuePolicy: limits.queuePolicy }
      const parts = { bounds, counters: tally, now: () => turn.now }
      return new Session(outlet, { ...parts, background: background.add })
    }
    const { clock } = this.group
    const background = new Background(clock, (run) => this.#slices.push({ shard, run }))
    const slab = this.#slabs[number] as OutputSlab
    const sessions = new SessionHouse({
      shard: number,
      incarnation: 1,
      figures: this.#sessionFigures,
      mesh,
      directory,
      base: 0,
      reader: this.#sessionStore,
      sink: this.#sessionStore,
      limits: this.#tight ? { ...limits, queueMessages: 2 } : limits,
      counters: tally,
      timers,
      background: background.add,
      now: () => turn.now,
      append: () => {},
      makeSession,
      publishWill: (session, will) => {
        const route = relay.route(will.topic)
        if (will.retain) relay.retain(route, will)
        relay.publish(route, will, session)
      },
      onOverdrawn: () => {},
      onTold: () => routes?.touch(),
    })
    const relay = new Router({ others: routes, retained, waiting: sessions.waiting })
    sessions.attach(0, relay)
    const around: ConnectionSurroundings = {
      turn,
      timers,
      counters: tally,
      diagnostics: new RecordedDiagnostics(),
      random: countingRandom(),
      limits,
      traffic: { received: 0, sent: 0 },
      entrance: new Entrance({
        clock,
        turn,
        schedule: (run) => this.#slices.push({ shard, run }),
        limit: limits.connectsWaiting,
        shedding: () => false,
      }),
      rates: new ConnectRates(limits, clock.monotonic()),
      packets: new ControlPackets(limits.userProperties),
      incoming: new IncomingPublish(limits.userProperties),
      frames: new SharedFrames(),
      acknowledgement: new IncomingAcknowledgement(limits.userProperties),
      acks: new Uint16Array(4096),
      profile: 'plain',
      relay,
      directory,
      devices: { knows: () => false, claim: () => {} },
      inbox: { deliverCustom: () => 'offline' },
      makeSession,
      sessions: sessions.host(0, ''),
    }
    return { around, slab, retained, sessions }
  }
}
