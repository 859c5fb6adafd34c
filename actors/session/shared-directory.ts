/**
 * Client identifiers over all shards, as one shard uses them. A name belongs to the directory of shard
 * `hash mod N`, which lends it a number; who holds the connection is custody of that number, as for a
 * device. Docs: docs/ownership.md, "Client identifiers".
 *
 * Bounds: one entry per name that has a connection or a claim here, so by the connections; lookups wait
 * at most `LOOKUP_SEC`.
 */
import type {
  ClientClaim,
  ClientDirectory,
  ClientHolder,
} from '../../core/ports/client-directory.ts'
import type { TimerEntry, Timers } from '../../core/ports/timers.ts'
import {
  type Claimant,
  type ControlLane,
  type Custodian,
  Custody,
  type CustodyCounts,
} from '../runtime/custody.ts'
import { CHANNEL } from '../runtime/mesh-channels.ts'
import type { PresenceTable } from '../runtime/presence-table.ts'
import { NumberLender } from './number-lender.ts'

const LOOKUP_SEC = 2
const LEASES_PER_MESSAGE = 1000

const LOOKUP = 1
const FOUND = 2
const RETURN = 3
const LEASES = 4
const KEEP = 5
const FORGET = 6

type Message =
  | readonly [kind: typeof LOOKUP, name: string]
  | readonly [kind: typeof FOUND, name: string, number: number]
  | readonly [kind: typeof RETURN, name: string]
  | readonly [kind: typeof KEEP, name: string, number: number]
  | readonly [kind: typeof FORGET, name: string]
  | readonly [kind: typeof LEASES, leases: readonly (readonly [string, number])[], last: boolean]

export interface SharedDirectoryParts {
  readonly shard: number
  readonly shards: number
  readonly presence: PresenceTable
  readonly mesh: ControlLane
  readonly timers: Timers
  /** The first number behind those of devices, and how many each shard lends. */
  readonly firstNumber: number
  readonly capacity: number
  /** The other shards, where this one succeeds one that died: they tell what they lease before we answer. */
  readonly awaits: readonly number[]
}

/** What a name's number carries beside its connection: a session that outlives it. Numbers are the table's. */
export interface NumberedSessions {
  surrender(number: number): unknown
  adopt(number: number, row: unknown): void
  /** It has something here that must not be let go. */
  keeps(number: number): boolean
  /** The names of those that are here, with their numbers. */
  names(): Iterable<readonly [name: string, number: number]>
}

const NO_SESSIONS: NumberedSessions = {
  surrender: () => undefined,
  adopt: () => {},
  keeps: () => false,
  names: () => [],
}

/** A name with a connection or a claim on this shard. */
class Entry implements TimerEntry, Claimant {
  timerSlot = -1
  timerRounds = 0
  timerNext: TimerEntry | undefined = undefined
  timerPrevious: TimerEntry | undefined = undefined
  readonly name: string
  readonly #directory: SharedDirectory
  /** 0 while it is looked up. */
  number = 0
  holder: ClientHolder | undefined = undefined
  claiming: ClientHolder | undefined = undefined
  #onClaim: ((claim: ClientClaim) => void) | undefined = undefined

  constructor(name: string, directory: SharedDirectory) {
    this.name = name
    this.#directory = directory
  }

  wait(holder: ClientHolder, onClaim: (claim: ClientClaim) => void): void {
    this.claiming = holder
    this.#onClaim = onClaim
  }

  /** Tells whoever waits; nobody waits then. */
  tell(claim: ClientClaim): void {
    const onClaim = this.#onClaim
    this.#onClaim = undefined
    this.claiming = undefined
    onClaim?.(claim)
  }

  granted(): void {
    const before = this.holder
    this.holder = this.claiming
    before?.takenOver()
    this.#directory.connected(this)
    this.tell('granted')
  }

  busy(): void {
    this.tell('busy')
    this.#directory.settle(this)
  }

  superseded(): void {
    this.tell('superseded')
    this.#directory.settle(this)
  }

  onTimer(): void {
    this.busy() // its directory stands still
  }
}

export class SharedDirectory implements ClientDirectory, Custodian {
  readonly #parts: SharedDirectoryParts
  readonly #lender: NumberLender
  readonly #custody: Custody
  readonly #entries = new Map<string, Entry>()
  readonly #byNumber = new Map<number, Entry>()
  readonly #awaits: Set<number>
  #sessions: NumberedSessions = NO_SESSIONS
  /** Lookups that came before we knew all leases; bounded by the connections of their askers. */
  #early: { readonly from: number; readonly name: string }[] = []

  constructor(parts: SharedDirectoryParts) {
    this.#parts = parts
    const { shard, shards, presence, mesh, timers, firstNumber, capacity } = parts
    this.#lender = new NumberLender(firstNumber + shard, shards, capacity)
    const channel = CHANNEL.clients
    this.#custody = new Custody({ shard, presence, mesh, channel, timers, custodian: this })
    this.#awaits = new Set(parts.awaits)
    mesh.onControl(CHANNEL.directory, this.#receive)
  }

  /** Once, before anyone claims a name. */
  serve(sessions: NumberedSessions): void {
    this.#sessions = sessions
  }

  get counts(): CustodyCounts {
    return this.#custody.counts
  }

  /** Names with a connection or a claim here. */
  get size(): number {
    return this.#entries.size
  }

  mayKnow(name: string): boolean {
    return this.#homeOf(name) !== this.#parts.shard || this.#lender.lends(name)
  }

  claim(name: string, holder: ClientHolder, onClaim: (claim: ClientClaim) => void): void {
    let entry = this.#entries.get(name)
    if (entry === undefined) {
      entry = new Entry(name, this)
      this.#entries.set(name, entry)
      entry.wait(holder, onClaim)
      this.#lookUp(entry)
      return
    }
    // Custody tells a claim before this one that it was overtaken; a lookup has only us to say so.
    if (entry.claiming !== undefined) entry.tell('superseded')
    entry.wait(holder, onClaim)
    if (entry.number === 0) this.#lookUp(entry)
    else this.#claimNumber(entry)
  }

  release(name: string, holder: ClientHolder): void {
    const entry = this.#entries.get(name)
    if (entry === undefined || entry.holder !== holder) return
    entry.holder = undefined
    this.#custody.setOnline(entry.number, false)
    this.settle(entry)
  }

  // ---- for sessions that outlive their connections

  /** Of a name that is granted here. */
  numberOf(name: string): number {
    const entry = this.#entries.get(name)
    if (entry === undefined || entry.number === 0) throw new Error(`${name} is not claimed here`)
    return entry.number
  }

  raiseEpoch(number: number): number {
    return this.#parts.presence.raiseEpoch(number)
  }

  take(number: number): boolean {
    return this.#custody.take(number)
  }

  /** The name keeps its number while nobody leases it. */
  keep(name: string, number: number): void {
    const home = this.#homeOf(name)
    if (home === this.#parts.shard) this.#lender.keep(name, number)
    else this.#tell(home, [KEEP, name, number])
  }

  forget(name: string): void {
    const home = this.#homeOf(name)
    if (home === this.#parts.shard) this.#lender.drop(name)
    else this.#tell(home, [FORGET, name])
  }

  /** As the store has it, at the start: its number is nobody else's. */
  restore(name: string, number: number): void {
    if (this.#homeOf(name) === this.#parts.shard) this.#lender.keep(name, number)
    else this.#lender.reserve(number)
  }

  /** A session rests in the store. */
  letGo(number: number): void {
    if (!this.#byNumber.has(number)) this.#custody.release(number)
  }

  /** A shard is gone: with its leases. */
  peerGone(peer: number): void {
    this.#custody.peerGone(peer)
    this.#lender.forget(peer)
    this.#heard(peer)
  }

  /** Names that belong to the successor's directory are told to it before anything else. */
  peerJoined(peer: number): void {
    const leases: (readonly [string, number])[] = []
    for (const { name, number } of this.#entries.values()) {
      if (number !== 0 && this.#homeOf(name) === peer) leases.push([name, number])
    }
    // Behind what the store told it: a session may have begun, or come here, since.
    for (const [name, number] of this.#sessions.names()) {
      if (this.#homeOf(name) === peer) this.#tell(peer, [KEEP, name, number])
    }
    do {
      const some = leases.splice(0, LEASES_PER_MESSAGE)
      this.#tell(peer, [LEASES, some, leases.length === 0])
    } while (leases.length > 0)
  }

  /** What the dead shard held is free: who waited for it begins again. */
  peerRecovered(): void {
    this.#custody.peerRecovered()
  }

  /** Lookups that were lost with a directory begin again; call when its successor has joined. */
  lookUpAgain(peer: number): void {
    for (const entry of Array.from(this.#entries.values())) {
      if (entry.number === 0 && this.#homeOf(entry.name) === peer) this.#lookUp(entry)
    }
  }

  // ---- for its entries

  connected(entry: Entry): void {
    this.#custody.setOnline(entry.number, true)
  }

  /** Lets go of a name that nobody here holds or wants. */
  settle(entry: Entry): void {
    if (entry.holder !== undefined || entry.claiming !== undefined) return
    if (this.#entries.get(entry.name) !== entry) return
    this.#parts.timers.disarm(entry)
    this.#entries.delete(entry.name)
    if (entry.number !== 0) {
      this.#byNumber.delete(entry.number)
      if (!this.#sessions.keeps(entry.number)) this.#custody.release(entry.number)
    }
    const home = this.#homeOf(entry.name)
    if (home === this.#parts.shard) this.#lender.giveBack(entry.name, home)
    else this.#tell(home, [RETURN, entry.name])
  }

  // ---- Custodian

  surrender(number: number): unknown {
    const entry = this.#byNumber.get(number)
    const holder = entry?.holder
    if (entry !== undefined) entry.holder = undefined
    holder?.takenOver()
    const session = this.#sessions.surrender(number)
    if (entry !== undefined) this.settle(entry)
    return session
  }

  adopt(number: number, row: unknown): void {
    this.#sessions.adopt(number, row)
  }

  rest(number: number): void {
    if (this.#byNumber.get(number)?.holder !== undefined || this.#sessions.keeps(number)) return
    this.#custody.release(number)
  }

  // ---- the directory

  #lookUp(entry: Entry): void {
    const { shard, timers } = this.#parts
    const home = this.#homeOf(entry.name)
    if (home === shard && this.#awaits.size === 0) {
      this.#found(entry, this.#lender.lend(entry.name, shard) ?? 0)
      return
    }
    if (home === shard) this.#early.push({ from: shard, name: entry.name })
    else this.#tell(home, [LOOKUP, entry.name])
    timers.arm(entry, LOOKUP_SEC)
  }

  #found(entry: Entry, number: number): void {
    this.#parts.timers.disarm(entry)
    if (number === 0) {
      entry.busy()
      return
    }
    entry.number = number
    this.#byNumber.set(number, entry)
    this.#claimNumber(entry)
  }

  #claimNumber(entry: Entry): void {
    this.#custody.abandon(entry.number) // a claim before ours has been told already
    this.#custody.claim(entry.number, entry)
  }

  #homeOf(name: string): number {
    return hash(name) % this.#parts.shards
  }

  #tell(peer: number, message: Message): void {
    this.#parts.mesh.tell(peer, CHANNEL.directory, message) // to a dead one: its successor is told anew
  }

  readonly #receive = (from: number, body: unknown): void => {
    const message = body as Message
    switch (message[0]) {
      case LOOKUP:
        if (this.#awaits.size > 0) this.#early.push({ from, name: message[1] })
        else this.#answer(from, message[1])
        break
      case FOUND:
        this.#onFound(from, message[1], message[2])
        break
      case RETURN:
        this.#lender.giveBack(message[1], from)
        break
      case KEEP:
        this.#lender.keep(message[1], message[2])
        break
      case FORGET:
        this.#lender.drop(message[1])
        break
      case LEASES:
        for (const [name, number] of message[1]) this.#lender.restore(name, number, from)
        if (message[2]) this.#heard(from)
        break
    }
  }

  #onFound(from: number, name: string, number: number): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) {
      if (number !== 0) this.#tell(from, [RETURN, name]) // whoever asked did not wait
    } else if (entry.number === 0) {
      this.#found(entry, number)
    }
  }

  #answer(from: number, name: string): void {
    this.#tell(from, [FOUND, name, this.#lender.lend(name, from) ?? 0])
  }

  #heard(peer: number): void {
    if (!this.#awaits.delete(peer) || this.#awaits.size > 0) return
    const early = this.#early
    this.#early = []
    for (const { from, name } of early) {
      const entry = this.#entries.get(name)
      if (from !== this.#parts.shard) this.#answer(from, name)
      else if (entry?.number === 0) this.#lookUp(entry)
    }
  }
}

/** FNV-1a over the UTF-16 units: spreads names evenly, and every shard agrees on it. */
function hash(name: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < name.length; i++) {
    value = Math.imul(value ^ name.charCodeAt(i), 0x01000193)
  }
  return value >>> 0
}
