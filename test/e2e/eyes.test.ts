import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { answeringShards } from '../../core/domain/status.ts'
import { Platform, type UplinkMessage } from '../../index.ts'
import { ShardedPlatform } from '../support/sharded-platform.ts'
import { STALL_5_S, WorkerInspector } from '../support/worker-inspector.ts'

async function take(
  iterator: AsyncGenerator<UplinkMessage, void, undefined>,
  count: number,
): Promise<UplinkMessage[]> {
  const taken: UplinkMessage[] = []
  while (taken.length < count) {
    const { value } = await iterator.next()
    assert.ok(value !== undefined, 'it ended')
    taken.push(value)
  }
  return taken
}

function temperatureOf({ body }: UplinkMessage): number {
  const items = body?.['items'] as { readonly temperature: { readonly value: number } }
  return items.temperature.value
}

describe('readers of a platform with several shards', () => {
  it('hear a device in order that moves between shards, on from a cursor after a start with one', async (t) => {
    const house = await ShardedPlatform.open(t, 2)
    const meter = await house.device('meter')
    const topic = `/sys/${meter.productKey}/meter/thing/event/property/post`
    const uplinks = house.platform.uplinks({ kinds: ['properties'] })
    for (let i = 0; i < 10; i++) {
      const client = await house.connectTo(i % 2, meter)
      for (const temperature of [2 * i, 2 * i + 1]) {
        const post = { id: String(temperature), params: { temperature } }
        await client.publishAsync(topic, JSON.stringify(post), { qos: 1 })
      }
      await client.endAsync(true)
    }
    const heard = await take(uplinks, 20)
    const all = Array.from({ length: 20 }, (_, i) => i)
    assert.deepEqual(heard.map(temperatureOf), all)
    const reports = answeringShards(await house.platform.status())
    assert.ok(reports.every(({ log, turn }) => log.bytes > 0 && turn.count > 0))
    assert.ok(reports.every(({ handOvers }) => handOvers.adopted > 0))
    const { data } = house.platform.settings
    await house.platform.close()

    const single = await Platform.open({
      settings: { data, shards: 1, listeners: ['mqtt://127.0.0.1:0'] },
    })
    t.after(() => single.close())
    const from = (heard[6] as UplinkMessage).cursor
    const rest = await take(single.uplinks({ from, kinds: ['properties'] }), 13)
    assert.deepEqual(rest.map(temperatureOf), all.slice(7))
    const whole = await take(single.uplinks({ from: 'oldest', kinds: ['properties'] }), 20)
    assert.deepEqual(whole.map(temperatureOf), all)
    assert.ok((await single.status()).recovery.tookMs >= 0)
  })

  it('are told of a shard that stands still, and of the others all the same', async (t) => {
    const house = await ShardedPlatform.open(t, 2)
    const inspector = new WorkerInspector()
    t.after(() => inspector.close())
    await inspector.inShard(1, STALL_5_S)
    const started = performance.now()
    const { shards } = await house.platform.status()
    assert.ok(performance.now() - started < 3000)
    assert.deepEqual(
      shards.map(({ shard, state }) => [shard, state]),
      [
        [0, 'serving'],
        [1, 'stalled'],
      ],
    )
    await house.until(async () => (await house.platform.status()).shards[1]?.state === 'serving')
  })
})
