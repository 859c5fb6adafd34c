/**
 * What one client hears, device or application: its inflight window, its queue, its exchanges of QoS 2. Lives
 * as long as its connection; `lasting-session.ts` is the one that does not.
 *
 * At the bounds: QoS 0 to a congested socket is dropped and counted; QoS 1 and 2 wait in the queue, in their order
 * [MQTT-4.6.0-5] [MQTT-4.6.0-6], and nothing else waits for them [MQTT-3.3.4-10] [MQTT-4.9.0-3]; a full queue ends the
 * connection (`overflow`), because nothing sent at QoS 1 may be lost silently, or drops and counts
 * where an operator has chosen that.
 */

import { lowerQos, type Qos } from '../../core/domain/qos.ts'
import type { QueuePolicy } from '../../core/domain/settings.ts'
import type { Arrival, ClientSession } from '../../core/ports/client-session.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { MessageSource } from '../../core/ports/message-source.ts'
import type { PacketOutlet, PublishHeader } from '../../core/ports/packet-outlet.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type { DeliveryTerms } from '../../core/ports/relay.ts'
import { Exchanges } from './exchanges.ts'
import { InflightWindow } from './inflight-window.ts'
import { KeptMessage } from './kept-message.ts'
import { KeptQueue, type QueueBounds } from './kept-queue.ts'
import { Replay } from './replay.ts'

interface SessionBounds {
  /** Unacknowledged messages of QoS 1 and 2: ours, or the client's Receive Maximum where that is lower. */
  readonly inflight: number
  /** Messages of QoS 2 that came and whose PUBREL has not: the Receive Maximum that we grant. */
  readonly arrivals: number
  readonly queue: QueueBounds
  readonly queuePolicy: QueuePolicy
}

export interface SessionParts {
  readonly bounds: SessionBounds
  readonly counters: Counters
  /** ms since the epoch, of the turn. */
  readonly now: () => number
  /** Runs steps when there is time for them (background.ts). */
  readonly background: (step: () => boolean) => void
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Filled for each packet: the sessions of a thread send one after the other. */
const HEADER: Mutable<PublishHeader> = {
  qos: 0,
  retain: false,
  dup: false, // nothing is sent again [MQTT-4.3.1-1] [MQTT-4.3.2-2] [MQTT-4.3.3-2]
  packetId: 0,
  identifiers: [],
}

/** In the place of a connection that is gone. */
const NOWHERE: PacketOutlet = {
  congested: true,
  publish: () => false,
  release: () => {},
  overflow: () => {},
}

export class Session implements ClientSession {
  #outlet: PacketOutlet
  readonly #parts: SessionParts
  // Each made when it is needed first.
  #window: InflightWindow | undefined = undefined
  #queue: KeptQueue | undefined = undefined
  #exchanges: Exchanges | undefined = undefined
  #replays: Replay[] | undefined = undefined
  /** A step of the replay waits for its time. */
  #replaying = false
  /** Of shared subscriptions, sent at QoS 1 and not acknowledged, by packet id: within the window. */
  #lent: Map<number, KeptMessage> | undefined = undefined
  #closed = false

  constructor(outlet: PacketOutlet, parts: SessionParts) {
    this.#outlet = outlet
    this.#parts = parts
  }

  get ready(): boolean {
    const { congested } = this.#outlet
    return (
      !this.#closed && !congested && this.#window?.full !== true && (this.#queue?.size ?? 0) === 0
    )
  }

  opened(): void {} // nothing waits for it

  // ---- towards the client

  deliver(publication: Publication, terms: DeliveryTerms): void {
    if (this.#closed) return // a publish that is under way has matched it before it closed
    const qos = lowerQos(publication.qos, terms.qos)
    const retain = terms.retainAsPublished && publication.retain // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
    const { identifiers } = terms
    if (qos === 0) {
      if (this.#outlet.congested) this.#parts.counters.add('delivery.dropped', 'slow-reader')
      else this.#send(publication, 0, 0, retain, identifiers)
      return
    }
    this.#window ??= new InflightWindow(this.#parts.bounds.inflight)
    const waiting = this.#queue !== undefined && this.#queue.size > 0
    if (!waiting && !this.#window.full && !this.#outlet.congested) {
      this.#sendTracked(this.#window, publication, qos, retain, terms)
      return
    }
    this.#queue ??= new KeptQueue(this.#parts.bounds.queue)
    const now = this.#parts.now()
    const message = new KeptMessage(publication, { qos, retain, terms, now })
    if (!this.#queue.offer(message)) this.#onFull(this.#queue, message)
  }

  #onFull(queue: KeptQueue, message: KeptMessage): void {
    const { bounds, counters, now } = this.#parts
    switch (bounds.queuePolicy) {
      case 'close':
        this.#outlet.overflow()
        message.giveBack(now())
        break
      case 'drop-newest':
        counters.add('delivery.dropped', 'queue-full')
        break
      case 'drop-oldest':
        do {
          counters.add('delivery.dropped', 'queue-full')
          if (queue.take() === undefined) return // larger than the queue may be
        } while (!queue.offer(message))
        break
    }
  }

  drain(): void {
    this.#drainQueue()
    if (this.#replays !== undefined) this.#replayLater()
  }

  replay(source: MessageSource, terms: DeliveryTerms): void {
    this.#replays ??= []
    this.#replays.push(new Replay(source, terms))
    this.#replayLater()
  }

  #drainQueue(): void {
    const queue = this.#queue
    const window = this.#window
    if (queue === undefined || window === undefined) return
    while (queue.size > 0 && !window.full && !this.#outlet.congested) {
      const message = queue.take() as KeptMessage
      if (message.refresh(this.#parts.now())) {
        this.#sendTracked(window, message, message.qos, message.retain, message.terms)
      } else {
        this.#parts.counters.add('delivery.dropped', 'expired')
      }
    }
  }

  acknowledged(packetId: number): boolean {
    if (this.#exchanges?.isOut(packetId) === true) return false
    return this.#free(packetId)
  }

  received(packetId: number, refused: boolean): boolean {
    if (!refused) return this.#exchanges?.receive(packetId) === true
    return this.#exchanges?.giveUp(packetId) === true && this.#free(packetId)
  }

  completed(packetId: number): boolean {
    return this.#exchanges?.complete(packetId) === true && this.#free(packetId)
  }

  // ---- from the client

  arrived(packetId: number): Arrival {
    this.#exchanges ??= new Exchanges()
    return this.#exchanges.arrive(packetId, this.#parts.bounds.arrivals)
  }

  released(packetId: number): boolean {
    return this.#exchanges?.release(packetId) === true
  }

  closed(): void {
    this.#closed = true
    this.#replays = undefined
    this.#giveBack()
    // A route that matched this session may be kept for long: what it keeps with it is small.
    this.#outlet = NOWHERE
    this.#queue = undefined
    this.#window = undefined
    this.#exchanges = undefined
  }

  #replayLater(): void {
    if (this.#replaying) return
    this.#replaying = true
    this.#parts.background(this.#replayStep)
  }

  /** Stops where there is no room: `drain` begins again. */
  readonly #replayStep = (): boolean => {
    const [replay] = this.#replays ?? []
    if (replay === undefined || !this.#mayReplay()) {
      this.#replaying = false
      return false
    }
    for (let due = replay.due; due !== undefined && this.#mayReplay(); due = replay.due) {
      replay.sent()
      this.#sendReplayed(due, replay.terms)
    }
    if (replay.due === undefined && !replay.fetch()) {
      this.#replays?.shift()
      if (this.#replays?.length === 0) this.#replays = undefined
    }
    return true
  }

  /** Behind all that came by the ordinary way, so that no older message follows a younger one of its topic. */
  #mayReplay(): boolean {
    return (this.#queue?.size ?? 0) === 0 && this.#window?.full !== true && !this.#outlet.congested
  }

  #sendReplayed(message: Publication, terms: DeliveryTerms): void {
    const qos = lowerQos(message.qos, terms.qos)
    if (qos === 0) {
      this.#send(message, 0, 0, true, terms.identifiers)
      return
    }
    this.#window ??= new InflightWindow(this.#parts.bounds.inflight)
    this.#sendTracked(this.#window, message, qos, true, terms)
  }

  /** A copy for another member of the group, until the client has acknowledged it. */
  #lend(packetId: number, publication: Publication, retain: boolean, terms: DeliveryTerms): void {
    this.#lent ??= new Map()
    const kept = { qos: 1 as const, retain, terms, now: this.#parts.now() }
    const already = publication instanceof KeptMessage
    this.#lent.set(packetId, already ? publication : new KeptMessage(publication, kept))
  }

  /**
   * What came by shared subscriptions goes to other members: QoS 1 that is not acknowledged, and what was not sent
   * yet; what was sent at QoS 2 may not [MQTT-4.8.2-5].
   */
  #giveBack(): void {
    const now = this.#parts.now()
    for (const message of this.#lent?.values() ?? []) message.giveBack(now)
    for (let one = this.#queue?.take(); one !== undefined; one = this.#queue?.take()) {
      one.giveBack(now)
    }
    this.#lent = undefined
  }

  #free(packetId: number): boolean {
    if (this.#window?.release(packetId) !== true) return false
    this.#lent?.delete(packetId) // also where it was refused [MQTT-4.8.2-6]
    this.drain()
    return true
  }

  #sendTracked(
    window: InflightWindow,
    publication: Publication,
    qos: Qos,
    retain: boolean,
    terms: DeliveryTerms,
  ): void {
    const packetId = window.take()
    if (!this.#send(publication, qos, packetId, retain, terms.identifiers)) {
      window.release(packetId) // as if it had been sent and acknowledged [MQTT-3.1.2-25]
      return
    }
    if (qos === 2) (this.#exchanges ??= new Exchanges()).sending(packetId)
    else if (terms.redelivery !== undefined) this.#lend(packetId, publication, retain, terms)
  }

  #send(
    publication: Publication,
    qos: Qos,
    packetId: number,
    retain: boolean,
    identifiers: readonly number[],
  ): boolean {
    HEADER.qos = qos
    HEADER.packetId = packetId
    HEADER.retain = retain
    HEADER.identifiers = identifiers
    return this.#outlet.publish(publication, HEADER)
  }
}
