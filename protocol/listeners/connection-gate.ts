/**
 * Where every accepted socket passes, whatever its listener: counts, bounds, and joins it to a new MQTT
 * connection. One per shard and listener. At the bound a socket is closed unheard, and counted.
 */
import { MqttConnection } from '../mqtt/connection.ts'
import type { ConnectionSurroundings } from '../mqtt/connection-surroundings.ts'
import type { Login } from '../mqtt/login.ts'
import type { TransportHandler } from '../mqtt/output.ts'
import type { GatheredTransport } from './gathered-transport.ts'

/** Open connections of one shard, over all its listeners. */
export class OpenConnections {
  readonly limit: number
  readonly #open = new Map<MqttConnection, GatheredTransport>()

  constructor(limit: number) {
    this.limit = limit
  }

  get count(): number {
    return this.#open.size
  }

  add(connection: MqttConnection, transport: GatheredTransport): void {
    this.#open.set(connection, transport)
  }

  delete(connection: MqttConnection): void {
    this.#open.delete(connection)
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
   * False at the bound of open connections: the listener ends the socket at once.
   *
   * @param early  further sockets of the listener that are accepted, but not connections yet
   */
  admits(early: number): boolean {
    if (this.#open.count + early < this.#open.limit) return true
    this.#around.counters.add('accept.refused', 'too-many-connections')
    return false
  }

  refusedHandshake(reason: string): void {
    this.#around.counters.add('accept.refused', reason)
  }

  /** Gives the transport its connection. */
  open(transport: GatheredTransport): void {
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
