import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import mqtt, { type MqttClient } from 'mqtt'
import { answeringShards } from '../../core/domain/status.ts'
import type { DeviceTriple } from '../support/device-credentials.ts'
import { connectBytes, connectOnce } from '../support/raw-client.ts'
import { ShardedPlatform } from '../support/sharded-platform.ts'
import { STALL_5_S, WorkerInspector } from '../support/worker-inspector.ts'

const TAKE_OVERS = 10_000
const AT_A_TIME = 3 // so that three connections of a device are under way, on any shards

function commandTopic({ productKey, deviceName }: DeviceTriple): string {
  return `/sys/${productKey}/${deviceName}/thing/service/property/set`
}

/** Answers property sets as a device does. */
async function obey(client: MqttClient, triple: DeviceTriple): Promise<void> {
  client.on('message', (topic, payload) => {
    const { id } = JSON.parse(String(payload)) as { id: string }
    client.publish(`${topic}_reply`, JSON.stringify({ id, code: 200, data: {} }), { qos: 1 })
  })
  await client.subscribeAsync(commandTopic(triple), { qos: 1 })
}

for (const shards of [1, 2, 4]) {
  describe(`a platform of ${shards} shard(s)`, () => {
    it('reaches a device wherever it is connected', async (t) => {
      const house = await ShardedPlatform.open(t, shards)
      const names = Array.from({ length: 12 }, (_, i) => `meter-${i}`)
      const clients: MqttClient[] = []
      t.after(() => Promise.all(clients.map((client) => client.endAsync(true))))
      for (const name of names) {
        const triple = await house.device(name)
        const client = await house.connect(triple)
        clients.push(client)
        await obey(client, triple)
      }
      for (const deviceName of names) {
        const ref = { productKey: house.productKey, deviceName }
        const outcome = await house.platform.properties.set(ref, { target: 21 }, 5000)
        assert.equal(outcome.kind, 'answered')
      }
      const online = await house.online()
      assert.equal(online.length, shards)
      assert.equal(
        online.reduce((sum, n) => sum + n, 0),
        names.length,
      )
    })

    it('closes the connection before, on whatever shard, with 0x8E', async (t) => {
      const house = await ShardedPlatform.open(t, shards)
      const triple = await house.device('meter')
      let told = 0
      let last: MqttClient | undefined
      for (let i = 0; i < 40; i++) {
        const client = await house.connect(triple)
        client.on('disconnect', ({ reasonCode }) => {
          if (reasonCode === 0x8e) told += 1
        })
        last = client
      }
      await house.until(() => told === 39)
      const { status } = await house.platform.devices.get({
        productKey: house.productKey,
        deviceName: 'meter',
      })
      assert.equal(status, 'online')
      const reports = answeringShards(await house.platform.status())
      const given = reports.reduce((sum, { handOvers }) => sum + handOvers.given, 0)
      assert.ok(shards === 1 ? given === 0 : given > 5, `${given} hand-overs`)
      await last?.endAsync(true)
    })

    it(`ends ${TAKE_OVERS} take-overs in a random schedule with one owner each`, async (t) => {
      const house = await ShardedPlatform.open(t, shards)
      const devices = 8
      const packets: Buffer[] = []
      for (let i = 0; i < devices; i++) {
        packets.push(connectBytes(await house.device(`meter-${i}`), 5))
      }
      let left = TAKE_OVERS
      const codes = new Map<number, number>()
      const storm = async (packet: Buffer): Promise<void> => {
        while (left-- > 0) {
          const code = await connectOnce(house.port, packet)
          codes.set(code, (codes.get(code) ?? 0) + 1)
          if (Math.random() < 0.05) await wait(1)
        }
      }
      await Promise.all(
        packets.flatMap((packet) => Array.from({ length: AT_A_TIME }, () => storm(packet))),
      )
      t.diagnostic(`${shards} shard(s): CONNACK codes ${JSON.stringify([...codes])}`)
      assert.ok((codes.get(0) ?? 0) > TAKE_OVERS / 4, 'most of them were let in')
      // A machine that stands still for two seconds makes some wait too long; they are told so.
      assert.ok((codes.get(0x89) ?? 0) <= TAKE_OVERS / 100, 'hardly anybody was too slow')
      await house.until(async () => {
        const reports = answeringShards(await house.platform.status())
        return (
          reports.length === shards &&
          reports.reduce((sum, { connections }) => sum + connections, 0) === devices &&
          reports.reduce((sum, { devicesOnline }) => sum + devicesOnline, 0) === devices &&
          reports.every(({ handOvers }) => handOvers.waiting === 0)
        )
      })
    })

    it('passes publications and client identifiers between its shards', async (t) => {
      const house = await ShardedPlatform.open(t, shards)
      const url = `mqtt://127.0.0.1:${house.plainPort}`
      const clients: MqttClient[] = []
      t.after(() => Promise.all(clients.map((client) => client.endAsync(true))))
      const heard: string[][] = []
      for (let i = 0; i < 6; i++) {
        const client = await mqtt.connectAsync(url, { clientId: `hears-${i}` })
        clients.push(client)
        const mine: string[] = []
        heard.push(mine)
        client.on('message', (_topic, payload) => mine.push(String(payload)))
        await client.subscribeAsync('a/+/b', { qos: 1 })
      }
      const expected: string[] = []
      for (let i = 0; i < 6; i++) {
        const client = await mqtt.connectAsync(url, { clientId: `says-${i}` })
        clients.push(client)
        for (let n = 0; n < 20; n++) await client.publishAsync('a/x/b', `${i} ${n}`, { qos: 1 })
        expected.push(...Array.from({ length: 20 }, (_, n) => `${i} ${n}`))
      }
      await house.until(() => heard.every((mine) => mine.length === expected.length))
      for (const mine of heard) assert.deepEqual(mine, expected)
      let closed = 0
      for (let i = 0; i < 20; i++) {
        const client = await mqtt.connectAsync(url, { clientId: 'the same', reconnectPeriod: 0 })
        clients.push(client)
        client.on('close', () => {
          closed += 1
        })
      }
      await house.until(() => closed === 19)
    })
  })
}

describe('a shard that stands still for five seconds', () => {
  it('has its devices refused with Server Busy elsewhere, keeps them, and disturbs nobody else', async (t) => {
    const house = await ShardedPlatform.open(t, 2)
    const inspector = new WorkerInspector()
    t.after(() => inspector.close())
    const meter = await house.device('meter')
    const bystander = await house.connectTo(1, await house.device('bystander'))
    const held = await house.connectTo(0, meter)
    t.after(() => Promise.all([held.endAsync(true), bystander.endAsync(true)]))
    await inspector.inShard(0, STALL_5_S)
    const stalledAt = performance.now()
    await house.until(() => house.lines.some((line) => line.startsWith('a shard stands still')))
    // From now on the kernel sends all connections to the other shard.
    const code = await connectOnce(house.port, connectBytes(meter, 5))
    assert.equal(code, 0x89)
    assert.ok(performance.now() - stalledAt < 4900, 'told while the shard stood still')
    const other = await house.connect(await house.device('other'))
    const sentAt = performance.now()
    const topic = `/sys/${house.productKey}/bystander/thing/event/property/post`
    await bystander.publishAsync(topic, '{"id":"1","params":{"temperature":1}}', { qos: 1 })
    const tookMs = performance.now() - sentAt
    assert.ok(tookMs < 500, `the bystander waited ${tookMs} ms`)
    await house.until(() => house.lines.some((line) => line.startsWith('a shard goes on')))
    const { status } = await house.platform.devices.get({
      productKey: house.productKey,
      deviceName: 'meter',
    })
    assert.equal(status, 'online', 'it was not lost')
    assert.equal(held.connected, true)
    const again = await house.connect(meter)
    await again.endAsync(true)
    await other.endAsync(true)
  })
})
