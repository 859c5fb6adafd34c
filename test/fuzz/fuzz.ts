/**
 * Mutated MQTT against a live server: many connections at once, each with a stream of its own, beside clients that keep
 * to the standard. What a server must do is checked here: `faults` of the outcome is empty.
 *
 * Bounds: `CONCURRENT` connections; a stream has some hundred packets at most, and `ANSWER_MS` from its
 * first byte until it is answered or closed.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { deviceCredentials } from '../support/device-credentials.ts'
import { RunningServer } from '../support/running-server.ts'
import { Assault, type Ports, type Verdict } from './assault.ts'
import { BYSTANDERS, Bystanders } from './bystanders.ts'
import { type Corpus, deviceCorpus } from './corpus.ts'
import { CLOSED, REFUSED } from './reasons.ts'
import { ServerFigures } from './server-figures.ts'
import { PACKET_BYTES, type Stream, StreamMaker } from './stream.ts'

const CONCURRENT = 48
const ANSWER_MS = 10_000
const BYSTANDER_MS = 2000 // for an exchange of QoS 1 or 2, on two busy cores
const SHARDS = 2
const DEVICES = 8
const SETTLE_SAMPLES = 16
const SAMPLE_MS = 250
const MOST_STREAM_FAULTS = 15 // told; what the server as a whole did wrong is told always

const MEMORY_SHARE = 1.1 // of what a server held that had met as much before

/** What the fuzz may fill has small bounds, so that memory which does not come back is a leak. */
const SETTINGS: Readonly<Record<string, number | string>> = {
  'limits.packetBytes': PACKET_BYTES,
  'limits.shardHeapMb': 128,
  'limits.retainedMessages': 200,
  'limits.sessionExpirySec': 1,
  'limits.sessions': 1000,
  'limits.sessionMessages': 100,
  'limits.sessionBytes': 1_048_576,
  'limits.queuePolicy': 'drop-newest', // a queue that others fill is no refusal of a valid stream
  'log.segmentBytes': 16_777_216,
  'log.retentionBytes': 67_108_864,
}

/** Counted when time or others decide it: a client may have left meanwhile. */
const OF_OTHERS = ['taken-over', 'keep-alive', 'queue-full', 'slow-reader', 'connect-timeout']
/** Counters and reasons that say that the server failed. */
const FAILURES = [
  'actor_failed_total',
  'turn_failed_total.log-append',
  'turn_failed_total.log-sync',
  'connection_closed_total.actor-failed',
  'connection_closed_total.overload',
  'connection_closed_total.too-eager',
  'connection_shed_total.heap-limit',
  'connect_refused_total.server-busy',
  'connect_refused_total.hook-failed',
  'connect_refused_total.too-many-sessions',
  'subscribe_unconfirmed_total.peer-stalled',
  'shard_restarts_total',
]

export interface FuzzOptions {
  readonly seed: number
  /** Of the measured part. */
  readonly packets: number
  /** Of the same kind, before the memory is measured first. */
  readonly warmUpPackets: number
  readonly onProgress?: (packets: number, connections: number) => void
}

/** Of the server's process, MiB, each the least of some seconds of calm. */
interface Memory {
  readonly residentMb: number
  /** Of that, what is no page of a file, as those of the store are: the kernel takes these back when it wants. */
  readonly anonymousMb: number
}

export interface FuzzOutcome {
  readonly seed: number
  /** These of the measured part. */
  readonly packets: number
  readonly mutations: number
  readonly connections: number
  readonly closedByServer: number
  readonly packetsBack: number
  readonly seconds: number
  readonly memoryWarm: Memory
  readonly memoryEnd: Memory
  readonly bystanders: {
    readonly received: number
    readonly answerMs: { readonly p50: number; readonly p99: number; readonly most: number }
  }
  /** Why connections were closed or refused, by the server's own count, warm-up included. */
  readonly reasons: Readonly<Record<string, number>>
  /** Every broken promise; of streams the first ones. */
  readonly faults: readonly string[]
}

/** @throws where the server does not live to the end, with what it said */
export async function fuzz(options: FuzzOptions): Promise<FuzzOutcome> {
  const server = await startServer()
  try {
    return await new Fuzz(server, options, await devices(server)).run()
  } catch (error) {
    const { exitCode, signalCode } = server.process
    const state = exitCode ?? signalCode ?? 'it still runs'
    const said = server.output.slice(-2000)
    throw new Error(`seed ${options.seed}, server: ${state}\n${said}`, { cause: error })
  } finally {
    await server.dispose()
  }
}

/** Plays some streams of a seed again, and says how each ended. */
export async function replay(seed: number, indexes: readonly number[]): Promise<Verdict[]> {
  const server = await startServer()
  try {
    const maker = new StreamMaker(seed, await devices(server))
    const verdicts: Verdict[] = []
    const barrage = new Barrage(portsOf(server), (verdict) => verdicts.push(verdict))
    await barrage.play(indexes.map((index) => maker.stream(index)))
    return verdicts
  } finally {
    await server.dispose()
  }
}

function startServer(): Promise<RunningServer> {
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => [
    '--set',
    `${name}=${value}`,
  ])
  return RunningServer.start({
    listen: [
      'mqtt://127.0.0.1:0?profile=plain&auth=anonymous',
      'mqtt://127.0.0.1:0',
      'ws://127.0.0.1:0?profile=plain&auth=anonymous',
      'http://127.0.0.1:0',
    ],
    args: ['--shards', String(SHARDS), '--log-level', 'warn', ...settings],
  })
}

function portsOf(server: RunningServer): Ports {
  const device = server.ready.listeners.find(
    ({ protocol, profile }) => protocol === 'mqtt' && profile === 'alibaba',
  )
  if (device === undefined) throw new Error('no device door')
  return { plain: server.port('mqtt'), device: device.port, webSocket: server.port('ws') }
}

async function devices(server: RunningServer): Promise<Corpus[]> {
  const { productKey } = server.ready.demo
  const corpora: Corpus[] = []
  for (let i = 0; i < DEVICES; i++) {
    const deviceName = `fuzzed-${i}`
    const { status, body } = await server.api('POST', `/products/${productKey}/devices`, {
      deviceName,
    })
    if (status !== 201) throw new Error(`no device: ${JSON.stringify(body)}`)
    const { deviceSecret } = body as { readonly deviceSecret: string }
    const login = deviceCredentials({ productKey, deviceName, deviceSecret })
    corpora.push(deviceCorpus(i % 2 === 0 ? 4 : 5, productKey, login))
  }
  return corpora
}

/** Plays streams, so many at once. */
class Barrage {
  readonly #ports: Ports
  readonly #onVerdict: (verdict: Verdict) => void
  readonly #running = new Set<Assault>()

  constructor(ports: Ports, onVerdict: (verdict: Verdict) => void) {
    this.#ports = ports
    this.#onVerdict = onVerdict
  }

  /** Resolves when the last of them is over. */
  play(streams: Iterable<Stream>): Promise<void> {
    const source = streams[Symbol.iterator]()
    return new Promise((resolve) => {
      const watch = setInterval(this.#giveUpLate, 1000)
      const next = (): void => {
        while (this.#running.size < CONCURRENT) {
          const { value, done } = source.next()
          if (done === true) break
          const assault: Assault = new Assault(value, this.#ports, (verdict) => {
            this.#running.delete(assault)
            this.#onVerdict(verdict)
            setImmediate(next)
          })
          this.#running.add(assault)
        }
        if (this.#running.size > 0) return
        clearInterval(watch)
        resolve()
      }
      next()
    })
  }

  readonly #giveUpLate = (): void => {
    const before = performance.now() - ANSWER_MS
    for (const assault of this.#running) if (assault.startedAt < before) assault.giveUp()
  }
}

class Fuzz {
  readonly #server: RunningServer
  readonly #options: FuzzOptions
  readonly #maker: StreamMaker
  readonly #faults: string[] = []
  readonly #barrage: Barrage
  #faultyStreams = 0
  #nextIndex = 0
  readonly #tally = { packets: 0, mutations: 0, connections: 0, closed: 0, packetsBack: 0 }
  /** Codes that clients of MQTT 5 were told, in CONNACK and in DISCONNECT. */
  readonly #told = { connack: new Map<number, number>(), disconnect: new Map<number, number>() }

  constructor(server: RunningServer, options: FuzzOptions, corpora: readonly Corpus[]) {
    this.#server = server
    this.#options = options
    this.#maker = new StreamMaker(options.seed, corpora)
    this.#barrage = new Barrage(portsOf(server), this.#onVerdict)
  }

  async run(): Promise<FuzzOutcome> {
    const { seed, packets, warmUpPackets } = this.#options
    const bystanders = await Bystanders.join(portsOf(this.#server).plain)
    await this.#playTable()
    const before = await ServerFigures.of(this.#server)
    await this.#barrage.play(this.#streams(warmUpPackets))
    const memoryWarm = await this.#settledMemory()
    const warm = { ...this.#tally }
    const startedAt = performance.now()
    await this.#barrage.play(this.#streams(packets))
    const seconds = (performance.now() - startedAt) / 1000
    const memoryEnd = await this.#settledMemory()
    const reasons = await this.#balance(before)
    await bystanders.leave()
    for (const fault of bystanders.faults) this.#say(`bystanders: ${fault}`)
    const answerMs = quantiles(bystanders.answersMs)
    // Not a number where they were never answered.
    if (!(answerMs.most <= BYSTANDER_MS))
      this.#say(`bystanders: an answer took ${answerMs.most} ms`)
    this.#lookAtProcess()
    for (const kind of ['residentMb', 'anonymousMb'] as const) {
      const [warmMb, endMb] = [memoryWarm[kind], memoryEnd[kind]]
      if (!(endMb <= warmMb * MEMORY_SHARE)) this.#say(`${kind} rose from ${warmMb} to ${endMb}`)
    }
    const tally = this.#tally
    return {
      seed,
      packets: tally.packets - warm.packets,
      mutations: tally.mutations - warm.mutations,
      connections: tally.connections - warm.connections,
      closedByServer: tally.closed - warm.closed,
      packetsBack: tally.packetsBack - warm.packetsBack,
      seconds: Math.round(seconds * 10) / 10,
      memoryWarm,
      memoryEnd,
      bystanders: { received: bystanders.received, answerMs },
      reasons,
      faults: this.#faults,
    }
  }

  *#streams(packets: number): Generator<Stream> {
    for (let left = packets; left > 0; ) {
      const stream = this.#maker.stream(this.#nextIndex++)
      left -= stream.packets
      yield stream
    }
  }

  /** Each packet of the tables alone: its reason is counted once for each, and no other is. */
  async #playTable(): Promise<void> {
    const before = await ServerFigures.of(this.#server)
    const streams = this.#maker.table()
    const expected = new Map<string, number>()
    for (const { expected: one } of streams) {
      if (one.kind === 'closed') expected.set(one.reason, (expected.get(one.reason) ?? 0) + 1)
    }
    await this.#barrage.play(streams)
    const after = await ServerFigures.of(this.#server)
    const counted = new Map(after.risen('connection_closed', before))
    for (const [reason, count] of after.risen('connect_refused', before))
      counted.set(reason, (counted.get(reason) ?? 0) + count)
    for (const reason of new Set([...expected.keys(), ...counted.keys()])) {
      const [due, is] = [expected.get(reason) ?? 0, counted.get(reason) ?? 0]
      if (due !== is) this.#say(`table: ${reason} was counted ${is} times instead of ${due}`)
    }
    this.#tally.closed = 0
    this.#told.connack.clear()
    this.#told.disconnect.clear()
  }

  readonly #onVerdict = (verdict: Verdict): void => {
    const { stream, fault, closed, connack, disconnect } = verdict
    const tally = this.#tally
    tally.connections += 1
    tally.packets += stream.packets
    tally.mutations += stream.mutations
    tally.packetsBack += verdict.packetsBack
    if (closed) tally.closed += 1
    if (stream.level === 5) {
      count(this.#told.connack, connack)
      count(this.#told.disconnect, disconnect)
    }
    if (fault !== undefined) {
      const { index, door, level, leaving, bytes } = stream
      const where = `stream ${index} (${door}, MQTT ${level}, left by ${leaving})`
      this.#faultyStreams += 1
      if (this.#faultyStreams <= MOST_STREAM_FAULTS)
        this.#say(`${where}: ${fault}; ${bytes.subarray(0, 300).toString('hex')}`)
    }
    if (tally.connections % 100 === 0) this.#options.onProgress?.(tally.packets, tally.connections)
  }

  /** What clients saw is what the server has counted. */
  async #balance(before: ServerFigures): Promise<Record<string, number>> {
    const after = await ServerFigures.of(this.#server)
    const closed = after.risen('connection_closed', before)
    const refused = after.risen('connect_refused', before)
    const unheard = sum(after.risen('accept_refused', before).values())
    const counted = sum(closed.values()) + sum(refused.values()) + unheard
    const late = sum(OF_OTHERS.map((reason) => closed.get(reason) ?? 0))
    if (counted < this.#tally.closed || counted > this.#tally.closed + late) {
      this.#say(
        `${this.#tally.closed} connections were closed by the server, but ${counted} are counted`,
      )
    }
    for (const reason of closed.keys())
      if (!CLOSED.has(reason)) this.#say(`connection.closed.${reason} is not documented`)
    for (const reason of refused.keys())
      if (!REFUSED.has(reason)) this.#say(`connect.refused.${reason} is not documented`)
    this.#compareCodes('connack', refused, (reason) => REFUSED.get(reason)?.v5)
    this.#compareCodes('disconnect', closed, (reason) => CLOSED.get(reason))
    for (const name of FAILURES) {
      const value = after.value(name)
      if (value > 0) this.#say(`${name} is ${value}`)
    }
    return Object.fromEntries(
      [
        ...[...closed].map(([reason, value]) => [`closed.${reason}`, value] as const),
        ...[...refused].map(([reason, value]) => [`refused.${reason}`, value] as const),
      ].sort(([, a], [, b]) => b - a),
    )
  }

  /** No code was told more often than its reasons are counted. */
  #compareCodes(
    packet: 'connack' | 'disconnect',
    counted: ReadonlyMap<string, number>,
    codeOf: (reason: string) => number | undefined,
  ): void {
    for (const [code, times] of this.#told[packet]) {
      if (code === 0) continue
      const due = sum([...counted].map(([reason, value]) => (codeOf(reason) === code ? value : 0)))
      if (times > due)
        this.#say(`${packet} 0x${code.toString(16)} was told ${times} times, but counted ${due}`)
    }
  }

  /** Waits until only the bystanders are left, then takes the least of some samples. */
  async #settledMemory(): Promise<Memory> {
    const deadline = performance.now() + 15_000
    let open = Number.POSITIVE_INFINITY
    while (open !== BYSTANDERS && performance.now() < deadline) {
      await wait(SAMPLE_MS)
      open = (await ServerFigures.of(this.#server)).value('connections')
    }
    if (open !== BYSTANDERS) this.#say(`${open} connections are open, not ${BYSTANDERS}`)
    const samples: Memory[] = []
    for (let i = 0; i < SETTLE_SAMPLES; i++) {
      await wait(SAMPLE_MS)
      samples.push(memoryOf(this.#server.process.pid as number))
    }
    return {
      residentMb: Math.min(...samples.map(({ residentMb }) => residentMb)),
      anonymousMb: Math.min(...samples.map(({ anonymousMb }) => anonymousMb)),
    }
  }

  #lookAtProcess(): void {
    const { process: child, output } = this.#server
    if (child.exitCode !== null || child.signalCode !== null) this.#say('the server has ended')
    const line = output
      .split('\n')
      .find((text) => /uncaught|error|fatal|\bat .*\.js:\d+/i.test(text))
    if (line !== undefined) this.#say(`the server said: ${line}`)
  }

  #say(fault: string): void {
    this.#faults.push(fault)
  }
}

function count(codes: Map<number, number>, code: number | undefined): void {
  if (code !== undefined) codes.set(code, (codes.get(code) ?? 0) + 1)
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}

function quantiles(values: readonly number[]): FuzzOutcome['bystanders']['answerMs'] {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => {
    const index = Math.min(sorted.length - 1, Math.floor(sorted.length * share))
    return Math.round((sorted[index] ?? Number.NaN) * 10) / 10
  }
  return { p50: at(0.5), p99: at(0.99), most: at(1) }
}

function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const megabytes = (name: string): number =>
    Math.round(Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1]) / 1024)
  return { residentMb: megabytes('VmRSS'), anonymousMb: megabytes('RssAnon') }
}
