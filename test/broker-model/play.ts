/** Plays a script on real shards and on the reference model, and says where they differ. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { connectPacket, publish } from '../protocol/mqtt/packets.ts'
import { Chance } from '../simulation/chance.ts'
import { BrokerHouse } from './broker-house.ts'
import { ModelClient } from './model-client.ts'
import {
  type Delivery,
  type ModelConnection,
  ReferenceModel,
  type SharedDelivery,
} from './reference-model.ts'
import { EXPIRY_SEC, type Step, scripts, type Will } from './script.ts'

/** Random scripts on so many shards, each with chances of its own. */
export function scriptsOn(shards: number): fc.IAsyncProperty<[Step[], number]> {
  return fc.asyncProperty(scripts(shards), fc.nat(), async (script, seed) => {
    await new Play(shards, new Chance(seed)).run(script)
  })
}

class Play {
  readonly #house: BrokerHouse
  readonly #model = new ReferenceModel()
  /** By their names, those that are connected. */
  readonly #clients = new Map<number, ModelClient>()
  readonly #all: ModelClient[] = []
  /** The last of each session, by its number. */
  readonly #ofSession = new Map<number, ModelClient>()
  /** Lasting sessions can keep so little in memory that they read the store again and again. */
  readonly #tight: boolean
  readonly #chance: Chance
  #said = 0
  /** Who has published a payload: the number of its connection. */
  readonly #from = new Map<string, number>()

  constructor(shards: number, chance: Chance) {
    this.#chance = chance
    this.#tight = chance.below(2) === 0
    this.#house = new BrokerHouse(shards, chance, this.#tight)
  }

  async run(script: readonly Step[]): Promise<void> {
    for (const step of script) {
      if (step.kind !== 'publish') this.#settle()
      await this.#step(step)
      if (step.kind === 'publish' && step.atOnce) continue
      this.#settle()
      this.#compare()
    }
    this.#settle()
    for (const [name, { level }] of Array.from(this.#model.away)) {
      const shard = this.#chance.below(this.#house.shards.length)
      const more = { will: undefined, lasting: true, clean: false }
      this.#connect({ kind: 'connect', client: name, shard, level, ...more })
    }
    for (let round = 0; round < 3; round++) {
      for (const client of this.#clients.values()) client.acknowledge()
      this.#settle()
      for (const shard of this.#house.shards.keys()) await this.#house.store(shard)
      this.#pass(2)
    }
    this.#compare(true)
    this.#compareShared()
  }

  async #step(step: Step): Promise<void> {
    const client = this.#clients.get(step.client)
    if (step.kind === 'connect') {
      this.#connect(step)
      return
    }
    if (step.kind === 'wait') {
      this.#model.wait(step.seconds)
      this.#pass(step.seconds)
      return
    }
    if (client === undefined) return
    switch (step.kind) {
      case 'drop':
        this.#end(step.client)
        client.hangUp()
        break
      case 'disconnect': {
        const connection = this.#model.connection(step.client)
        if (connection !== undefined) connection.will = undefined
        this.#end(step.client)
        client.say({ cmd: 'disconnect', reasonCode: 0 })
        break
      }
      case 'subscribe':
        this.#subscribe(client, step)
        break
      case 'unsubscribe':
        this.#model.unsubscribe(step.client, step.filter)
        client.say({
          cmd: 'unsubscribe',
          messageId: client.nextId(),
          unsubscriptions: [step.filter],
        })
        break
      case 'publish':
        this.#publish(client, step)
        if (this.#chance.below(4) === 0) {
          this.#house.checkpoint(this.#chance.below(this.#house.shards.length))
        }
        break
      case 'hold':
        client.holds = true
        break
      case 'acknowledge':
        client.acknowledge()
        break
    }
  }

  #connect(step: Step & { kind: 'connect' }): void {
    const { client: name, shard, level, will, lasting } = step
    const before = this.#clients.get(name)
    const resumed = this.#model.connect(step)
    const { number, willPayload } = this.#model.connection(name) as ModelConnection
    const house = this.#house.shards[shard] as BrokerHouse['shards'][number]
    const client = new ModelClient(number, level, house, this.#ofSession.get(number))
    this.#ofSession.set(number, client)
    this.#clients.set(name, client)
    this.#all.push(client)
    const more = will === undefined ? {} : { will: packetOf(will, willPayload, level) }
    const five = level === 5
    const properties = five && lasting ? { sessionExpiryInterval: EXPIRY_SEC } : {}
    const clean = five ? step.clean : !lasting
    const clientId = `client ${name}`
    client.say(connectPacket({ clientId, protocolVersion: level, clean, properties, ...more }))
    this.#settle()
    const [connack] = client.told
    assert.ok(connack?.cmd === 'connack', 'no CONNACK')
    const told = [connack.reasonCode ?? connack.returnCode, connack.sessionPresent]
    assert.deepEqual(told, [0, resumed && level !== 3], `CONNACK of client ${name}`)
    if (before === undefined) return
    assert.ok(before.gone, 'the connection before is still there')
    const last = before.told.at(-1)
    if (before.level === 5) assert.ok(last?.cmd === 'disconnect' && last.reasonCode === 0x8e)
  }

  #subscribe(client: ModelClient, step: Step & { kind: 'subscribe' }): void {
    client.acknowledge() // what is retained may change before a client that holds back has room for it
    this.#settle()
    const { filter, qos, retainAsPublished, retainHandling } = step
    const noLocal = step.noLocal && !filter.startsWith('$share')
    this.#model.subscribe(step.client, { ...step, noLocal })
    const options = { nl: noLocal, rap: retainAsPublished, rh: retainHandling }
    const subscription = { topic: filter, qos, ...(client.level === 5 ? options : {}) }
    client.say({ cmd: 'subscribe', messageId: client.nextId(), subscriptions: [subscription] })
  }

  #publish(client: ModelClient, step: Step & { kind: 'publish' }): void {
    const { topic, qos, retain, empty, twice } = step
    this.#said += 1
    const payload = retain && empty ? '' : `${this.#said}`
    this.#from.set(payload, this.#all.indexOf(client))
    this.#model.publish(step.client, { topic, payload, qos, retain })
    const packet = { ...publish(topic, payload, qos, client.nextId()), retain }
    client.say(packet)
    if (qos === 2 && twice) client.say({ ...packet, dup: true })
  }

  #end(name: number): void {
    this.#model.end(name)
    this.#clients.delete(name)
  }

  #settle(): void {
    for (let moved = true; moved; ) {
      this.#house.settle()
      moved = false
      for (const client of this.#all) moved = client.answer() || moved
    }
  }

  #pass(seconds: number): void {
    for (let passed = 0; passed < seconds; passed += 2) {
      this.#house.tick(2)
      this.#settle()
    }
  }

  /** Each client has heard what it should, as far as it takes part; what came by shared subscriptions apart. */
  #compare(atEnd = false): void {
    for (const [name, client] of this.#clients) {
      const due = this.#dueOf(name)
      const { missing, beside } = this.#split(name)
      const joined = this.#model.connection(name)?.joined
      const context = `client ${name}, connection ${client.number}`
      // QoS 0 passes what waits for room.
      const readsStore = this.#tight && this.#model.connection(name)?.lasted === true
      const late = missing.filter(({ qos }) => {
        // One that reads the store hears nothing of QoS 0 meanwhile.
        return qos === 0 ? !readsStore : !client.holds && (!readsStore || atEnd)
      })
      assert.deepEqual(late.map(words), [], `${context} misses`)
      for (const one of beside) {
        const asMember = this.#model.shared.some(
          ({ payload, name: group }) => payload === one.payload && joined?.has(group) === true,
        )
        assert.ok(asMember, `${context} hears ${words(one)}`)
      }
      const twice = new Set(beside.map(({ payload }) => payload))
      const ordered = ({ qos, retain, payload }: Delivery): boolean =>
        qos > 0 && !retain && !twice.has(payload) && due.some((one) => one.payload === payload)
      for (const from of new Set(this.#from.values())) {
        const ofOne = ({ payload }: Delivery): boolean => this.#from.get(payload) === from
        const heard = client.heard.filter(ordered).filter(ofOne).map(words)
        const inOrder = due.filter(ordered).filter(ofOne).map(words)
        assert.deepEqual(heard, inOrder.slice(0, heard.length), `order of ${context}`)
      }
    }
  }

  /**
   * Each message came once to each group whose members are all still there; where some have left, and one is there, it
   * was acknowledged by somebody if it was given at QoS 1.
   */
  #compareShared(): void {
    const alive = new Set([...this.#clients.values()].map(({ number }) => number))
    const byPayload = new Map<string, SharedDelivery[]>()
    for (const one of this.#model.shared) {
      if (told(one)) byPayload.set(one.payload, [...(byPayload.get(one.payload) ?? []), one])
    }
    const beside = [...this.#clients.keys()].flatMap((name) => this.#split(name).beside)
    for (const [payload, groups] of byPayload) {
      for (const { members, atLeastOnce, name } of groups) {
        const stayed = members.filter((number) => !this.#model.left.has(`${number} ${name}`))
        if (!atLeastOnce || !stayed.some((number) => alive.has(number))) continue
        const taken = this.#all.some(
          ({ number, heard, unacknowledged }) =>
            heard.some((one) => one.payload === payload) &&
            (alive.has(number) || !unacknowledged.has(payload)),
        )
        assert.ok(taken, `${payload} to ${name} is lost`)
      }
      const whole = groups.every(({ members }) => members.every((number) => alive.has(number)))
      if (!whole || !groups.every(({ certain }) => certain)) continue
      const times = beside.filter((one) => one.payload === payload).length
      assert.equal(times, groups.length, `${payload} to ${groups.map(({ name }) => name).join()}`)
    }
  }

  #dueOf(name: number): Delivery[] {
    return (this.#model.connection(name)?.due ?? []).filter(told)
  }

  /** What is due and was not heard, and what was heard beside it. */
  #split(name: number): { readonly missing: Delivery[]; readonly beside: Delivery[] } {
    const missing = this.#dueOf(name)
    const beside: Delivery[] = []
    for (const one of (this.#clients.get(name)?.heard ?? []).filter(told)) {
      const at = missing.findIndex((expected) => words(expected) === words(one))
      if (at < 0) beside.push(one)
      else missing.splice(at, 1)
    }
    return { missing, beside }
  }
}

/** Those that remove a retained message are all alike: whose they are cannot be told. */
function told({ payload }: { readonly payload: string }): boolean {
  return payload !== ''
}

function packetOf({ topic, qos, retain, delay }: Will, payload: string, level: 3 | 4 | 5) {
  const properties = level === 5 ? { properties: { willDelayInterval: delay } } : {}
  return { topic, qos, retain, payload: Buffer.from(payload), ...properties }
}

function words({ topic, payload, qos, retain }: Delivery): string {
  return `${topic} ${payload} ${qos}${retain ? ' retained' : ''}`
}
