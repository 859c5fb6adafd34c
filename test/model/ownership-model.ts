/**
 * The table of docs/ownership.md as a model: one number, three shards, the store, the supervisor. Reading the word
 * and swapping it are steps of their own, so that any other thread may act between them; what a turn says leaves
 * with its commit, and is lost with a shard that dies before. A row is a count of posts: `n` stands for the
 * first n of them, applied in order.
 */
import { Broken, type Model } from './explorer.ts'

export const MODEL_RULES = [
  'empty-answer-while-waiting',
  'connack-before-adopt',
  'number-reused',
  'credit-blocks-control',
  'no-adopt-record',
  'no-checkpoint-when-a-peer-is-gone',
  'withdraw-without-compare',
] as const
export type ModelRule = (typeof MODEL_RULES)[number]

export interface Bounds {
  readonly connects: number
  readonly posts: number
  readonly deaths: number
  readonly restarts: number
  readonly deletions: number
  readonly data: number
}

const S = 3
const [UNOWNED, HELD, ASKED, GIVEN] = [0, 1, 2, 3]
const [ASK, QUEUED, GIVE, GIVE_STORE, SUPERSEDED, MOVED, DATA, CREDIT] = [1, 2, 3, 4, 5, 6, 7, 8]
const [NO_OP, ATTEMPT, ON_ASK, ON_QUEUED, WITHDRAW] = [0, 1, 2, 3, 4]
const [IN_STORE, IN_MEMORY] = [1, 2]

// ---- where what stands in a state

const G = {
  phase: 0,
  owner: 1,
  next: 2,
  epoch: 3,
  incarnation: 4,
  acked: 5,
  written: 6,
  storeN: 7,
  storeStamp: 8,
  lastStamp: 9,
  dead: 10,
  deathStep: 11,
  told: 12,
  connects: 13,
  posts: 14,
  deaths: 15,
  restarts: 16,
  deletions: 17,
  data: 18,
} as const
const SHARD = 20
const P = {
  alive: 0,
  conn: 1,
  waiting: 2,
  askedTo: 3,
  askId: 4,
  queued: 5,
  queuedId: 6,
  row: 7,
  rowN: 8,
  stamp: 9,
  dirtyN: 10,
  dirtyStamp: 11,
  logStamp: 12,
  logFrom: 13,
  logTo: 14,
  newStamp: 15,
  newFrom: 16,
  newTo: 17,
  op: 18,
  seen: 19,
  from: 20,
  id: 21,
} as const
const SHARD_BYTES = 22
const CHANNELS = SHARD + S * SHARD_BYTES
const MESSAGES = 4
const CHANNEL_BYTES = 2 + MESSAGES * 3 // count, credit used; kind, id, row + posted << 7
const SIZE = CHANNELS + S * S * CHANNEL_BYTES

type GlobalField = keyof typeof G
type ShardField = keyof typeof P

/** Bytes, read and written by name. */
class State {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  g(field: GlobalField): number {
    return this.bytes[G[field]] as number
  }

  setG(field: GlobalField, value: number): void {
    this.bytes[G[field]] = value
  }

  p(shard: number, field: ShardField): number {
    return this.bytes[SHARD + shard * SHARD_BYTES + P[field]] as number
  }

  setP(shard: number, field: ShardField, value: number): void {
    this.bytes[SHARD + shard * SHARD_BYTES + P[field]] = value
  }

  clear(shard: number): void {
    const log = [
      this.p(shard, 'logStamp'),
      this.p(shard, 'logFrom'),
      this.p(shard, 'logTo'),
    ] as const
    const start = SHARD + shard * SHARD_BYTES
    this.bytes.fill(0, start, start + SHARD_BYTES)
    this.setP(shard, 'logStamp', log[0])
    this.setP(shard, 'logFrom', log[1])
    this.setP(shard, 'logTo', log[2])
  }

  channel(from: number, to: number): number {
    return CHANNELS + (from * S + to) * CHANNEL_BYTES
  }

  count(from: number, to: number): number {
    return this.bytes[this.channel(from, to)] as number
  }

  get word(): number {
    return this.g('phase') | (this.g('owner') << 2) | (this.g('next') << 4)
  }

  setWord(phase: number, owner: number, next: number): void {
    this.setG('phase', phase)
    this.setG('owner', owner)
    this.setG('next', next)
  }

  holds(shard: number): boolean {
    const phase = this.g('phase')
    return (phase === HELD || phase === ASKED) && this.g('owner') === shard
  }
}

const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const
const REPLACED = [
  'conn',
  'waiting',
  'row',
  'rowN',
  'dirtyN',
  'dirtyStamp',
  'newStamp',
  'newFrom',
  'newTo',
] as const

/** Out of the bounds of the model: this way is not followed. */
const BEYOND = new Error('beyond the bounds')

export class OwnershipModel implements Model {
  readonly size: number = SIZE
  readonly initial: Uint8Array
  readonly #rule: ModelRule | undefined
  readonly #scratch = new State(new Uint8Array(SIZE))

  constructor(bounds: Bounds, rule?: ModelRule) {
    this.#rule = rule
    const state = new State(new Uint8Array(SIZE))
    for (let shard = 0; shard < S; shard++) state.setP(shard, 'alive', 1)
    state.setG('incarnation', 1)
    for (const key of ['connects', 'posts', 'deaths', 'restarts', 'deletions', 'data'] as const) {
      state.setG(key, bounds[key])
    }
    this.initial = state.bytes
  }

  next(from: Uint8Array, visit: (to: Uint8Array, step: string) => void): void {
    let steps = 0
    const state = this.#scratch
    const attempt = (name: string, act: (state: State) => boolean): void => {
      state.bytes.set(from)
      try {
        if (!act(state)) return
      } catch (error) {
        if (error === BEYOND) return
        throw error instanceof Broken ? new Broken(`${name}: ${error.message}`) : error
      }
      this.#check(state, name)
      steps += 1
      visit(state.bytes, name)
    }
    for (let shard = 0; shard < S; shard++) {
      attempt(`connect at ${shard}`, (s) => this.#connect(s, shard))
      attempt(`swap at ${shard}`, (s) => this.#goOn(s, shard))
      attempt(`post at ${shard}`, (s) => this.#post(s, shard))
      attempt(`turn of ${shard} ends`, (s) => this.#commit(s, shard))
      attempt(`connection at ${shard} ends`, (s) => this.#leave(s, shard))
      attempt(`2 s are over at ${shard}`, (s) => this.#timeOut(s, shard))
      attempt(`checkpoint at ${shard}`, (s) => this.#checkpoint(s, shard))
      attempt(`${shard} dies`, (s) => this.#die(s, shard))
      for (let other = 0; other < S; other++) {
        if (other === shard) continue
        attempt(`${shard} hears ${other}`, (s) => this.#hear(s, other, shard))
        attempt(`${shard} sends data to ${other}`, (s) => this.#sendData(s, shard, other))
      }
    }
    attempt('supervision goes on', (s) => this.#supervise(s))
    attempt('the process is killed', (s) => this.#restart(s))
    attempt('the device is replaced', (s) => this.#replace(s))
    if (steps === 0) this.#assertRest(new State(from))
  }

  show(bytes: Uint8Array): string {
    const state = new State(bytes)
    const globals = Object.keys(G).map((key) => `${key} ${state.g(key as GlobalField)}`)
    const shards = Array.from({ length: S }, (_, shard) =>
      Object.keys(P)
        .map((key) => `${key} ${state.p(shard, key as ShardField)}`)
        .join(' '),
    )
    return [globals.join(' '), ...shards].join('\n')
  }

  // ---- rows of the table

  /** connect at B: a connect that waits there already is closed. */
  #connect(s: State, b: number): boolean {
    if (s.p(b, 'alive') === 0 || s.p(b, 'op') !== NO_OP || s.g('connects') === 0) return false
    s.setG('connects', s.g('connects') - 1)
    this.#begin(s, b, ATTEMPT, 0, 0)
    return true
  }

  #begin(s: State, b: number, op: number, from: number, id: number): void {
    s.setP(b, 'op', op)
    s.setP(b, 'seen', s.word)
    s.setP(b, 'from', from)
    s.setP(b, 'id', id)
  }

  /** The swap: where the word is not the one that was read, it is read again. */
  #goOn(s: State, b: number): boolean {
    const op = s.p(b, 'op')
    if (op === NO_OP) return false
    const changed = s.p(b, 'seen') !== s.word
    const blind = this.#rule === 'withdraw-without-compare' && op === WITHDRAW
    if (changed && !blind) {
      if (op === WITHDRAW) s.setP(b, 'op', NO_OP)
      else s.setP(b, 'seen', s.word)
      return true
    }
    const seen = s.p(b, 'seen')
    const [phase, owner, next] = [seen & 3, (seen >> 2) & 3, (seen >> 4) & 3]
    s.setP(b, 'op', NO_OP)
    switch (op) {
      case ATTEMPT:
        this.#attempt(s, b, phase, owner, next)
        break
      case ON_ASK:
        this.#answer(s, b, phase === ASKED && owner === b && next === s.p(b, 'from'), SUPERSEDED)
        break
      case ON_QUEUED:
        this.#answerQueued(s, b, phase, owner, next)
        break
      case WITHDRAW:
        if (phase === ASKED && next === b) s.setWord(HELD, owner, 0)
        break
    }
    return true
  }

  #attempt(s: State, b: number, phase: number, owner: number, next: number): void {
    if (phase === UNOWNED) {
      s.setWord(HELD, b, 0)
      this.#take(s, b)
      this.#grant(s, b)
    } else if (phase === HELD && owner === b) {
      this.#grant(s, b)
    } else if (phase === ASKED && owner === b) {
      s.setWord(HELD, b, 0)
      this.#grant(s, b)
    } else if (phase === ASKED && next === b) {
      s.setP(b, 'waiting', 1)
    } else if (phase !== GIVEN) {
      if (!this.#reachable(s, b, owner)) {
        s.setP(b, 'waiting', 1)
        s.setP(b, 'askedTo', 0)
        return
      }
      s.setWord(ASKED, owner, b)
      this.#ask(s, b, owner, ASK)
      if (this.#rule === 'connack-before-adopt') this.#grant(s, b)
    } else if (next === b) {
      if (s.p(b, 'queued') > 0) {
        this.#send(s, b, s.p(b, 'queued') - 1, SUPERSEDED, s.p(b, 'queuedId'), 0)
        s.setP(b, 'queued', 0)
      }
      s.setP(b, 'waiting', 1)
      s.setP(b, 'askedTo', 0)
    } else if (this.#reachable(s, b, next)) {
      this.#ask(s, b, next, QUEUED)
    } else {
      s.setP(b, 'waiting', 1)
      s.setP(b, 'askedTo', 0)
    }
  }

  #ask(s: State, b: number, to: number, kind: number): void {
    const id = (s.p(b, 'askId') + 1) & 7
    s.setP(b, 'askId', id)
    s.setP(b, 'askedTo', to + 1)
    s.setP(b, 'waiting', 1)
    this.#send(s, b, to, kind, id, 0)
  }

  #answer(s: State, a: number, wanted: boolean, otherwise: number): void {
    const [to, id] = [s.p(a, 'from'), s.p(a, 'id')]
    if (wanted) this.#give(s, a, to, id)
    else this.#send(s, a, to, otherwise, id, 0)
  }

  /** ask, queued: kept while custody is on its way here. */
  #answerQueued(s: State, c: number, phase: number, owner: number, next: number): void {
    const [from, id] = [s.p(c, 'from'), s.p(c, 'id')]
    if (phase === GIVEN && next === c) {
      if (this.#rule === 'empty-answer-while-waiting') {
        s.setWord(GIVEN, c, from)
        this.#send(s, c, from, GIVE, id, 0)
        return
      }
      s.setP(c, 'waiting', 0)
      if (s.p(c, 'queued') > 0) {
        this.#send(s, c, s.p(c, 'queued') - 1, SUPERSEDED, s.p(c, 'queuedId'), 0)
      }
      s.setP(c, 'queued', from + 1)
      s.setP(c, 'queuedId', id)
      return
    }
    const here = owner === c && (phase === HELD || (phase === ASKED && next === from))
    this.#answer(s, c, here, MOVED)
  }

  #give(s: State, a: number, to: number, id: number): void {
    s.setWord(GIVEN, a, to)
    s.setP(a, 'conn', 0)
    const clean = s.p(a, 'row') === IN_STORE
    this.#send(s, a, to, clean ? GIVE_STORE : GIVE, id, s.p(a, 'rowN'))
    s.setP(a, 'row', 0)
  }

  /** give at B: adopt record, then whoever waits or is queued. */
  #onGive(s: State, from: number, b: number, fromStore: boolean, n: number): void {
    if (s.g('phase') !== GIVEN || s.g('owner') !== from || s.g('next') !== b) {
      throw new Broken(`custody came from ${from}, which had not given it`)
    }
    s.setWord(HELD, b, 0)
    if (fromStore) this.#take(s, b)
    else {
      s.setP(b, 'row', IN_MEMORY)
      s.setP(b, 'rowN', n)
      this.#raise(s, b)
      this.#append(s, b, this.#rule === 'no-adopt-record' ? n + 1 : 0)
    }
    if (s.p(b, 'waiting') === 1) this.#grant(s, b)
    else if (s.p(b, 'queued') > 0) {
      const [to, id] = [s.p(b, 'queued') - 1, s.p(b, 'queuedId')]
      s.setP(b, 'queued', 0)
      this.#begin(s, b, ON_QUEUED, to, id)
    }
  }

  #onDecline(s: State, b: number, kind: number, id: number): void {
    if (s.p(b, 'waiting') === 0 || s.p(b, 'askId') !== id) return
    s.setP(b, 'askedTo', 0)
    if (kind === MOVED) this.#begin(s, b, ATTEMPT, 0, 0)
    else s.setP(b, 'waiting', 0)
  }

  #take(s: State, b: number): void {
    s.setP(b, 'row', IN_STORE)
    s.setP(b, 'rowN', s.g('storeN'))
  }

  #grant(s: State, b: number): void {
    s.setP(b, 'waiting', 0)
    s.setP(b, 'askedTo', 0)
    if (!s.holds(b)) throw new Broken(`a connection is granted at ${b}, which has no custody`)
    if (s.p(b, 'rowN') < s.g('acked')) {
      throw new Broken(`CONNACK with ${s.p(b, 'rowN')} of ${s.g('acked')} acknowledged posts`)
    }
    s.setP(b, 'conn', 1)
    this.#raise(s, b)
    this.#append(s, b, s.p(b, 'rowN') + 1)
    s.setP(b, 'row', IN_MEMORY)
  }

  #raise(s: State, b: number): void {
    if (s.g('epoch') >= 14) throw BEYOND
    s.setG('epoch', s.g('epoch') + 1)
    s.setP(b, 'stamp', s.g('incarnation') * 16 + s.g('epoch'))
  }

  /** An entry under the token of the shard; `from` 0: the whole row is in it. */
  #append(s: State, b: number, from: number): void {
    const stamp = s.p(b, 'stamp')
    if (!s.holds(b)) throw new Broken(`${b} writes an entry without custody`)
    if (stamp < s.g('lastStamp'))
      throw new Broken(`${b} writes under a token that is not the latest`)
    s.setG('lastStamp', stamp)
    // The log goes on where it is the same one that had the tenure before.
    const goesOn =
      s.p(b, 'newStamp') > 0 || (s.p(b, 'logStamp') > 0 && s.p(b, 'logTo') === from - 1)
    const base =
      s.p(b, 'newStamp') > 0 ? s.p(b, 'newFrom') : goesOn && from > 0 ? s.p(b, 'logFrom') : from
    s.setP(b, 'newStamp', stamp)
    s.setP(b, 'newFrom', from === 0 ? 0 : base)
    s.setP(b, 'newTo', s.p(b, 'rowN'))
    s.setP(b, 'dirtyN', s.p(b, 'rowN'))
    s.setP(b, 'dirtyStamp', stamp)
  }

  #post(s: State, b: number): boolean {
    if (s.p(b, 'conn') === 0 || s.p(b, 'op') !== NO_OP || s.g('posts') === 0) return false
    s.setG('posts', s.g('posts') - 1)
    const n = s.p(b, 'rowN') + 1
    if (n <= s.g('acked')) throw new Broken(`post ${n} is applied twice`)
    s.setP(b, 'rowN', n)
    s.setG('written', Math.max(s.g('written'), n))
    this.#append(s, b, n)
    return true
  }

  #leave(s: State, b: number): boolean {
    if (s.p(b, 'conn') === 0 || s.p(b, 'op') !== NO_OP) return false
    s.setP(b, 'conn', 0)
    this.#append(s, b, s.p(b, 'rowN') + 1)
    return true
  }

  #timeOut(s: State, b: number): boolean {
    if (s.p(b, 'waiting') === 0 || s.p(b, 'op') !== NO_OP) return false
    s.setP(b, 'waiting', 0)
    s.setP(b, 'askedTo', 0)
    this.#begin(s, b, WITHDRAW, 0, 0)
    return true
  }

  // ---- turns and messages

  /** The record, then what the turn says; posts of it are acknowledged. */
  #commit(s: State, b: number): boolean {
    if (s.p(b, 'alive') === 0 || s.p(b, 'op') !== NO_OP) return false
    let done = this.#writeRecord(s, b)
    for (let to = 0; to < S; to++) {
      const at = s.channel(b, to)
      const blocked = this.#rule === 'credit-blocks-control' && (s.bytes[at + 1] as number) > 0
      for (let i = 0; i < s.count(b, to); i++) {
        const place = at + 2 + i * 3
        if (((s.bytes[place + 2] as number) & 0x80) !== 0) continue
        if (blocked && s.bytes[place] !== DATA) break
        s.bytes[place + 2] = (s.bytes[place + 2] as number) | 0x80
        done = true
      }
    }
    return done
  }

  #writeRecord(s: State, b: number): boolean {
    if (s.p(b, 'newStamp') === 0) return false
    s.setP(b, 'logStamp', s.p(b, 'newStamp'))
    s.setP(b, 'logFrom', s.p(b, 'newFrom'))
    s.setP(b, 'logTo', s.p(b, 'newTo'))
    if (s.p(b, 'newTo') > s.g('acked')) s.setG('acked', s.p(b, 'newTo'))
    for (const field of ['newStamp', 'newFrom', 'newTo'] as const) s.setP(b, field, 0)
    return true
  }

  #reachable(s: State, from: number, to: number): boolean {
    if (s.g('dead') !== to + 1) return true
    return s.g('deathStep') < 2 && ((s.g('told') >> from) & 1) === 0
  }

  #send(s: State, from: number, to: number, kind: number, id: number, n: number): void {
    if (!this.#reachable(s, from, to)) return
    const count = s.count(from, to)
    if (count >= MESSAGES) throw BEYOND
    const at = s.channel(from, to)
    s.bytes.set([kind, id, n], at + 2 + count * 3)
    s.bytes[at] = count + 1
  }

  #sendData(s: State, from: number, to: number): boolean {
    const at = s.channel(from, to)
    const free = s.p(from, 'alive') === 1 && s.p(from, 'op') === NO_OP
    if (!free || s.g('data') === 0 || (s.bytes[at + 1] as number) > 0) return false
    if (!this.#reachable(s, from, to)) return false
    s.setG('data', s.g('data') - 1)
    s.bytes[at + 1] = 1
    this.#send(s, from, to, DATA, 0, 0)
    return true
  }

  #hear(s: State, from: number, to: number): boolean {
    const at = s.channel(from, to)
    if (s.count(from, to) === 0 || s.p(to, 'alive') === 0 || s.p(to, 'op') !== NO_OP) return false
    const [kind, id, last] = [...s.bytes.subarray(at + 2, at + 5)] as [number, number, number]
    if ((last & 0x80) === 0) return false
    s.bytes.copyWithin(at + 2, at + 5, at + CHANNEL_BYTES)
    s.bytes.fill(0, at + CHANNEL_BYTES - 3, at + CHANNEL_BYTES)
    s.bytes[at] = s.count(from, to) - 1
    const n = last & 0x7f
    if (kind === ASK) this.#begin(s, to, ON_ASK, from, id)
    else if (kind === QUEUED) this.#begin(s, to, ON_QUEUED, from, id)
    else if (kind === GIVE || kind === GIVE_STORE) this.#onGive(s, from, to, kind === GIVE_STORE, n)
    else if (kind === DATA) this.#send(s, to, from, CREDIT, 0, 0)
    else if (kind === CREDIT) s.bytes[s.channel(to, from) + 1] = 0
    else this.#onDecline(s, to, kind, id)
    return true
  }

  // ---- the store, deaths

  #checkpoint(s: State, b: number): boolean {
    const idle = s.p(b, 'alive') === 1 && s.p(b, 'op') === NO_OP && s.p(b, 'newStamp') === 0
    if (!idle) return false
    return this.#storeRow(s, b)
  }

  #storeRow(s: State, b: number): boolean {
    const stamp = s.p(b, 'dirtyStamp')
    if (stamp === 0) return false
    if (
      stamp > s.g('storeStamp') ||
      (stamp === s.g('storeStamp') && s.p(b, 'dirtyN') > s.g('storeN'))
    ) {
      s.setG('storeStamp', stamp)
      s.setG('storeN', s.p(b, 'dirtyN'))
    }
    s.setP(b, 'dirtyStamp', 0)
    s.setP(b, 'dirtyN', 0)
    if (s.p(b, 'row') === IN_MEMORY && s.p(b, 'conn') === 0) s.setP(b, 'row', IN_STORE)
    return true
  }

  #replay(s: State, log: number): void {
    const stamp = s.p(log, 'logStamp')
    if (stamp === 0 || stamp < s.g('storeStamp')) return
    const [from, to] = [s.p(log, 'logFrom'), s.p(log, 'logTo')]
    if (from > s.g('storeN') + 1)
      throw new Broken(`replay lacks posts ${s.g('storeN') + 1} to ${from - 1}`)
    if (to > s.g('storeN') || stamp > s.g('storeStamp'))
      s.setG('storeN', Math.max(to, from === 0 ? to : s.g('storeN')))
    s.setG('storeStamp', stamp)
  }

  #die(s: State, a: number): boolean {
    if (s.p(a, 'alive') === 0 || s.g('dead') !== 0 || s.g('deaths') === 0) return false
    s.setG('deaths', s.g('deaths') - 1)
    s.setG('dead', a + 1)
    s.setG('deathStep', 0)
    s.setG('told', 0)
    s.clear(a)
    for (let to = 0; to < S; to++) {
      const at = s.channel(a, to)
      let count = 0
      while (count < s.count(a, to) && ((s.bytes[at + 2 + count * 3 + 2] as number) & 0x80) !== 0)
        count += 1
      s.bytes.fill(0, at + 2 + count * 3, at + CHANNEL_BYTES)
      s.bytes[at] = count
    }
    return true
  }

  /** Replay; each peer is told; sweep; each peer begins again; a new thread. */
  #supervise(s: State): boolean {
    if (s.g('dead') === 0) return false
    const dead = s.g('dead') - 1
    const step = s.g('deathStep')
    const untold = [0, 1, 2].find((p) => p !== dead && ((s.g('told') >> p) & 1) === 0)
    if (step === 0) {
      this.#replay(s, dead)
      s.setG('deathStep', 1)
    } else if (step === 1 && untold !== undefined) {
      return this.#peerGone(s, dead, untold)
    } else if (step === 1) {
      this.#sweep(s, dead)
      s.setG('deathStep', 2)
      s.setG('told', 0)
    } else if (step === 2 && untold !== undefined) {
      return this.#peerRecovered(s, untold)
    } else {
      s.setP(dead, 'alive', 1)
      s.setG('dead', 0)
      s.setG('deathStep', 0)
      s.setG('told', 0)
    }
    return true
  }

  #peerGone(s: State, dead: number, p: number): boolean {
    if (s.p(p, 'op') !== NO_OP || s.count(dead, p) > 0) return false // what it had posted is heard first
    s.setG('told', s.g('told') | (1 << p))
    s.bytes.fill(0, s.channel(p, dead), s.channel(p, dead) + CHANNEL_BYTES)
    s.bytes.fill(0, s.channel(dead, p), s.channel(dead, p) + CHANNEL_BYTES)
    if (s.p(p, 'queued') === dead + 1) s.setP(p, 'queued', 0)
    if (s.p(p, 'askedTo') === dead + 1) s.setP(p, 'askedTo', 0)
    this.#writeRecord(s, p)
    if (this.#rule !== 'no-checkpoint-when-a-peer-is-gone') this.#storeRow(s, p)
    return true
  }

  #sweep(s: State, dead: number): void {
    const [phase, owner, next] = [s.g('phase'), s.g('owner'), s.g('next')]
    if (phase === UNOWNED) return
    if (phase === ASKED && owner !== dead && next === dead) s.setWord(HELD, owner, 0)
    else if (owner === dead || (phase === GIVEN && next === dead)) s.setWord(UNOWNED, 0, 0)
  }

  #peerRecovered(s: State, p: number): boolean {
    if (s.p(p, 'op') !== NO_OP) return false
    s.setG('told', s.g('told') | (1 << p))
    const coming = s.g('phase') === GIVEN && s.g('next') === p
    if (s.p(p, 'queued') > 0 && !coming) {
      this.#send(s, p, s.p(p, 'queued') - 1, MOVED, s.p(p, 'queuedId'), 0)
      s.setP(p, 'queued', 0)
    }
    if (s.p(p, 'waiting') === 1 && s.p(p, 'askedTo') === 0) this.#begin(s, p, ATTEMPT, 0, 0)
    return true
  }

  /** All memory and all messages are gone; logs and store stay. Their order must not matter. */
  #restart(s: State): boolean {
    if (s.g('restarts') === 0) return false
    s.setG('restarts', s.g('restarts') - 1)
    const recovered = ORDERS.map((order) => {
      const one = new State(s.bytes.slice())
      for (const log of order) this.#replay(one, log)
      return one.g('storeN')
    })
    const [n = 0] = recovered
    if (recovered.some((other) => other !== n)) {
      throw new Broken(`the order of the logs matters: ${recovered.join()}`)
    }
    if (n < s.g('acked')) {
      throw new Broken(`${n} of ${s.g('acked')} acknowledged posts are there after a restart`)
    }
    if (n > s.g('written')) throw new Broken(`a restart brings back ${n} posts of another device`)
    const { bytes } = s
    bytes.fill(0, SHARD)
    for (let shard = 0; shard < S; shard++) s.setP(shard, 'alive', 1)
    s.setWord(UNOWNED, 0, 0)
    s.setG('epoch', 0)
    s.setG('incarnation', s.g('incarnation') + 1)
    s.setG('storeN', n)
    s.setG('acked', n)
    s.setG('written', n)
    s.setG('storeStamp', s.g('incarnation') * 16)
    s.setG('dead', 0)
    s.setG('told', 0)
    s.setG('deathStep', 0)
    return true
  }

  /** A device is deleted, another one made: it has a number of its own, so nothing that is said of the old one counts. */
  #replace(s: State): boolean {
    if (s.g('deletions') === 0 || s.g('dead') !== 0) return false
    s.setG('deletions', s.g('deletions') - 1)
    for (const field of ['storeN', 'storeStamp', 'acked', 'written'] as const) s.setG(field, 0)
    if (this.#rule === 'number-reused') {
      for (let shard = 0; shard < S; shard++) {
        for (const field of REPLACED) s.setP(shard, field, 0)
        if (s.holds(shard)) s.setP(shard, 'row', IN_STORE)
      }
      return true
    }
    s.bytes.fill(0, SHARD)
    for (let shard = 0; shard < S; shard++) s.setP(shard, 'alive', 1)
    s.setWord(UNOWNED, 0, 0)
    s.setG('epoch', 0)
    s.setG('lastStamp', 0)
    return true
  }

  // ---- what may never be

  #check(s: State, step: string): void {
    let connections = 0
    for (let shard = 0; shard < S; shard++) connections += s.p(shard, 'conn')
    if (connections > 1) throw new Broken(`${step}: two connections at once`)
  }

  /** Nothing can happen any more: then nothing may be under way. */
  #assertRest(s: State): void {
    for (let from = 0; from < S; from++) {
      if (s.p(from, 'waiting') === 1) throw new Broken(`a connect at ${from} waits for ever`)
      for (let to = 0; to < S; to++) {
        if (s.count(from, to) > 0) throw new Broken(`what ${from} says to ${to} never leaves`)
      }
    }
  }
}
