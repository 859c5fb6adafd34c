/**
 * A whole platform in one thread under a seeded scheduler: shards, the lines between them, the supervisor, the
 * store, and a small fleet. What happens next is chance; what may never happen is checked at every step.
 */
import { type MeshPort } from '../../actors/runtime/mesh-peer.ts'
import { ownerOf, PresenceTable, phaseOf } from '../../actors/runtime/presence-table.ts'
import type { DeviceNumber } from '../../core/domain/identifiers.ts'
import { ENTRY_CLASS, type LogEntry, type StoredEntry } from '../../core/domain/log-entry.ts'
import type { Device } from '../../core/domain/registry.ts'
import type { Durability } from '../../core/domain/settings.ts'
import { compareStamps, type Stamp } from '../../core/domain/token.ts'
import { replayedChange, tellingPart } from '../../protocol/alink/alink-replay.ts'
import { LogReader } from '../../storage/log/log-reader.ts'
import { recover } from '../../storage/recovery/recovery.ts'
import { sweep } from '../../threads/shard-supervisor.ts'
import { MemoryFiles } from '../storage/log/memory-files.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { MemoryRegistry } from '../support/memory-registry.ts'
import { type BrokenRule, brokenLane } from './broken-rules.ts'
import { Chance } from './chance.ts'
import { SimConnection } from './sim-connection.ts'
import { LOGS, SimShard } from './sim-shard.ts'
import { SimStore } from './sim-store.ts'

const PRODUCT = 'k1simulated'
const DEVICES = 5
const MAX_SHARDS = 4
const TRACE_LINES = 400

export interface WorldOptions {
  readonly seed: number
  readonly broken?: BrokenRule
}

/** An invariant does not hold; `trace` is what led there. */
class Violation extends Error {
  override readonly name = 'Violation'
}

class Line implements MeshPort {
  readonly queue: ArrayBuffer[] = []
  readonly name: string
  other: Line | undefined
  #listener: ((frame: ArrayBuffer) => void) | undefined

  constructor(name: string) {
    this.name = name
  }

  postMessage(frame: ArrayBuffer): void {
    this.other?.queue.push(frame)
  }

  on(_event: 'message', listener: (frame: ArrayBuffer) => void): void {
    this.#listener = listener
  }

  close(): void {
    this.#listener = undefined
    this.queue.length = 0
  }

  receiveNow(): ArrayBuffer | undefined {
    return this.queue.shift()
  }

  deliver(): void {
    const frame = this.queue.shift()
    if (frame !== undefined) this.#listener?.(frame)
  }
}

/** What becomes of a dead shard, step by step (docs/ownership.md). */
interface Death {
  readonly shard: number
  readonly untold: number[]
  step: 'replay' | 'gone' | 'sweep' | 'recovered' | 'start'
  nextSequence: number
}

/** What all logs say together. */
interface StoredFacts {
  readonly posts: Set<number>
  /** The last one of each number, by stamp. */
  readonly statuses: Map<DeviceNumber, { readonly stamp: Stamp; readonly online: boolean }>
}

interface Fate {
  device: Device
  open: SimConnection | undefined
  /** Highest post that was acknowledged. */
  acknowledged: number
  last: Stamp | undefined
}

export class World {
  readonly trace: string[] = []
  steps = 0
  takeOvers = 0
  deaths = 0
  kills = 0
  acknowledged = 0
  readonly #chance: Chance
  readonly #broken: BrokenRule | undefined
  readonly #durability: Durability
  readonly #clock = new FakeClock()
  readonly #files = new MemoryFiles()
  readonly #registry = new MemoryRegistry()
  readonly #store: SimStore
  readonly #fates = new Map<DeviceNumber, Fate>()
  /** By post: whose it was. */
  readonly #posts = new Map<number, string>()
  readonly #acknowledgedPosts = new Set<number>()
  #shards: SimShard[] = []
  #lines: Line[] = []
  #presence = PresenceTable.create(1)
  #incarnation = 0
  #death: Death | undefined
  #nextPost = 1
  #nextConnection = 1
  #nextDevice = 1
  #found: Violation | undefined
  #settling: { readonly shard: SimShard; readonly numbers: number[] }[] = []

  constructor(options: WorldOptions) {
    this.#chance = new Chance(options.seed)
    this.#broken = options.broken
    this.#durability = this.#chance.next() < 0.3 ? 'flush' : 'commit'
    this.#store = new SimStore(this.#registry)
    this.#registry.reusesNumbers = options.broken === 'number-reused'
    this.#files.holdSyncs = true
  }

  async start(): Promise<void> {
    const createdAt = this.#clock.now()
    await this.#registry.createProduct({
      productKey: PRODUCT as Device['productKey'],
      name: 'Simulated',
      validation: 'none',
      createdAt,
    })
    for (let i = 0; i < DEVICES; i++) await this.#register()
    await this.#startProcess()
  }

  /** One thing happens. */
  async step(): Promise<void> {
    this.steps += 1
    const dice = this.#chance.below(1000)
    if (dice < 330) this.#deliverFrame()
    else if (dice < 600) this.#endTurn()
    else if (dice < 720) this.#connect()
    else if (dice < 860) this.#post()
    else if (dice < 890) this.#leave()
    else if (dice < 910) this.#sendData()
    else if (dice < 940) this.#finishSync()
    else if (dice < 955) this.#passTime(300)
    else if (dice < 958) this.#passTime(1500)
    else if (dice < 970) this.#settleSome()
    else if (dice < 976) this.#stallOrGoOn()
    else if (dice < 986) await this.#checkpoint(this.#chance.pick(this.#shards), false)
    else if (dice < 994) await this.#goOnWithDeath()
    else if (dice < 997) this.#killShard()
    else if (dice < 998) await this.#replaceDevice()
    else if (this.#chance.next() < 0.3) await this.#killProcess()
    if (this.#found !== undefined) throw this.#found
  }

  /** All that is under way comes to its end; then the whole truth is checked. */
  async finish(): Promise<void> {
    for (const shard of this.#shards) shard.stalled = false
    while (this.#death !== undefined) await this.#goOnWithDeath()
    for (let round = 0; round < 8; round++) {
      this.#settleQuietly()
      this.#passTime(1000)
    }
    while (this.#settling.length > 0) this.#settleSome()
    this.#settleQuietly()
    for (const shard of this.#shards) {
      const { waiting } = shard.devices.counts
      if (waiting > 0) this.#fail(`${waiting} connects wait for ever on shard ${shard.number}`)
    }
    const live = await this.#rows()
    const entries = this.#readLogs()
    for (const fate of this.#fates.values())
      this.#checkFate(fate, live.get(fate.device.number), entries)
    for (const n of this.#acknowledgedPosts) {
      if (!entries.posts.has(n)) this.#fail(`post ${n} was acknowledged and is not stored`)
    }
    await this.#killProcess()
    for (const { device, acknowledged } of this.#fates.values()) {
      const row = this.#store.state(device.number)
      this.#checkValue(device, row?.properties['n']?.value, acknowledged)
    }
  }

  // ---- the fleet

  async #register(): Promise<void> {
    const deviceName = `device-${this.#nextDevice++}`
    const device = await this.#registry.createDevice({
      productKey: PRODUCT,
      deviceName,
      iotId: `iot-${deviceName}`,
      deviceSecret: 'secret',
      createdAt: this.#clock.now(),
    })
    this.#fates.set(device.number, { device, open: undefined, acknowledged: 0, last: undefined })
  }

  #connect(): void {
    const shard = this.#aliveShard()
    const fate = this.#chance.pick([...this.#fates.values()])
    if (shard === undefined) return
    const label = `c${this.#nextConnection++}`
    const connection = new SimConnection(label, fate.device, shard, this)
    this.#say(`${label} of ${fate.device.deviceName} connects to shard ${shard.number}`)
    const word = this.#presence.word(fate.device.number)
    if (this.#broken === 'connack-before-adopt' && phaseOf(word) !== 'unowned') {
      shard.turn.enter()
      shard.devices.connect(fate.device, connection, (claim) => connection.onClaim(claim))
      return
    }
    this.#guarded(() => connection.connect())
  }

  #post(): void {
    const open = [...this.#fates.values()].filter(({ open }) => open?.shard.stalled === false)
    if (open.length === 0) return
    const { open: connection, device } = this.#chance.pick(open)
    const n = this.#nextPost++
    this.#posts.set(n, device.deviceName)
    this.#guarded(() => connection?.post(n))
  }

  #leave(): void {
    const { open } = this.#chance.pick([...this.#fates.values()])
    if (open === undefined || open.shard.stalled) return
    this.#say(`${open.label} leaves`)
    this.#guarded(() => open.leave())
  }

  async #replaceDevice(): Promise<void> {
    const { device } = this.#chance.pick([...this.#fates.values()])
    this.#say(`${device.deviceName} is deleted`)
    this.#fates.delete(device.number)
    await this.#registry.deleteDevice(PRODUCT, device.deviceName)
    for (const shard of this.#shards) {
      if (!shard.dead) await shard.devices.evict(device, 'deleted')
    }
    await this.#register()
  }

  granted(connection: SimConnection): void {
    const { device, shard, label } = connection
    this.#say(`${label} of ${device.deviceName} is granted on shard ${shard.number}`)
    const fate = this.#fates.get(device.number)
    if (fate?.device.deviceName !== device.deviceName) return
    if (fate.open !== undefined) {
      this.#fail(`${label} and ${fate.open.label} both hold ${device.deviceName}`)
    }
    if (!shard.devices.custody.holds(device.number)) {
      this.#fail(`${label} is granted on shard ${shard.number}, which has no custody`)
    }
    if (fate.last !== undefined) this.takeOvers += 1
    fate.open = connection
  }

  ended(connection: SimConnection): void {
    const fate = this.#fates.get(connection.device.number)
    if (fate?.open === connection) fate.open = undefined
  }

  heardAck(connection: SimConnection, post: number): void {
    this.#acknowledgedPosts.add(post)
    this.acknowledged += 1
    const fate = this.#fates.get(connection.device.number)
    if (fate?.device.deviceName === connection.device.deviceName && post > fate.acknowledged) {
      fate.acknowledged = post
    }
  }

  // ---- threads

  #aliveShard(): SimShard | undefined {
    const alive = this.#shards.filter(({ dead, stalled }) => !dead && !stalled)
    return alive.length === 0 ? undefined : this.#chance.pick(alive)
  }

  #deliverFrame(): void {
    const full = this.#lines.filter(({ queue, name }) => {
      const shard = this.#shards[Number(name.split('<')[0])]
      return queue.length > 0 && shard?.dead === false && !shard.stalled
    })
    if (full.length === 0) return
    const line = this.#chance.pick(full)
    this.#guarded(() => line.deliver())
  }

  #endTurn(): void {
    const shard = this.#aliveShard()
    if (shard !== undefined) this.#guarded(() => shard.endTurn())
  }

  #sendData(): void {
    const shard = this.#aliveShard()
    const peer = shard?.mesh.peers[this.#chance.below(shard.mesh.peers.length)]
    if (peer !== undefined) shard?.sendData(peer, 700)
  }

  #finishSync(): void {
    const finish = this.#files.held.shift()
    if (finish !== undefined) this.#guarded(finish)
  }

  #passTime(ms: number): void {
    this.#clock.advance(ms)
    for (const shard of this.#shards) {
      if (!shard.dead && !shard.stalled) this.#guarded(() => shard.timers.tick())
    }
  }

  #stallOrGoOn(): void {
    const shard = this.#chance.pick(this.#shards)
    if (shard.dead) return
    shard.stalled = !shard.stalled && this.#chance.next() < 0.5
    this.#say(`shard ${shard.number} ${shard.stalled ? 'stands still' : 'goes on'}`)
  }

  async #checkpoint(shard: SimShard, untilStored: boolean): Promise<void> {
    if (shard.dead || shard.stalled) return
    while (shard.busy) this.#guarded(() => shard.endTurn())
    let stored = false
    void shard.checkpointer.run().then(() => {
      stored = true
    })
    for (let i = 0; i < 20 && !stored; i++) {
      await Promise.resolve()
      if (untilStored) this.#finishSync()
    }
  }

  #settleSome(): void {
    const [first] = this.#settling
    if (first === undefined) return
    if (first.shard.stalled) return
    const number = first.numbers.pop()
    if (number === undefined || first.shard.dead) {
      this.#settling.shift()
      return
    }
    this.#say(`shard ${first.shard.number} settles ${number}`)
    this.#guarded(() => {
      first.shard.turn.enter()
      first.shard.devices.settle(number as DeviceNumber)
    })
  }

  #settleQuietly(): void {
    for (let moved = true; moved; ) {
      moved = false
      for (const shard of this.#shards) {
        while (shard.busy) {
          moved = true
          this.#guarded(() => shard.endTurn())
        }
      }
      for (const line of this.#lines) {
        while (line.queue.length > 0) {
          moved = true
          this.#guarded(() => line.deliver())
        }
      }
      while (this.#files.held.length > 0) {
        moved = true
        this.#finishSync()
      }
    }
  }

  // ---- deaths

  #killShard(): void {
    const shard = this.#aliveShard()
    if (shard === undefined || this.#death !== undefined || this.#shards.length === 1) return
    this.deaths += 1
    this.#say(`shard ${shard.number} dies`)
    shard.dead = true
    for (const fate of this.#fates.values()) if (fate.open?.shard === shard) fate.open = undefined
    this.#death = {
      shard: shard.number,
      untold: this.#otherShards(shard.number),
      step: 'replay',
      nextSequence: 1,
    }
  }

  #otherShards(dead: number): number[] {
    return this.#shards.filter(({ number }) => number !== dead).map(({ number }) => number)
  }

  async #goOnWithDeath(): Promise<void> {
    const death = this.#death
    if (death === undefined) return
    const { shard: dead, untold } = death
    const peer = untold.at(-1) === undefined ? undefined : this.#shards[untold.at(-1) as number]
    if (peer?.stalled === true) return
    switch (death.step) {
      case 'replay':
        this.#say(`the log of shard ${dead} is replayed`)
        death.nextSequence = (await this.#recover([dead])).get(dead) ?? 1
        death.step = 'gone'
        break
      case 'gone':
        if (peer === undefined) {
          death.step = 'sweep'
          break
        }
        untold.pop()
        this.#say(`shard ${peer.number} hears that shard ${dead} is gone`)
        this.#guarded(() => {
          peer.mesh.drain(dead)
          peer.mesh.leave(dead)
          peer.devices.custody.peerGone(dead)
        })
        await this.#checkpoint(peer, true)
        await this.#checkpoint(peer, true) // one that was under way had begun before
        break
      case 'sweep':
        this.#say('the presence table is swept')
        sweep(this.#presence, dead)
        untold.push(...this.#otherShards(dead))
        death.step = 'recovered'
        break
      case 'recovered':
        if (peer === undefined) {
          death.step = 'start'
          break
        }
        untold.pop()
        this.#guarded(() => {
          peer.turn.enter()
          peer.devices.custody.peerRecovered()
        })
        break
      case 'start': {
        this.#say(`shard ${dead} starts anew`)
        const successor = this.#makeShard(dead, death.nextSequence)
        this.#lines = this.#lines.filter(({ name }) => !name.split('<').includes(String(dead)))
        this.#shards[dead] = successor
        for (const other of this.#otherShards(dead)) {
          this.#join(successor, this.#shards[other] as SimShard)
        }
        this.#settling.push({ shard: successor, numbers: this.#onlineNumbers() })
        this.#death = undefined
        break
      }
    }
  }

  async #killProcess(): Promise<void> {
    this.kills += 1
    this.#say('the process is killed')
    for (const shard of this.#shards) shard.dead = true
    for (const fate of this.#fates.values()) fate.open = undefined
    if (this.#durability === 'flush') this.#files.powerCut()
    this.#files.held.length = 0
    await this.#startProcess()
  }

  async #startProcess(): Promise<void> {
    this.#incarnation += 1
    this.#death = undefined
    this.#settling = []
    this.#lines = []
    const next = await this.#recover(undefined)
    this.#presence = PresenceTable.create(2000)
    const count = 1 + this.#chance.below(MAX_SHARDS)
    this.#say(`process ${this.#incarnation} starts with ${count} shards`)
    this.#shards = Array.from({ length: count }, (_, number) =>
      this.#makeShard(number, next.get(number) ?? 1),
    )
    for (const a of this.#shards) {
      for (const b of this.#shards) if (a.number < b.number) this.#join(a, b)
    }
    const online = this.#onlineNumbers()
    this.#settling = this.#shards.map((shard) => ({
      shard,
      numbers: online.filter((number) => number % count === shard.number),
    }))
  }

  #onlineNumbers(): DeviceNumber[] {
    return [...this.#registry.onlineNumbers(0, Number.POSITIVE_INFINITY)]
  }

  async #recover(logs: readonly number[] | undefined): Promise<ReadonlyMap<number, number>> {
    const recovery = await recover({
      store: this.#store,
      logsDirectory: LOGS,
      changeOf: replayedChange,
      tellingPart,
      files: this.#files,
      ...(logs === undefined ? {} : { logs }),
    })
    return new Map(recovery.logs.map(({ log, nextSequence }) => [log, nextSequence]))
  }

  #makeShard(number: number, nextSequence: number): SimShard {
    const presence = this.#presence
    return new SimShard({
      number,
      incarnation: this.#incarnation,
      nextSequence,
      durability: this.#durability,
      clock: this.#clock,
      files: this.#files,
      presence,
      registry: this.#registry,
      store: this.#store,
      onEntry: (entry) => this.#onEntry(entry, number),
      lane: (mesh) =>
        brokenLane(this.#broken, mesh, presence, () =>
          this.#fail(`shard ${number} holds a control message back for want of credit`),
        ),
    })
  }

  #join(a: SimShard, b: SimShard): void {
    const one = new Line(`${a.number}<${b.number}`)
    const two = new Line(`${b.number}<${a.number}`)
    one.other = two
    two.other = one
    a.mesh.join(b.number, one)
    b.mesh.join(a.number, two)
    this.#lines.push(one, two)
  }

  // ---- what may never happen

  /** Entries of a number come from who has custody, each newer than all before. */
  #onEntry(entry: LogEntry, shard: number): void {
    const fate = this.#fates.get(entry.number)
    const word = this.#presence.word(entry.number)
    const owns = ownerOf(word) === shard && phaseOf(word) !== 'unowned'
    if (!owns) this.#fail(`shard ${shard} writes for ${entry.number}, which it does not own`)
    if (fate === undefined) return
    const { token, version } = entry
    if (fate.last !== undefined && compareStamps({ token, version }, fate.last) <= 0) {
      this.#fail(`an entry of ${entry.number} is not newer than the one before`)
    }
    fate.last = { token, version }
  }

  #checkFate(
    { device, acknowledged, open }: Fate,
    row: { online: boolean; value: unknown } | undefined,
    entries: StoredFacts,
  ): void {
    const { deviceName, number } = device
    this.#checkValue(device, row?.value, acknowledged)
    const online = open !== undefined
    if (this.#presence.isOnline(number) !== online) this.#fail(`presence of ${deviceName} is wrong`)
    if ((row?.online ?? false) !== online) {
      const stamp = JSON.stringify(entries.statuses.get(number))
      this.#fail(
        `the row of ${deviceName} (${number}) is wrong: ${row?.online} for ${open?.label}; last status ${stamp}`,
      )
    }
    const status = entries.statuses.get(number)
    if (status !== undefined && status.online !== online) {
      this.#fail(
        `the last status event of ${deviceName} says ${status.online ? 'online' : 'offline'}`,
      )
    }
  }

  #checkValue({ deviceName }: Device, value: unknown, acknowledged: number): void {
    const n = typeof value === 'number' ? value : 0
    if (n < acknowledged) this.#fail(`${deviceName} has ${n}, and ${acknowledged} was acknowledged`)
    if (n !== 0 && this.#posts.get(n) !== deviceName) {
      this.#fail(`${deviceName} has ${n}, which ${this.#posts.get(n)} has posted`)
    }
  }

  async #rows(): Promise<Map<DeviceNumber, { online: boolean; value: unknown }>> {
    const rows = new Map<DeviceNumber, { online: boolean; value: unknown }>()
    for (const number of this.#fates.keys()) {
      const shard = this.#shards[this.#presence.shardOf(number, this.#shards.length)]
      const row = await shard?.devices.state(number)
      if (row !== undefined)
        rows.set(number, { online: row.online, value: row.properties['n']?.value })
    }
    return rows
  }

  #readLogs(): StoredFacts {
    const posts = new Set<number>()
    const statuses = new Map<DeviceNumber, { stamp: Stamp; online: boolean }>()
    for (const log of this.#files.list(LOGS)) {
      const reader = new LogReader({
        directory: `${LOGS}/${log}`,
        log: Number(log),
        files: this.#files,
      })
      reader.seek(0)
      for (const entry of reader.entries()) this.#readEntry(entry, posts, statuses)
      reader.close()
    }
    return { posts, statuses }
  }

  #readEntry(
    entry: StoredEntry,
    posts: Set<number>,
    statuses: Map<DeviceNumber, { stamp: Stamp; online: boolean }>,
  ): void {
    const text = Buffer.from(entry.payload).toString()
    if (entry.class === ENTRY_CLASS.properties) {
      const n = Number((JSON.parse(text) as { requestId: string }).requestId)
      if (posts.has(n)) this.#fail(`post ${n} is stored twice`)
      posts.add(n)
    } else if (entry.class === ENTRY_CLASS.status) {
      const known = statuses.get(entry.number)
      if (known === undefined || compareStamps(entry, known.stamp) > 0) {
        const { token, version } = entry
        const online = text.includes('"online"')
        statuses.set(entry.number, { stamp: { token, version }, online })
      }
    }
  }

  #guarded(action: () => void): void {
    try {
      action()
    } catch (error) {
      if (error instanceof Violation) throw error
      this.#fail(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
  }

  #say(line: string): void {
    this.trace.push(`${this.steps}: ${line}`)
    if (this.trace.length > TRACE_LINES) this.trace.shift()
  }

  /** Kept as well: an actor that throws is restarted, and with it the error would be gone. */
  #fail(what: string): never {
    this.#found ??= new Violation(what)
    throw this.#found
  }
}
