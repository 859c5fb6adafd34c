/** Sessions that outlive their connections, across real shards, kills of the process and of shards. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import mqtt, { type IClientOptions, type IClientReconnectOptions, type MqttClient } from 'mqtt'
import { Platform } from '../../index.ts'
import { freePort } from '../support/free-port.ts'
import { RunningServer } from '../support/running-server.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { WorkerInspector } from '../support/worker-inspector.ts'

const WINDOW = 8 // of one publisher
const QUIET_MS = 20_000

/** A client that keeps its session and comes back by itself; it never subscribes again. */
function lasting(
  t: TestContext,
  port: number,
  clientId: string,
  more: IClientOptions = {},
): MqttClient {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    clientId,
    clean: false,
    protocolVersion: 5,
    properties: { sessionExpiryInterval: 600 },
    reconnectPeriod: 50,
    reconnectOnConnackError: true, // Server Busy, while a shard is replaced on a busy machine
    resubscribe: false,
    // What it knows of exchanges at QoS 2 is its part of the session: it outlives `end`.
    incomingStore: new mqtt.Store({ clean: false }),
    outgoingStore: new mqtt.Store({ clean: false }),
    ...more,
  })
  client.on('error', () => {})
  t.after(() => client.end(true))
  return client
}

const connected = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => client.once('connect', () => resolve()))

/** What one subscriber has heard: how often each payload. */
class Heard {
  readonly times = new Map<string, number>()
  /** CONNACKs that said that there was no session, behind the first. */
  fresh = 0
  #connected = false

  constructor(client: MqttClient) {
    client.on('message', (_topic, payload) => {
      const text = payload.toString()
      this.times.set(text, (this.times.get(text) ?? 0) + 1)
    })
    client.on('connect', ({ sessionPresent }) => {
      if (this.#connected && !sessionPresent) this.fresh += 1
      this.#connected = true
    })
  }
}

/** Publishes counters until it is stopped, some at a time; remembers those that were acknowledged. */
class Stream {
  readonly acknowledged: string[] = []
  readonly #client: MqttClient
  readonly #name: string
  #running = true
  #next = 0

  constructor(client: MqttClient, name: string) {
    this.#client = client
    this.#name = name
    for (let i = 0; i < WINDOW; i++) void this.#run()
  }

  stop(): void {
    this.#running = false
  }

  async #run(): Promise<void> {
    while (this.#running) {
      this.#next += 1
      const qos = this.#next % 2 === 0 ? 2 : 1
      const payload = `${this.#name} ${qos} ${this.#next}`
      try {
        await this.#client.publishAsync(`kill/${this.#name}/${qos}`, payload, { qos })
      } catch {
        return
      }
      this.acknowledged.push(payload)
      await wait(1)
    }
  }
}

describe('sessions that outlive their connections, live', () => {
  it('lose nothing acknowledged, and hear nothing of QoS 2 twice, over kill -9 and starts with other shards', async (t) => {
    const data = temporaryDirectory(t)
    const port = await freePort()
    const listen = [`mqtt://127.0.0.1:${port}?profile=plain&auth=anonymous`]
    const start = (shards: number): Promise<RunningServer> =>
      RunningServer.start({ data, listen, args: ['--shards', `${shards}`] })
    let server = await start(2)
    t.after(() => server.dispose())
    const readers = ['a', 'b', 'c'].map((name) => lasting(t, port, `reader ${name}`))
    const heard = readers.map((reader) => new Heard(reader))
    await Promise.all(readers.map(connected))
    await Promise.all(readers.map((reader) => reader.subscribeAsync('kill/#', { qos: 2 })))
    const writers = ['x', 'y'].map((name) => lasting(t, port, `writer ${name}`))
    const streams = writers.map((writer, i) => new Stream(writer, `w${i}`))
    for (const [round, shards] of [4, 1, 3, 2, 1, 4].entries()) {
      await wait(300 + Math.random() * 900)
      // One reader is away over the kill: its queue waits in the log and in the store.
      const away = readers[round % readers.length] as MqttClient
      if (round % 2 === 0) away.end(true)
      await wait(200 + Math.random() * 900)
      await server.stop('SIGKILL')
      server = await start(shards)
      const { incomingStore, outgoingStore } = away.options
      if (round % 2 === 0)
        away.reconnect({ incomingStore, outgoingStore } as IClientReconnectOptions)
    }
    const messages = await settled(streams, heard)
    assert.ok(messages > 500, `${messages} messages`)
    t.diagnostic(`${messages} messages acknowledged, to three readers each`)
    assert.doesNotMatch(server.output, /"level":"error"|ERROR/)
  })

  it('lose nothing acknowledged, and hear nothing of QoS 2 twice, where shards die one after the other', async (t) => {
    const platform = await Platform.open({
      settings: {
        data: join(temporaryDirectory(t), 'data'),
        shards: 3,
        listeners: ['mqtt://127.0.0.1:0?profile=plain&auth=anonymous'],
      },
    })
    t.after(() => platform.close())
    const inspector = new WorkerInspector()
    t.after(() => inspector.close())
    const port = platform.listeners[0]?.port as number
    const readers = ['a', 'b', 'c', 'd'].map((name) => lasting(t, port, `reader ${name}`))
    const heard = readers.map((reader) => new Heard(reader))
    await Promise.all(readers.map(connected))
    await Promise.all(readers.map((reader) => reader.subscribeAsync('kill/#', { qos: 2 })))
    const writers = ['x', 'y', 'z'].map((name) => lasting(t, port, `writer ${name}`))
    const streams = writers.map((writer, i) => new Stream(writer, `w${i}`))
    for (const shard of [0, 1, 2]) {
      await wait(1000)
      const before = restarts(await platform.status())
      await inspector.inShard(shard, 'process.exit(3)')
      const deadline = performance.now() + QUIET_MS
      while (restarts(await platform.status().catch(() => undefined)) <= before) {
        assert.ok(performance.now() < deadline, 'the shard is not replaced')
        await wait(50)
      }
    }
    await wait(1000)
    const messages = await settled(streams, heard)
    assert.ok(messages > 300, `${messages} messages`)
    t.diagnostic(`${messages} messages acknowledged, to four readers each`)
    for (const client of [...readers, ...writers]) await client.endAsync(true)
  })
})

/** All that was acknowledged has arrived, and nothing of QoS 2 twice; returns how many messages. */
async function settled(streams: readonly Stream[], heard: readonly Heard[]): Promise<number> {
  await wait(500)
  for (const stream of streams) stream.stop()
  const acknowledged = (): string[] => streams.flatMap((stream) => stream.acknowledged)
  const missing = (): string[] =>
    heard.flatMap(({ times }, i) =>
      acknowledged()
        .filter((payload) => !times.has(payload))
        .map((payload) => `${payload} to reader ${i}`),
    )
  const deadline = performance.now() + QUIET_MS
  while (missing().length > 0 && performance.now() < deadline) await wait(100)
  await wait(500)
  assert.deepEqual(missing().slice(0, 10), [], 'acknowledged and not heard')
  for (const { times, fresh } of heard) {
    const twice = [...times].filter(([payload, count]) => count > 1 && payload.includes(' 2 '))
    assert.deepEqual(twice, [], 'QoS 2, and heard twice')
    assert.equal(fresh, 0, 'a session was gone')
  }
  return acknowledged().length
}

function restarts(status: Awaited<ReturnType<Platform['status']>> | undefined): number {
  return status?.shards.reduce((sum, shard) => sum + shard.restarts, 0) ?? 0
}
