/**
 * The members of one shared subscription (MQTT 5.0 §4.8.2): each message goes to one of them, on this shard or
 * another. Round robin over the members, those that could send at once first; another shard counts as many times as it has
 * members. Owned by one router; its memory is bounded by the subscriptions.
 */
import type { DeliveryTarget } from '../../core/domain/delivery-target.ts'
import { lowerQos, type Qos } from '../../core/domain/qos.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type {
  DeliveryTerms,
  Redelivery,
  Subscriber,
  SubscriptionOptions,
} from '../../core/ports/relay.ts'
import type { RoutedSession } from './session-routes.ts'

/** The members on another shard, as one. */
export interface RemoteMembers {
  readonly ready: boolean
  /** @param hops  how many shards it has seen that had no member any more */
  sendShared(publication: Publication, qos: Qos, sharedFilter: string, hops: number): void
}

/** Those that are lasting sessions: every shard knows them all. */
export interface LastingMembers {
  isListening(session: number): boolean
  /** A message of QoS 1 or 2 can wait for it. */
  takes(session: number): boolean
  send(publication: Publication, target: DeliveryTarget): void
}

interface Member {
  readonly subscriber: Subscriber
  readonly terms: DeliveryTerms
}

interface Elsewhere {
  readonly remote: RemoteMembers
  readonly qos: Qos
  readonly count: number
}

const MAX_HOPS = 3 // each found the members gone; then the message is dropped and counted

export class SharedGroup implements Redelivery {
  /** `$share/{group}/{filter}` */
  readonly name: string
  readonly #onNobody: () => void
  readonly #members: Member[] = []
  readonly #elsewhere: Elsewhere[] = []
  readonly #sessions: DeliveryTarget[] = []
  readonly #lasting: LastingMembers
  /** Of all members, and of those here. */
  #next = 0
  #turn = 0

  /** @param onNobody  a message found no member */
  constructor(name: string, onNobody: () => void, lasting: LastingMembers) {
    this.name = name
    this.#onNobody = onNobody
    this.#lasting = lasting
  }

  /** On this shard. */
  get members(): number {
    return this.#members.length
  }

  get empty(): boolean {
    const { length } = this.#members
    return length === 0 && this.#elsewhere.length === 0 && this.#sessions.length === 0
  }

  /** The highest of the members here. */
  get qos(): Qos {
    return this.#members.reduce<Qos>((most, { terms }) => (terms.qos > most ? terms.qos : most), 0)
  }

  /** Adds a member or renews it; false: it is new. */
  join(subscriber: Subscriber, options: SubscriptionOptions): boolean {
    const { qos, retainAsPublished, identifier } = options
    const identifiers = identifier === 0 ? [] : [identifier]
    // Each member hears at the QoS that it was granted [MQTT-4.8.2-3].
    const member = { subscriber, terms: { qos, retainAsPublished, identifiers, redelivery: this } }
    const at = this.#members.findIndex((known) => known.subscriber === subscriber)
    if (at < 0) this.#members.push(member)
    else this.#members[at] = member
    return at >= 0
  }

  leave(subscriber: Subscriber): boolean {
    const at = this.#members.findIndex((known) => known.subscriber === subscriber)
    if (at < 0) return false
    this.#members.splice(at, 1)
    return true
  }

  joinSession({ session, born }: RoutedSession, options: SubscriptionOptions): void {
    const { qos, retainAsPublished, identifier } = options
    const identifiers = identifier === 0 ? [] : [identifier]
    const terms = { born, qos, retain: retainAsPublished, identifiers, group: this.name }
    const at = this.#sessions.findIndex((known) => known.session === session)
    if (at < 0) this.#sessions.push({ session, terms })
    else this.#sessions[at] = { session, terms }
  }

  leaveSession(session: number): void {
    const at = this.#sessions.findIndex((known) => known.session === session)
    if (at >= 0) this.#sessions.splice(at, 1)
  }

  /** How many members another shard has; 0: none any more. */
  setElsewhere(remote: RemoteMembers, qos: Qos, count: number): void {
    const at = this.#elsewhere.findIndex((known) => known.remote === remote)
    if (at >= 0) this.#elsewhere.splice(at, 1)
    if (count > 0) this.#elsewhere.push({ remote, qos, count })
  }

  /** False where a message of QoS 1 or 2 would go to nobody, since no queue takes it. */
  accepts(): boolean {
    if (this.#sessions.length === 0 || this.#members.length + this.#elsewhere.length > 0)
      return true
    return this.#sessions.some((target) => this.#canTake(target))
  }

  /** To one member anywhere. */
  deliver(publication: Publication): void {
    this.#deliver(publication, 0)
  }

  /** What another shard has sent to the members here. */
  deliverHere(publication: Publication, hops: number): void {
    const member = this.#choose(this.#members, (one) => one.subscriber.ready)
    if (member !== undefined) member.subscriber.deliver(publication, member.terms)
    else if (hops < MAX_HOPS) this.#deliver(publication, hops + 1)
    else this.#onNobody()
  }

  /** A member has left without having acknowledged it. */
  redeliver(publication: Publication): void {
    this.#deliver(publication, 0)
  }

  #deliver(publication: Publication, hops: number): void {
    const listening =
      this.#sessions.length === 0
        ? this.#sessions
        : this.#sessions.filter(
            (target) =>
              this.#lasting.isListening(target.session) &&
              (publication.qos === 0 || this.#canTake(target)),
          )
    let total = this.#members.length
    for (const { count } of this.#elsewhere) total += count
    if (total + listening.length === 0) {
      this.#wait(publication)
      return
    }
    let at = this.#next % (total + listening.length)
    this.#next = at + 1
    if (at >= total) {
      this.#send(publication, listening[at - total] as DeliveryTarget)
      return
    }
    for (const { remote, qos, count } of this.#elsewhere) {
      if (at >= count) {
        at -= count
        continue
      }
      if (!remote.ready) break // rather one of ours, where there is one that can
      remote.sendShared(publication, lowerQos(publication.qos, qos), this.name, hops)
      return
    }
    const member = this.#choose(this.#members, (one) => one.subscriber.ready)
    if (member !== undefined) {
      member.subscriber.deliver(publication, member.terms)
      return
    }
    const [first] = this.#elsewhere
    const { remote, qos } = this.#elsewhere.find((one) => one.remote.ready) ?? (first as Elsewhere)
    remote.sendShared(publication, lowerQos(publication.qos, qos), this.name, hops)
  }

  /** Nobody is there: it waits for the next lasting session, where there is one. */
  #wait(publication: Publication): void {
    const waiting =
      publication.qos === 0
        ? []
        : this.#sessions.filter((target) => target.terms.qos > 0 && this.#canTake(target))
    this.#turn += 1
    const target = waiting[this.#turn % Math.max(1, waiting.length)]
    if (target === undefined) this.#onNobody()
    else this.#send(publication, target)
  }

  #canTake({ session, terms }: DeliveryTarget): boolean {
    return terms.qos === 0 || this.#lasting.takes(session)
  }

  #send(publication: Publication, { session, terms }: DeliveryTarget): void {
    const retain = terms.retain && publication.retain
    this.#lasting.send(publication, { session, terms: { ...terms, retain } })
  }

  /** The next one that is ready, else the next one. */
  #choose(members: readonly Member[], isReady: (member: Member) => boolean): Member | undefined {
    const { length } = members
    for (let i = 0; i < length; i++) {
      const at = (this.#turn + i) % length
      const member = members[at] as Member
      if (!isReady(member)) continue
      this.#turn = at + 1
      return member
    }
    this.#turn += 1
    return members[this.#turn % Math.max(1, length)]
  }
}
