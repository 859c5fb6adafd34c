/** The MQTT side of a shard behind real doors: real turns and time, loopback sockets, anyone may come in. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { ShardTurn } from '../../../actors/runtime/shard-turn.ts'
import type { Limits, ListenerProtocol, ListenerSpec } from '../../../core/domain/settings.ts'
import { ConnectionGate, OpenConnections } from '../../../protocol/listeners/connection-gate.ts'
import type { TransportSurroundings } from '../../../protocol/listeners/gathered-transport.ts'
import type { TlsMaterial } from '../../../protocol/listeners/listener.ts'
import { Entrance } from '../../../protocol/mqtt/entrance.ts'
import type { Login } from '../../../protocol/mqtt/login.ts'
import { createAuthority, issueServerCertificate } from '../../../protocol/tls/development-ca.ts'
import { systemClock } from '../../../threads/system.ts'
import { temporaryDirectory } from '../../support/temporary.ts'
import { MemoryBroker } from '../mqtt/memory-broker.ts'

export class DoorHouse {
  readonly broker: MemoryBroker
  readonly open: OpenConnections
  readonly gate: ConnectionGate
  readonly entrance: Entrance
  readonly around: TransportSurroundings

  /** What is still connected when the test ends is destroyed. */
  constructor(t: TestContext, limit = 100, limits: Partial<Limits> = {}, login?: Login) {
    this.broker = new MemoryBroker({ limits })
    const { slab, tally } = this.broker
    const turn = new ShardTurn({
      clock: systemClock,
      log: { commit: () => 'empty', sync: () => {} },
      counters: tally,
      schedule: (end) => setImmediate(end),
      onFlushed: slab.reset,
    })
    const { backlogBytes } = this.broker.around.limits
    this.around = { turn, slab, backlogBytes }
    this.open = new OpenConnections(limit, limits.connectionsPerAddress)
    this.entrance = new Entrance({
      clock: systemClock,
      turn,
      schedule: (slice) =>
        void setImmediate(() => {
          turn.enter()
          slice()
        }),
      limit: this.broker.around.limits.connectsWaiting,
      shedding: () => this.open.shedding !== undefined,
    })
    const around = { ...this.broker.around, turn, entrance: this.entrance }
    this.gate = new ConnectionGate(this.open, login ?? this.broker.welcome, around)
    t.after(() => this.open.destroyAll())
  }

  count(name: string): number {
    return this.broker.count(name)
  }
}

export function specOf(protocol: ListenerProtocol, port = 0): ListenerSpec {
  return {
    url: `${protocol}://127.0.0.1:${port}`,
    protocol,
    host: '127.0.0.1',
    port,
    profile: 'plain',
    auth: 'anonymous',
    optional: false,
  }
}

/** A certificate for 127.0.0.1, and what its clients trust. */
export async function tlsMaterial(t: TestContext): Promise<TlsMaterial & { readonly ca: string }> {
  const directory = temporaryDirectory(t)
  const now = new Date()
  const authority = await createAuthority(now)
  const pair = await issueServerCertificate(authority, ['127.0.0.1'], now)
  const certFile = join(directory, 'server.crt')
  const keyFile = join(directory, 'server.key')
  writeFileSync(certFile, pair.certificate)
  writeFileSync(keyFile, pair.key)
  const ticketKeys = new Uint8Array(48)
  return { certFile, keyFile, minVersion: 'TLSv1.2', ticketKeys, ca: authority.certificate }
}

/** Waits for what a real socket brings about. @throws after ten seconds */
export async function until(claim: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 10_000; !claim(); await wait(2)) {
    if (performance.now() > deadline) throw new Error(`it never came about: ${String(claim)}`)
  }
}
