/**
 * Where every accepted socket passes, whatever its listener: counts, bounds, and joins it to a new MQTT
 * connection. One per shard and listener. At the bound a socket is closed unheard, and counted.
 */
import type { LinkCloseReason } from '../../core/ports/device-link.ts'
import { MqttConnection } from '../mqtt/connection.ts'
import type { ConnectionSurroundings } from '../mqtt/connection-surroundings.ts'
import type { Entrance } from '../mqtt/entrance.ts'
import type { Login } from '../mqtt/login.ts'
import type { TransportHandler } from '../mqtt/output.ts'
import type { GatheredTransport } from './gathered-transport.ts'

/** Open connections of all shards, in shared memory. */
export interface ConnectionTotal {
  count(): number
  add(by: number): void
}

/** Open connections of one shard, over all its listeners. */
export class OpenConnections {
  readonly limit: number
  readonly #open = new Map<MqttConnection, GatheredTransport>()
  readonly #total: ConnectionTotal | undefined
  readonly #perAddress: number
  /** Open connections by remote address; empty where they are not bounded. */
  readonly #byAddress = new Map<string, number>()
  /** Why no socket is let in now, a reason of `accept.refused`. */
  shedding: string | undefined = undefined

  /**
   * @param perAddress  of one remote address on this shard; 0: any number
   * @param total  of all shards, where there are several: `limit` is a bound of the process
   */
  constructor(limit: number, perAddress: number = 0, total?: ConnectionTotal) {
    this.limit = limit
    this.#perAddress = perAddress
    this.#total = total
  }

  /** Of the process. */
  get total(): number {
    return this.#total?.count() ?? this.#open.size
  }

  get count(): number {
    return this.#open.size
  }

  admitsFrom(transport: GatheredTransport): boolean {
    if (this.#perAddress === 0) return true
    return (this.#byAddress.get(transport.remoteAddress) ?? 0) < this.#perAddress
  }

  add(connection: MqttConnection, transport: GatheredTransport): void {
    if (this.#perAddress > 0) this.#countAddress(transport, 1)
    this.#open.set(connection, transport)
    this.#total?.add(1)
  }

  delete(connection: MqttConnection): void {
    const transport = this.#open.get(connection)
    if (transport === undefined) return
    this.#open.delete(connection)
    if (this.#perAddress > 0) this.#countAddress(transport, -1)
    this.#total?.add(-1)
  }

  #countAddress({ remoteAddress: address }: GatheredTransport, by: number): void {
    const count = (this.#byAddress.get(address) ?? 0) + by
    if (count === 0) this.#byAddress.delete(address)
    else this.#byAddress.set(address, count)
  }

  /** Closes so many, those first that keep the most waiting for their sockets. */
  closeSome(count: number, reason: LinkCloseReason): void {
    const byBacklog = [...this.#open].sort(([, a], [, b]) => b.backlogBytes - a.backlogBytes)
    for (const [connection] of byBacklog.slice(0, count)) connection.close(reason)
  }

  closeAll(): void {
    for (const connection of this.#open.keys()) connection.close('shutdown')
  }

  /** Those that did not leave when they were told to. */
  destroyAll(): void {
    for (const transport of this.#open.values()) transport.destroy()
  }
}

export class ConnectionGate {
  readonly #open: OpenConnections
  readonly #login: Login
  readonly #around: ConnectionSurroundings

  constructor(open: OpenConnections, login: Login, around: ConnectionSurroundings) {
    this.#open = open
    this.#login = login
    this.#around = around
  }

  /**
   * False at the bound of open connections, or of the rate of an address: the listener ends the socket at once.
   *
   * @param address  asked for where addresses have a rate
   * @param early  further sockets of the listener that are accepted, but not connections yet
   */
  admits(early: number, address: () => string): boolean {
    if (this.sheds()) return false
    if (this.#open.total + early >= this.#open.limit) {
      this.#around.counters.add('accept.refused', 'too-many-connections')
      return false
    }
    const { turn, rates } = this.#around
    turn.enter()
    if (rates.admitsFrom(address, turn.monotonic)) return true
    this.#around.counters.add('accept.refused', 'address-rate')
    return false
  }

  /** Counts the one that is not let in for it. */
  sheds(): boolean {
    const { shedding } = this.#open
    if (shedding !== undefined) this.#around.counters.add('accept.refused', shedding)
    return shedding !== undefined
  }

  get entrance(): Entrance {
    return this.#around.entrance
  }

  refusedHandshake(reason: string): void {
    this.#around.counters.add('accept.refused', reason)
  }

  /** Gives the transport its connection. */
  open(transport: GatheredTransport): void {
    if (!this.#open.admitsFrom(transport)) {
      this.#around.counters.add('accept.refused', 'too-many-from-address')
      transport.destroy()
      return
    }
    const connection = new MqttConnection(transport, this.#login, this.#around)
    this.#open.add(connection, transport)
    const handler: TransportHandler = {
      onBytes: (buffer, length) => connection.onBytes(buffer, length),
      onCongested: () => connection.onCongested(),
      onDrain: () => connection.onDrain(),
      onClosed: () => {
        this.#open.delete(connection)
        connection.onClosed()
      },
    }
    transport.attach(handler)
  }
}
