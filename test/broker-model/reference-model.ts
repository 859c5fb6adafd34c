/**
 * What a broker shall do, as simply as it can be said: one list of clients, one of retained messages, everything at
 * once. It knows no shards, packets or windows.
 */
import { filterOfShared, isShared, matches } from '../../core/domain/topic.ts'
import { EXPIRY_SEC, type Step, type Will } from './script.ts'

type Qos = 0 | 1 | 2

export interface Delivery {
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  readonly retain: boolean
}

interface Subscription {
  readonly qos: Qos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
}

/** A message that one of several shall get. */
export interface SharedDelivery {
  readonly payload: string
  /** By its group and filter. */
  readonly name: string
  /** Clients, by the number of their connection, that were members when it was published. */
  readonly members: readonly number[]
  /** A member that is there hears it, or it waits for one: not at QoS 0 for sessions that may be away. */
  readonly certain: boolean
  /** However it is given, it is given at QoS 1. */
  readonly atLeastOnce: boolean
}

/** A session with its connection, or without one. */
export class ModelConnection {
  /** The same as long as the session lasts. */
  readonly number: number
  level: 3 | 4 | 5
  will: Will | undefined
  lasting = false
  /** It does, or did on an earlier connection. */
  lasted = false
  /** Since when it has no connection, in seconds of the script. */
  awaySince = 0
  willPayload = ''
  readonly subscriptions: Map<string, Subscription> = new Map()
  readonly due: Delivery[] = []
  /** Groups that it has been a member of: what another member left unacknowledged may come to it later. */
  readonly joined: Set<string> = new Set()

  constructor(number: number, level: 3 | 4 | 5) {
    this.number = number
    this.level = level
  }
}

export class ReferenceModel {
  readonly shared: SharedDelivery[] = []
  /** Connections that unsubscribed a filter: `number filter`. */
  readonly left: Set<string> = new Set()
  readonly #connections = new Map<number, ModelConnection>()
  /** Sessions without a connection. */
  readonly #away = new Map<number, ModelConnection>()
  #now = 0
  readonly #retained = new Map<string, { readonly payload: string; readonly qos: Qos }>()
  #made = 0

  connection(client: number): ModelConnection | undefined {
    return this.#connections.get(client)
  }

  /** Those that have no connection, by client. */
  get away(): ReadonlyMap<number, ModelConnection> {
    return this.#away
  }

  /** Returns whether there was a session. */
  connect(step: Step & { kind: 'connect' }): boolean {
    const { client, level, will, lasting } = step
    this.end(client)
    const before = this.#away.get(client)
    this.#away.delete(client)
    const clean = level === 5 ? step.clean : !lasting
    if (before !== undefined && clean) this.#publishWill(client, before)
    const resumed = before !== undefined && !clean
    this.#made += 1
    const connection = resumed ? before : new ModelConnection(this.#made, level)
    connection.level = level
    connection.will = will
    connection.willPayload = `will of ${this.#made}`
    connection.lasting = lasting
    connection.lasted ||= lasting
    this.#connections.set(client, connection)
    return resumed
  }

  /** The connection is over; its Will is published unless it has forgone it, at once or later. */
  end(client: number): void {
    const connection = this.#connections.get(client)
    if (connection === undefined) return
    this.#connections.delete(client)
    if (connection.lasting) {
      connection.awaySince = this.#now
      this.#away.set(client, connection)
    }
    if (!connection.lasting || connection.level !== 5 || connection.will?.delay === 0) {
      this.#publishWill(client, connection)
    }
  }

  wait(seconds: number): void {
    this.#now += seconds
    for (const [client, connection] of Array.from(this.#away)) {
      const seconds = this.#now - connection.awaySince
      const ended = seconds > EXPIRY_SEC
      if (ended) this.#away.delete(client)
      if (ended || seconds > (connection.will?.delay ?? 0)) this.#publishWill(client, connection)
    }
  }

  #publishWill(client: number, connection: ModelConnection): void {
    const { will, willPayload } = connection
    connection.will = undefined
    if (will !== undefined) this.#publish(client, { ...will, payload: willPayload })
  }

  subscribe(client: number, step: Step & { kind: 'subscribe' }): void {
    const connection = this.#connections.get(client) as ModelConnection
    const { filter, qos } = step
    const five = connection.level === 5
    const noLocal = five && step.noLocal
    const retainAsPublished = five && step.retainAsPublished
    const renewed = connection.subscriptions.has(filter)
    connection.subscriptions.set(filter, { qos, noLocal, retainAsPublished })
    if (isShared(filter)) connection.joined.add(filter)
    const handling = five ? step.retainHandling : 0
    if (isShared(filter) || handling === 2 || (handling === 1 && renewed)) return
    for (const [topic, kept] of this.#retained) {
      if (!matches(filter, topic)) continue
      const { payload } = kept
      connection.due.push({ topic, payload, qos: lower(kept.qos, qos), retain: true })
    }
  }

  unsubscribe(client: number, filter: string): void {
    const connection = this.#connections.get(client)
    connection?.subscriptions.delete(filter)
    if (connection !== undefined) this.left.add(`${connection.number} ${filter}`)
  }

  publish(client: number, message: Delivery): void {
    this.#publish(client, message)
  }

  #publish(client: number | undefined, message: Delivery): void {
    const { topic, payload, qos, retain } = message
    if (retain && payload === '') this.#retained.delete(topic)
    else if (retain) this.#retained.set(topic, { payload, qos })
    const groups = new Map<string, { members: number[]; qos: Set<Qos>; lasting: boolean }>()
    for (const [other, connection] of [...this.#connections, ...this.#away]) {
      let granted: Qos | undefined
      let asPublished = false
      for (const [filter, one] of connection.subscriptions) {
        if (isShared(filter)) {
          if (!matches(filterOfShared(filter) as string, topic)) continue
          const group = groups.get(filter) ?? { members: [], qos: new Set(), lasting: false }
          group.members.push(connection.number)
          group.lasting ||= connection.lasted
          group.qos.add(lower(qos, one.qos))
          groups.set(filter, group)
          continue
        }
        if (!matches(filter, topic) || (one.noLocal && other === client)) continue
        granted = granted === undefined || one.qos > granted ? one.qos : granted
        asPublished ||= one.retainAsPublished
      }
      if (granted === undefined) continue
      if (lower(qos, granted) === 0 && this.#away.has(other)) continue
      connection.due.push({
        topic,
        payload,
        qos: lower(qos, granted),
        retain: retain && asPublished,
      })
    }
    for (const [name, { members, qos: given, lasting }] of groups) {
      const atLeastOnce = given.size === 1 && given.has(1)
      const certain = !lasting || !given.has(0)
      this.shared.push({ payload, name, members, certain, atLeastOnce })
    }
  }
}

function lower(a: Qos, b: Qos): Qos {
  return a < b ? a : b
}
