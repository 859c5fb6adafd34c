import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Platform, type UplinkMessage } from '../../index.ts'
import { connectBytes, connectOnce } from '../support/raw-client.ts'
import { ShardedPlatform } from '../support/sharded-platform.ts'
import { temporaryDirectory } from '../support/temporary.ts'
import { WorkerInspector } from '../support/worker-inspector.ts'

const THROW = "setTimeout(() => { throw new Error('planted') }, 0)"
const EXIT = 'process.exit(3)'
/** The next post of this device throws in the midst of its actor: where the entry's text becomes bytes. */
const STRIKE = `{
  const from = Buffer.from
  Buffer.from = (value, ...rest) => {
    if (typeof value === 'string' && value.includes('"deviceName":"struck","items"')) {
      Buffer.from = from
      throw new Error('planted')
    }
    return from(value, ...rest)
  }
}`
/** Fills the heap to about nine tenths, gives it back after three seconds. */
const HOG = `{
  const v8 = process.getBuiltinModule('node:v8')
  globalThis.hog = []
  const full = () => {
    const { maxOldGenerationSizeMb } = process.getBuiltinModule('node:worker_threads').resourceLimits
    return v8.getHeapStatistics().used_heap_size / 1048576 > maxOldGenerationSizeMb * 0.88
  }
  while (!full()) hog.push(Array.from({ length: 1000 }, (_, i) => ({ i })))
  setTimeout(() => { globalThis.hog = undefined; globalThis.gc?.() }, 3000)
}`

/** A device on each of two shards; what happens to shard 0, and that the other sees nothing of it. */
async function breakShard(t: TestContext, expression: string): Promise<string> {
  const house = await ShardedPlatform.open(t, 2)
  const inspector = new WorkerInspector()
  t.after(() => inspector.close())
  const hit = await house.device('struck')
  const bystander = await house.connectTo(1, await house.device('bystander'))
  const client = await house.connectTo(0, hit)
  let bystanderClosed = false
  bystander.on('close', () => {
    bystanderClosed = true
  })
  const topic = `/sys/${house.productKey}/struck/thing/event/property/post`
  await client.publishAsync(topic, '{"id":"1","params":{"temperature":33}}', { qos: 1 })
  const closed = new Promise((resolve) => client.once('close', () => resolve(undefined)))
  await inspector.inShard(0, expression)
  await closed
  await house.until(() => house.lines.some((line) => line.startsWith('a shard ended')))
  const ref = { productKey: house.productKey, deviceName: 'struck' }
  // Connects are answered throughout: by the other shard, or by the successor.
  const packet = connectBytes(hit, 5)
  await house.until(async () => (await connectOnce(house.port, packet)) === 0)
  const last = await house.connect(hit)
  await last.endAsync(true)
  await house.until(async () => (await house.platform.devices.get(ref)).status === 'offline')
  const values = await house.platform.properties.get(ref)
  assert.deepEqual(
    values.map(({ identifier, value }) => [identifier, value]),
    [['temperature', 33]],
    'what was acknowledged is there',
  )
  const told: string[] = []
  const statuses = house.platform.uplinks({
    from: 'oldest',
    deviceName: 'struck',
    kinds: ['status'],
  })
  await house.until(async () => {
    const { value } = await statuses.next()
    told.push(JSON.stringify((value as UplinkMessage).body?.['status']))
    return told.filter((status) => status === '"online"').length >= 2 && told.at(-1) === '"offline"'
  })
  await statuses.return()
  assert.equal(bystanderClosed, false, 'nobody else sees anything')
  await bystander.endAsync(true)
  const { shards } = await house.platform.status()
  assert.equal(shards.length, 2)
  return house.lines.join('\n')
}

function doom(
  t: TestContext,
  end: string,
): Promise<{ code: number | null; out: string; data: string }> {
  const data = join(temporaryDirectory(t), 'data')
  const program = fileURLToPath(new URL('../support/doomed-platform.js', import.meta.url))
  const child = spawn(process.execPath, [program, data, end], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    out += String(chunk)
  })
  return new Promise((resolve) => child.once('exit', (code) => resolve({ code, out, data })))
}

/** What the doomed platform had acknowledged. */
async function assertKept(data: string, out: string): Promise<void> {
  const productKey = /acknowledged (\w+)/.exec(out)?.[1] ?? ''
  const platform = await Platform.open({
    settings: { data, listeners: ['mqtt://127.0.0.1:0'], shards: 1 },
  })
  try {
    for (const deviceName of ['meter-0', 'meter-1']) {
      const [value] = await platform.properties.get({ productKey, deviceName })
      assert.equal(value?.value, 21, out)
    }
  } finally {
    await platform.close()
  }
}

describe('an error that nobody caught', () => {
  it('in a shard closes it in order, and another thread takes its number', async (t) => {
    const lines = await breakShard(t, THROW)
    assert.match(lines, /a shard has failed and closes.*planted/)
  })

  it('in the main thread ends the process with its own code, not by an abort', async (t) => {
    const { code, out, data } = await doom(t, 'throw')
    assert.equal(code, 1, out)
    assert.match(out, /planted/)
    await assertKept(data, out)
  })
})

describe('an error in a device actor', () => {
  it('closes its device alone, which is asked to wait a moment and then has what was acknowledged', async (t) => {
    const house = await ShardedPlatform.open(t, 2)
    const inspector = new WorkerInspector()
    t.after(() => inspector.close())
    const triple = await house.device('struck')
    const struck = await house.connectTo(0, triple)
    const others = [
      await house.connectTo(0, await house.device('neighbour')),
      await house.connectTo(1, await house.device('bystander')),
    ]
    const closed: string[] = []
    for (const other of others) other.on('close', () => closed.push('another device'))
    const post = (value: number): string => `{"id":"1","params":{"temperature":${value}}}`
    const topicOf = (name: string): string =>
      `/sys/${house.productKey}/${name}/thing/event/property/post`
    await struck.publishAsync(topicOf('struck'), post(21), { qos: 1 })

    await inspector.inShard(0, STRIKE)
    const gone = new Promise((resolve) => struck.once('close', () => resolve('closed')))
    const lost = struck.publishAsync(topicOf('struck'), post(99), { qos: 1 })
    assert.equal(await Promise.race([gone, lost.then(() => 'acknowledged')]), 'closed')
    const packet = connectBytes(triple, 5)
    let refused = 0 // on the shard where it failed, and some of these land there
    for (let i = 0; i < 50; i++) refused += (await connectOnce(house.port, packet)) === 0x89 ? 1 : 0
    assert.ok(refused > 0, 'it is not let in at once')
    for (const [i, name] of ['neighbour', 'bystander'].entries()) {
      await others[i]?.publishAsync(topicOf(name), post(22), { qos: 1 })
    }
    let again = struck
    await house.until(async () => {
      again = await house.connect(triple).catch(() => struck)
      return again !== struck
    })
    const ref = { productKey: house.productKey, deviceName: 'struck' }
    assert.equal((await house.platform.properties.get(ref))[0]?.value, 21)
    await again.publishAsync(topicOf('struck'), post(23), { qos: 1 })
    assert.equal((await house.platform.properties.get(ref))[0]?.value, 23)
    const { shards } = await house.platform.status()
    const failed = shards.map((one) => ('refusals' in one ? one.refusals['actor.failed'] : -1) ?? 0)
    assert.deepEqual(failed, [1, 0])
    assert.deepEqual(closed, [])
    assert.equal(house.lines.filter((line) => line.startsWith('a device actor failed')).length, 1)
    await again.endAsync(true)
    await house.until(async () => (await house.platform.devices.get(ref)).status === 'offline')
    for (const other of others) await other.endAsync(true)
  })
})

describe('process.exit', () => {
  it('within a shard ends that thread alone, and another one takes its number', async (t) => {
    await breakShard(t, EXIT)
  })

  it('in the main thread ends the process with the code that was asked for', async (t) => {
    const { code, out, data } = await doom(t, 'exit')
    assert.equal(code, 5, out)
    await assertKept(data, out)
  })
})

describe('the heap of a shard', () => {
  it('sheds connections above 85 %, and lets them in again when it has room', async (t) => {
    const house = await ShardedPlatform.open(t, 1, { shardHeapMb: 128 })
    const inspector = new WorkerInspector()
    t.after(() => inspector.close())
    const triple = await house.device('meter')
    const client = await house.connect(triple)
    const reasons: (number | undefined)[] = []
    client.on('disconnect', ({ reasonCode }) => reasons.push(reasonCode))
    await inspector.inShard(0, HOG)
    await house.until(() => house.lines.some((line) => line.includes('sheds load')))
    await house.until(() => reasons.length > 0)
    assert.deepEqual(reasons, [0x89])
    const packet = connectBytes(triple, 5)
    assert.equal(await connectOnce(house.port, packet), -1)
    await house.until(async () => (await connectOnce(house.port, packet)) === 0)
  })

  it('that is full ends the process, which says so; nothing acknowledged is lost', async (t) => {
    const { code, out, data } = await doom(t, 'out-of-memory')
    assert.notEqual(code, 0, out)
    await assertKept(data, out)
  })
})
