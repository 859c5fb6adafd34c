/** Retained messages across real shards, kills of the process, and starts with other numbers of shards. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import mqtt, { type MqttClient } from 'mqtt'
import { RunningServer } from '../support/running-server.ts'
import { temporaryDirectory } from '../support/temporary.ts'

const LISTEN = ['mqtt://127.0.0.1:0?profile=plain&auth=anonymous']
const WRITERS = 6

function connect(t: TestContext, port: number): Promise<MqttClient> {
  return mqtt
    .connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, reconnectPeriod: 0 })
    .then((client) => {
      client.on('error', () => {})
      t.after(() => client.end(true))
      return client
    })
}

/** What is retained, as a client hears it that subscribes now. */
async function retained(t: TestContext, port: number): Promise<Map<string, string>> {
  const client = await connect(t, port)
  const heard = new Map<string, string>()
  let last = performance.now()
  client.on('message', (topic, payload, { retain }) => {
    assert.ok(retain, `${topic} is not marked`)
    assert.ok(!heard.has(topic), `${topic} came twice`)
    heard.set(topic, payload.toString())
    last = performance.now()
  })
  await client.subscribeAsync('kept/#', { qos: 1 })
  while (performance.now() - last < 500) await wait(50)
  await client.endAsync()
  return heard
}

describe('retained messages, live', () => {
  it('that were acknowledged outlive kill -9 and a start with other shards; removed ones stay removed', async (t) => {
    const data = temporaryDirectory(t)
    const start = (shards: number): Promise<RunningServer> =>
      RunningServer.start({ data, listen: LISTEN, args: ['--shards', `${shards}`] })
    const acknowledged = new Map<string, number>()
    let counter = 0
    for (const shards of [2, 4, 1, 3]) {
      const server = await start(shards)
      t.after(() => server.dispose())
      const port = server.port('mqtt')
      const before = await retained(t, port)
      for (const [topic, at] of acknowledged) {
        const found = before.get(topic)
        // What was sent behind the last acknowledged one may or may not have been stored.
        if (found === undefined) assert.ok(at < 0, `${topic} is lost`)
        else assert.ok(Number(found) >= Math.abs(at), `${topic} has ${found}, ${at} was stored`)
      }
      const clients = await Promise.all(Array.from({ length: WRITERS }, () => connect(t, port)))
      let writing = true
      const work = clients.map(async (client, writer) => {
        while (writing) {
          counter += 1
          const at = counter
          const topic = `kept/${writer}/${at % 40}`
          const removes = at % 10 === 0
          try {
            await client.publishAsync(topic, removes ? '' : `${at}`, { qos: 1, retain: true })
          } catch {
            return
          }
          acknowledged.set(topic, removes ? -at : at)
        }
      })
      await wait(700)
      await server.stop('SIGKILL')
      writing = false
      for (const client of clients) client.end(true)
      await Promise.race([Promise.all(work), wait(1000)])
    }
    assert.ok(acknowledged.size > 100, `${acknowledged.size} topics`)
  })

  it('reach a subscriber on another shard from the moment they are acknowledged', async (t) => {
    const args = ['--shards', '3']
    const server = await RunningServer.start({ listen: LISTEN, args })
    t.after(() => server.dispose())
    const port = server.port('mqtt')
    const writer = await connect(t, port)
    for (let round = 0; round < 40; round++) {
      const topic = `kept/${round}`
      await writer.publishAsync(topic, `${round}`, { qos: 1, retain: true })
      const reader = await connect(t, port)
      const heard = new Promise<string>((resolve) =>
        reader.once('message', (_topic, payload) => resolve(payload.toString())),
      )
      await reader.subscribeAsync(topic)
      const found = await Promise.race([heard, wait(3000, 'nothing')])
      assert.equal(found, `${round}`)
      await reader.endAsync()
    }
    assert.equal(await server.stop('SIGTERM'), 0)
  })
})
