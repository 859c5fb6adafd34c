/**
 * What the shards know of each other's subscriptions, and how publications cross. Each shard writes only its
 * own rows: it tells the others which filters have a subscriber here, with their highest QoS; the others keep
 * them in the remote trie of the same topic space. One per shard, for all spaces.
 *
 * Publications go by the data lane, once per peer. Without credit QoS 0 is dropped and counted; QoS 1 goes
 * all the same, and its source is held from reading: so one read of each socket (64 KiB) at most stands above
 * the window. A SUBACK waits until the rows are installed everywhere, or `SETTLE_SEC` for a shard that
 * stands still.
 *
 * Wire of a publication: u8 space · u8 QoS (bits 0–1), lead (bits 2–3), retain (bit 4), shared (5), hops (6–7) · u16
 * bytes of topic ·
 * u32 bytes of properties · u32 bytes of payload · u32 route · u32 where among the properties the Message Expiry
 * Interval stands, plus one · lead · topic · properties · payload. `route` is the sender's number for the topic:
 * it spares the receiver the look-up. The lead, 0 to 3 bytes, puts the payload at the same place within a word as
 * it has where it comes from. For one member of a shared subscription its name follows, and its bytes stand in place of the
 * route.
 */
import type { Qos } from '../../core/domain/qos.ts'
import type { Counters } from '../../core/ports/counters.ts'
import type { Publication } from '../../core/ports/publication.ts'
import type { TimerEntry, Timers } from '../../core/ports/timers.ts'
import type { Mesh } from '../runtime/mesh.ts'
import { CHANNEL } from '../runtime/mesh-channels.ts'
import type { RemoteSubscriber, Route, Router, RouteSharing } from './router.ts'
import { WordCopier } from './word-copier.ts'

const SETTLE_SEC = 2
const ROWS_PER_MESSAGE = 1000
const HEADER_BYTES = 20
const LEAD_MASK = 3
const LEAD_SHIFT = 2
const RETAIN = 16
const SHARED = 32
const HOPS_SHIFT = 6
const NO_NAME = Buffer.alloc(0)
const KNOWN_ROUTES = 65_536 // of another shard and space; a power of two; the older one of two gives way

const ADD = 1
const REMOVE = 2
const BARRIER = 3
const INSTALLED = 4
const ROWS = 5

type Row = readonly [space: number, filter: string, qos: Qos, count: number]
type Message =
  | readonly [kind: typeof ADD, space: number, filter: string, qos: Qos, count: number]
  | readonly [kind: typeof REMOVE, space: number, filter: string]
  | readonly [kind: typeof BARRIER, id: number]
  | readonly [kind: typeof INSTALLED, id: number]
  | readonly [kind: typeof ROWS, rows: readonly Row[]]

export interface RemoteRoutesParts {
  readonly mesh: Mesh
  readonly timers: Timers
  readonly counters: Counters
}

export class RemoteRoutes implements RouteSharing {
  readonly #parts: RemoteRoutesParts
  readonly #routers: Router[] = []
  /** By peer, one subscriber per space; empty for one that is gone. */
  readonly #peers: (readonly RemoteShard[])[] = []
  readonly #barriers = new Map<number, Barrier>()
  #nextBarrier = 1
  /** Rows were told to the others since the last barrier began. */
  #told = false
  #newest: Barrier | undefined
  /** The peer that the publication under way has overdrawn; -1: none. */
  overdrawn = -1
  readonly copier: WordCopier = new WordCopier()

  constructor(parts: RemoteRoutesParts) {
    this.#parts = parts
    parts.mesh.onControl(CHANNEL.routes, this.#receive)
    parts.mesh.onData(CHANNEL.routes, this.#arrive)
  }

  /** The router of a topic space; the same numbers on every shard, from 0 without a gap. */
  attach(space: number, router: Router): void {
    this.#routers[space] = router
  }

  // ---- our own rows

  announce(space: number, filter: string, qos: Qos, count: number): void {
    this.#tellAll([ADD, space, filter, qos, count])
    this.#told ||= this.#parts.mesh.peers.length > 0
  }

  /** Others have told all shards what the next SUBACK shall wait for. */
  touch(): void {
    this.#told ||= this.#parts.mesh.peers.length > 0
  }

  withdraw(space: number, filter: string): void {
    this.#tellAll([REMOVE, space, filter])
  }

  settled(done: () => void): boolean {
    if (!this.#told) {
      if (this.#newest === undefined) return true
      this.#newest.waiting.push(done)
      return false
    }
    this.#told = false
    const id = this.#nextBarrier++
    const { mesh, timers } = this.#parts
    const barrier = new Barrier(new Set(mesh.peers), () => this.#pass(id, true))
    barrier.waiting.push(done)
    this.#barriers.set(id, barrier)
    this.#newest = barrier
    timers.arm(barrier, SETTLE_SEC)
    this.#tellAll([BARRIER, id])
    return false
  }

  whenRoom(resume: () => void): void {
    const peer = this.overdrawn
    this.overdrawn = -1
    if (peer < 0) resume()
    else this.#parts.mesh.whenCredit(peer, resume)
  }

  // ---- the other shards

  /** A shard that joins, at start or in place of one that died, is told all rows. */
  peerJoined(peer: number): void {
    let rows: Row[] = []
    for (const [space, router] of this.#routers.entries()) {
      for (const [filter, qos, count] of router.filters()) {
        rows.push([space, filter, qos, count])
        if (rows.length < ROWS_PER_MESSAGE) continue
        this.#tell(peer, [ROWS, rows])
        rows = []
      }
    }
    if (rows.length > 0) this.#tell(peer, [ROWS, rows])
  }

  peerGone(peer: number): void {
    for (const [space, remote] of (this.#peers[peer] ?? []).entries()) {
      for (const filter of remote.filters.keys()) this.#routers[space]?.removeRemote(filter, remote)
    }
    if (peer < this.#peers.length) this.#peers[peer] = []
    for (const [id, barrier] of Array.from(this.#barriers)) {
      barrier.peers.delete(peer)
      if (barrier.peers.size === 0) this.#pass(id, false)
    }
  }

  /** Of other shards, over all spaces. */
  get rows(): number {
    let count = 0
    for (const spaces of this.#peers) {
      for (const { filters } of spaces) count += filters.size
    }
    return count
  }

  readonly #receive = (from: number, body: unknown): void => {
    const message = body as Message
    switch (message[0]) {
      case ADD:
        this.#install(from, message[1], message[2], message[3], message[4])
        break
      case REMOVE:
        this.#remove(from, message[1], message[2])
        break
      case ROWS:
        for (const row of message[1]) this.#install(from, ...row)
        break
      case BARRIER:
        this.#tell(from, [INSTALLED, message[1]])
        break
      case INSTALLED: {
        const barrier = this.#barriers.get(message[1])
        barrier?.peers.delete(from)
        if (barrier?.peers.size === 0) this.#pass(message[1], false)
        break
      }
    }
  }

  #install(from: number, space: number, filter: string, qos: Qos, count: number): void {
    const remote = this.#remote(from, space)
    remote.filters.set(filter, qos)
    this.#routers[space]?.addRemote(filter, remote, qos, count)
  }

  #remove(from: number, space: number, filter: string): void {
    const remote = this.#remote(from, space)
    if (remote.filters.delete(filter)) this.#routers[space]?.removeRemote(filter, remote)
  }

  #remote(peer: number, space: number): RemoteShard {
    const known = this.#peers[peer]?.[space]
    if (known !== undefined) return known
    while (this.#peers.length <= peer) this.#peers.push([])
    const spaces = this.#routers.map((_, at) => new RemoteShard(peer, at, this, this.#parts))
    this.#peers[peer] = spaces
    return spaces[space] as RemoteShard
  }

  #pass(id: number, late: boolean): void {
    const barrier = this.#barriers.get(id)
    if (barrier === undefined) return
    this.#barriers.delete(id)
    this.#parts.timers.disarm(barrier)
    if (this.#newest === barrier) this.#newest = undefined
    if (late) this.#parts.counters.add('subscribe.unconfirmed', 'peer-stalled')
    for (const done of barrier.waiting) done()
  }

  readonly #arrive = (from: number, buffer: Buffer, start: number): void => {
    const space = buffer[start] as number
    this.#remote(from, space).arrive(this.#routers[space] as Router, buffer, start)
  }

  #tellAll(message: Message): void {
    for (const peer of this.#parts.mesh.peers) this.#tell(peer, message)
  }

  #tell(peer: number, message: Message): void {
    this.#parts.mesh.tell(peer, CHANNEL.routes, message)
  }
}

/** SUBACKs that wait for the same rows. */
class Barrier implements TimerEntry {
  timerSlot = -1
  timerRounds = 0
  timerNext: TimerEntry | undefined = undefined
  timerPrevious: TimerEntry | undefined = undefined
  readonly peers: Set<number>
  readonly waiting: (() => void)[] = []
  readonly #expire: () => void

  constructor(peers: Set<number>, expire: () => void) {
    this.peers = peers
    this.#expire = expire
  }

  onTimer(): void {
    this.#expire()
  }
}

/** All subscribers of another shard in one topic space, as one; and what comes from it, borrowed again. */
export class RemoteShard implements RemoteSubscriber, Publication {
  /** With the highest QoS there. */
  readonly filters: Map<string, Qos> = new Map()
  serial = 0
  buffer: Buffer = Buffer.alloc(0)
  qos: Qos = 0
  retain = false
  topicStart = 0
  topicEnd = 0
  propertiesStart = 0
  propertiesEnd = 0
  expiryAt = 0
  payloadStart = 0
  payloadEnd = 0
  readonly #peer: number
  readonly #space: number
  readonly #routes: RemoteRoutes
  readonly #parts: RemoteRoutesParts
  /** By the sender's number, modulo `KNOWN_ROUTES`: grows as they come. */
  readonly #ids: number[] = []
  readonly #known: (Route | undefined)[] = []

  constructor(peer: number, space: number, routes: RemoteRoutes, parts: RemoteRoutesParts) {
    this.#peer = peer
    this.#space = space
    this.#routes = routes
    this.#parts = parts
  }

  get ready(): boolean {
    return this.#parts.mesh.hasCredit(this.#peer)
  }

  send(p: Publication, qos: Qos, routeId: number): void {
    this.#write(p, qos, 0, routeId, NO_NAME)
  }

  sendShared(p: Publication, qos: Qos, name: string, hops: number): void {
    this.#write(p, qos, SHARED | (hops << HOPS_SHIFT), 0, Buffer.from(name))
  }

  #write(p: Publication, qos: Qos, flags: number, routeId: number, name: Buffer): void {
    const topicBytes = p.topicEnd - p.topicStart
    const propertyBytes = p.propertiesEnd - p.propertiesStart
    const payloadBytes = p.payloadEnd - p.payloadStart
    const body = topicBytes + propertyBytes + payloadBytes + name.length
    const { mesh, counters } = this.#parts
    const room = mesh.reserve(this.#peer, CHANNEL.routes, HEADER_BYTES + LEAD_MASK + body, qos > 0)
    if (room === undefined) {
      if (mesh.peers.includes(this.#peer)) counters.add('delivery.dropped', 'peer-credit')
      return
    }
    const { buffer, words, at } = room
    const lead = (p.payloadStart - (at + HEADER_BYTES + topicBytes + propertyBytes)) & LEAD_MASK
    buffer[at] = this.#space
    buffer[at + 1] = qos | (lead << LEAD_SHIFT) | (p.retain ? RETAIN : 0) | flags
    buffer[at + 2] = topicBytes
    buffer[at + 3] = topicBytes >>> 8
    put32(buffer, at + 4, propertyBytes)
    put32(buffer, at + 8, payloadBytes)
    put32(buffer, at + 12, routeId)
    put32(buffer, at + 16, p.expiryAt === 0 ? 0 : p.expiryAt - p.propertiesStart + 1)
    const { buffer: from, topicStart, payloadStart, payloadEnd } = p
    const copier = this.#routes.copier
    let to = at + HEADER_BYTES + lead
    if (payloadStart - topicStart === topicBytes + propertyBytes) {
      to = copier.copy(buffer, words, to, from, topicStart, payloadEnd) // nothing between them: at QoS 0
    } else {
      to = copier.copy(buffer, words, to, from, topicStart, p.topicEnd)
      to = copier.copy(buffer, words, to, from, p.propertiesStart, p.propertiesEnd)
      to = copier.copy(buffer, words, to, from, payloadStart, payloadEnd)
    }
    if (name.length > 0) {
      put32(buffer, at + 12, name.length)
      buffer.set(name, to)
    }
    if (qos > 0 && !mesh.hasCredit(this.#peer)) this.#routes.overdrawn = this.#peer
  }

  arrive(router: Router, buffer: Buffer, start: number): void {
    if (this.buffer !== buffer) this.buffer = buffer // a store of a reference costs more than a look
    const flags = buffer[start + 1] as number
    this.qos = (flags & 3) as Qos
    this.retain = (flags & RETAIN) !== 0
    this.topicStart = start + HEADER_BYTES + ((flags >>> LEAD_SHIFT) & LEAD_MASK)
    this.topicEnd =
      this.topicStart + (buffer[start + 2] as number) + (buffer[start + 3] as number) * 256
    this.serial += 1
    this.propertiesStart = this.topicEnd
    this.propertiesEnd = this.propertiesStart + get32(buffer, start + 4)
    const expiry = get32(buffer, start + 16)
    this.expiryAt = expiry === 0 ? 0 : this.propertiesStart + expiry - 1
    this.payloadStart = this.propertiesEnd
    this.payloadEnd = this.payloadStart + get32(buffer, start + 8)
    const id = get32(buffer, start + 12)
    if ((flags & SHARED) !== 0) {
      const name = buffer.toString('utf8', this.payloadEnd, this.payloadEnd + id)
      router.publishShared(name, this, flags >>> HOPS_SHIFT)
      return
    }
    const slot = id & (KNOWN_ROUTES - 1)
    let route = this.#known[slot]
    if (route === undefined || this.#ids[slot] !== id) {
      route = router.route(buffer.toString('utf8', this.topicStart, this.topicEnd))
      this.#known[slot] = route
      this.#ids[slot] = id
    }
    router.publishHere(route, this)
  }
}

/** Little endian. */
function put32(to: Buffer, at: number, value: number): void {
  to[at] = value
  to[at + 1] = value >>> 8
  to[at + 2] = value >>> 16
  to[at + 3] = value >>> 24
}

function get32(from: Buffer, at: number): number {
  const low =
    (from[at] as number) | ((from[at + 1] as number) << 8) | ((from[at + 2] as number) << 16)
  return (low | ((from[at + 3] as number) << 24)) >>> 0
}
