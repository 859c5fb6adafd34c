/**
 * What a broker shall do, as simply as it can be said: one list of clients, one of retained messages, everything at
 * once. It knows no shards, packets or windows.
 */
import { filterOfShared, isShared, matches } from '../../core/domain/topic.ts'
import type { Step, Will } from './script.ts'

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
  /** However it is given, it is given at QoS 1. */
  readonly atLeastOnce: boolean
}

export class ModelConnection {
  readonly number: number
  readonly level: 3 | 4 | 5
  will: Will | undefined
  readonly willPayload: string
  readonly subscriptions: Map<string, Subscription> = new Map()
  readonly due: Delivery[] = []
  /** Groups that it has been a member of: what another member left unacknowledged may come to it later. */
  readonly joined: Set<string> = new Set()

  constructor(number: number, level: 3 | 4 | 5, will: Will | undefined) {
    this.number = number
    this.level = level
    this.will = will
    this.willPayload = `will of ${number}`
  }
}

export class ReferenceModel {
  readonly shared: SharedDelivery[] = []
  readonly #connections = new Map<number, ModelConnection>()
  readonly #retained = new Map<string, { readonly payload: string; readonly qos: Qos }>()
  #made = 0

  connection(client: number): ModelConnection | undefined {
    return this.#connections.get(client)
  }

  connect(client: number, level: 3 | 4 | 5, will: Will | undefined): void {
    this.end(client)
    this.#made += 1
    this.#connections.set(client, new ModelConnection(this.#made, level, will))
  }

  /** The connection is over; its Will is published unless it has forgone it. */
  end(client: number): void {
    const connection = this.#connections.get(client)
    if (connection === undefined) return
    this.#connections.delete(client)
    const { will, willPayload } = connection
    if (will !== undefined) this.#publish(undefined, { ...will, payload: willPayload })
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
    this.#connections.get(client)?.subscriptions.delete(filter)
  }

  publish(client: number, message: Delivery): void {
    this.#publish(client, message)
  }

  #publish(client: number | undefined, message: Delivery): void {
    const { topic, payload, qos, retain } = message
    if (retain && payload === '') this.#retained.delete(topic)
    else if (retain) this.#retained.set(topic, { payload, qos })
    const groups = new Map<string, { members: number[]; qos: Set<Qos> }>()
    for (const [other, connection] of this.#connections) {
      let granted: Qos | undefined
      let asPublished = false
      for (const [filter, one] of connection.subscriptions) {
        if (isShared(filter)) {
          if (!matches(filterOfShared(filter) as string, topic)) continue
          const group = groups.get(filter) ?? { members: [], qos: new Set() }
          group.members.push(connection.number)
          group.qos.add(lower(qos, one.qos))
          groups.set(filter, group)
          continue
        }
        if (!matches(filter, topic) || (one.noLocal && other === client)) continue
        granted = granted === undefined || one.qos > granted ? one.qos : granted
        asPublished ||= one.retainAsPublished
      }
      if (granted === undefined) continue
      connection.due.push({
        topic,
        payload,
        qos: lower(qos, granted),
        retain: retain && asPublished,
      })
    }
    for (const [name, { members, qos: given }] of groups) {
      const atLeastOnce = given.size === 1 && given.has(1)
      this.shared.push({ payload, name, members, atLeastOnce })
    }
  }
}

function lower(a: Qos, b: Qos): Qos {
  return a < b ? a : b
}
