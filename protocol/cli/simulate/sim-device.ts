/**
 * One simulated device: its MQTT connection, its value, and posts that await their acknowledgement.
 * The simulation decides when it connects and posts; a lost connection goes back to `waiting`.
 */
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { type SimIdentity, signIn } from './sign-in.ts'
import type { Tally } from './tally.ts'
import type { Walk } from './walk.ts'

/** Unacknowledged posts of one device; one more is left out and counted. */
const MAX_INFLIGHT = 10
const RETRY_MIN_MS = 1000
const RETRY_SPREAD_MS = 4000
/** CONNACK: bad user name or password, not authorised. Trying again would change nothing. */
const FINAL: ReadonlySet<unknown> = new Set([4, 5])

export interface Server {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** PEM of who signed the server's certificate; `undefined`: the system's list. */
  readonly ca: Buffer | undefined
}

/** `refused`: the server knows other credentials for it; it stays out. */
export type Phase = 'waiting' | 'connecting' | 'connected' | 'refused'

export class SimDevice {
  phase: Phase = 'waiting'
  /** When to connect while waiting, when to post while connected; monotonic ms. */
  due = 0
  readonly #identity: SimIdentity
  readonly #server: Server
  readonly #property: string
  readonly #walk: Walk
  readonly #tally: Tally
  #client: MqttClient | undefined
  #inflight = 0
  #requestId = 0

  constructor(identity: SimIdentity, server: Server, property: string, walk: Walk, tally: Tally) {
    this.#identity = identity
    this.#server = server
    this.#property = property
    this.#walk = walk
    this.#tally = tally
  }

  /** Settled, well or not, when the phase is no longer `connecting`. */
  connect(): void {
    this.phase = 'connecting'
    const client = connect(this.#options())
    this.#client = client
    client.on('connect', () => {
      this.phase = 'connected'
      this.due = performance.now()
      this.#tally.connected += 1
    })
    client.on('error', (error) => {
      this.#tally.failed(reasonOf(error))
      if (FINAL.has(codeOf(error))) this.phase = 'refused'
      client.end(true, () => this.#closed(client))
    })
    client.on('close', () => this.#closed(client))
  }

  /** Posts the next value at QoS 1. */
  post(chance: number): void {
    const client = this.#client
    if (client === undefined || this.phase !== 'connected') return
    if (this.#inflight >= MAX_INFLIGHT) {
      this.#tally.skipped += 1
      return
    }
    const { productKey, deviceName } = this.#identity
    this.#requestId += 1
    const payload = JSON.stringify({
      id: String(this.#requestId),
      version: '1.0',
      params: { [this.#property]: this.#walk.next(chance) },
      method: 'thing.event.property.post',
    })
    const sentAt = performance.now()
    this.#inflight += 1
    this.#tally.posts += 1
    const topic = `/sys/${productKey}/${deviceName}/thing/event/property/post`
    client.publish(topic, payload, { qos: 1 }, (error) => {
      this.#inflight -= 1
      if (error) this.#tally.failed(`post: ${reasonOf(error)}`)
      else this.#tally.acknowledged(performance.now() - sentAt)
    })
  }

  /** Closes in order: waits for acknowledgements that are still out, for at most a second. */
  async end(): Promise<void> {
    const client = this.#client
    if (client === undefined) return
    this.#client = undefined
    const deadline = performance.now() + 1000
    while (this.#inflight > 0 && client.connected && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await client.endAsync(!client.connected)
  }

  #closed(client: MqttClient): void {
    if (client !== this.#client) return
    this.#client = undefined
    if (this.phase === 'connected') {
      this.#tally.connected -= 1
      this.#tally.failed('connection lost')
    }
    if (this.phase !== 'refused') this.phase = 'waiting'
    this.due = performance.now() + RETRY_MIN_MS + Math.random() * RETRY_SPREAD_MS
    client.end(true)
  }

  #options(): IClientOptions {
    const { host, port, tls, ca } = this.#server
    return {
      ...signIn(this.#identity, tls, Date.now()),
      host,
      port,
      protocol: tls ? 'mqtts' : 'mqtt',
      protocolVersion: 4,
      clean: true,
      keepalive: 300,
      connectTimeout: 20_000,
      reconnectPeriod: 0, // the simulation reconnects, so that it can bound how many do at once
      ...(ca === undefined ? {} : { ca }),
    }
  }
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined
}

/** ECONNREFUSED and the like, or the text of the refusal. */
function reasonOf(error: Error): string {
  const code = codeOf(error)
  return typeof code === 'string' ? code : error.message
}
