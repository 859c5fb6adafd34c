import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { METER_TSL, stateOf } from '../../support/service-house.ts'
import { servingShard } from '../../support/shard-status.ts'
import { STATUS } from '../api/house.ts'
import { cliHouse, run } from './recording-terminal.ts'

describe('the client commands', () => {
  it('answer people with aligned text and programs with JSON', async (t) => {
    const { tidegate, meter } = await cliHouse(t)
    const people = await tidegate('product', 'list')
    assert.equal(people.code, 0)
    const [heading = '', row = ''] = people.out.split('\n')
    assert.equal(heading.indexOf('NAME'), row.indexOf(meter.productKey, 1))
    const json = JSON.parse((await tidegate('product', 'list', '--json')).out)
    assert.equal(json[0].productKey, meter.productKey)
  })

  it('lead a product and a device through their lives', async (t) => {
    const { tidegate, owner } = await cliHouse(t)
    const made = await tidegate(
      'product',
      'create',
      '--name',
      'Valve',
      '--validation',
      'strong',
      '--json',
    )
    const { productKey } = JSON.parse(made.out)
    assert.match((await tidegate('product', 'show', productKey)).out, /Valve[^]*strong/)
    assert.match((await tidegate('product', 'update', productKey, '--name', 'Tap')).out, /Tap/)
    const device = await tidegate('device', 'create', productKey, 'valve-1')
    assert.match(device.out, /deviceSecret {2}[0-9a-f]{32}\n/)
    assert.match((await tidegate('device', 'list', productKey)).out, /valve-1 +inactive/)
    assert.match((await tidegate('device', 'disable', productKey, 'valve-1')).out, /enabled +false/)
    assert.match((await tidegate('device', 'show', productKey, 'valve-1')).out, /status +disabled/)
    assert.match((await tidegate('device', 'enable', productKey, 'valve-1')).out, /enabled +true/)
    const refused = await tidegate('product', 'delete', productKey)
    assert.equal(refused.code, 1)
    assert.match(refused.err, /still has 1 device; delete them first/)
    assert.equal(refused.out, '')
    assert.match((await tidegate('device', 'delete', productKey, 'valve-1')).out, /valve-1/)
    assert.equal((await tidegate('product', 'delete', productKey)).code, 0)
    assert.equal(owner.told.filter((told) => told.startsWith('evict')).length, 2)
  })

  it('import what they export', async (t) => {
    const { tidegate, meter } = await cliHouse(t)
    const file = join(directory(t), 'meter.json')
    writeFileSync(file, (await tidegate('model', 'export', meter.productKey)).out)
    const imported = await tidegate('model', 'import', meter.productKey, file)
    assert.equal(imported.code, 0, imported.err)
    assert.match(imported.out, /properties +2/)
    writeFileSync(file, '{"properties":')
    const broken = await tidegate('model', 'import', meter.productKey, file)
    assert.deepEqual([broken.code, broken.err], [2, `${file}: not JSON.\n`])
    assert.equal((await tidegate('model', 'import', meter.productKey, `${file}x`)).code, 2)
    writeFileSync(file, JSON.stringify({ ...METER_TSL, properties: [{ identifier: 'a b' }] }))
    const faulty = await tidegate('model', 'import', meter.productKey, file)
    assert.equal(faulty.code, 1)
    assert.match(faulty.err, /properties\/0/)
  })

  it('read values as JSON where they are, else as text', async (t) => {
    const { tidegate, meter, owner } = await cliHouse(t)
    const set = (...values: string[]): Promise<{ code: number; out: string; err: string }> =>
      tidegate('properties', 'set', meter.productKey, 'meter-1', ...values)
    assert.match((await set('target=21')).out, /sent +880011/)
    assert.match((await set('--json-values', '{"target":22}', '--wait', '0.5')).out, /code +200/)
    assert.deepEqual(owner.commands, [
      { device: 'meter-1', command: { kind: 'property-set', values: { target: 21 } }, waitMs: 0 },
      { device: 'meter-1', command: { kind: 'property-set', values: { target: 22 } }, waitMs: 500 },
    ])
    const refused = await set('target=warm')
    assert.equal(refused.code, 1)
    assert.match(refused.err, /\/values\/target/)
    for (const wrong of [['target'], ['=1'], ['--json-values', '[]'], ['a=1', '--wait', '31']]) {
      assert.equal((await set(...wrong)).code, 2, wrong.join(' '))
    }
  })

  it('fail where the device answers with a failure, and still show the answer', async (t) => {
    const { tidegate, meter, owner } = await cliHouse(t)
    owner.reply = { code: 5001, message: 'stuck', data: {} }
    const ran = await tidegate(
      'call',
      meter.productKey,
      'meter-1',
      'Reboot',
      'Delay=1',
      '--wait',
      '1',
    )
    assert.equal(ran.code, 1)
    assert.match(ran.out, /code +5001\nmessage +stuck/)
  })

  it('show what a device reported, without its control characters', async (t) => {
    const { tidegate, meter, registry } = await cliHouse(t)
    const properties = {
      temperature: { value: 21.5, time: 1_767_225_600_000 },
      label: { value: '\u001b[31mred', time: 1 },
    }
    registry.states.set(meter.number, stateOf({ properties }))
    const { out } = await tidegate('properties', 'get', meter.productKey, 'meter-1')
    assert.match(out, /temperature +21.5 +°C +2026-01-01T00:00:00.000Z +Temperature/)
    assert.ok(!out.includes('\u001b'))
  })

  it('publish text or the bytes of a file', async (t) => {
    const { tidegate, meter, owner } = await cliHouse(t)
    const file = join(directory(t), 'bytes')
    writeFileSync(file, Uint8Array.of(0, 255))
    const where = ['publish', meter.productKey, 'meter-1', 'user/in'] as const
    assert.match((await tidegate(...where, 'hello', '--qos', '1')).out, /\/meter-1\/user\/in/)
    assert.equal((await tidegate(...where, '--file', file)).code, 0)
    assert.deepEqual(
      owner.customs.map(({ payload, qos }) => [[...payload], qos]),
      [
        [[...Buffer.from('hello')], 1],
        [[0, 255], 0],
      ],
    )
    assert.equal((await tidegate(...where)).code, 2)
    assert.equal((await tidegate(...where, 'x', '--file', file)).code, 2)
    assert.equal((await tidegate(...where, 'x', '--qos', '2')).code, 2)
  })

  it('create keys that work, list them without secrets, revoke them', async (t) => {
    const { tidegate, url, registry } = await cliHouse(t)
    const filters = ['--subscribe', '/+/+/user/#', '#', '--publish', 'a/+']
    const made = await tidegate(
      'key',
      'create',
      '--note',
      'x',
      '--api',
      'read',
      ...filters,
      '--json',
    )
    const { id, secret, mqtt } = JSON.parse(made.out)
    assert.deepEqual(mqtt, { publish: ['a/+'], subscribe: ['/+/+/user/#', '#'] })
    assert.equal((await run(['status', '--url', url, '--key', `${id}.${secret}`])).code, 0)
    const listed = await tidegate('key', 'list')
    assert.ok(listed.out.includes(id) && !listed.out.includes(secret))
    assert.match((await tidegate('key', 'delete', id)).out, new RegExp(id))
    assert.equal(registry.accessKey(id), undefined)
  })

  it('show the status of every shard, and what was refused', async (t) => {
    const { tidegate } = await cliHouse(t)
    const { out } = await tidegate('status')
    assert.match(out, /durability +commit/)
    assert.match(out, /SHARD +CONNECTIONS/)
    assert.match(out, /0 +connect.refused.bad-signature +2/)
    assert.equal(JSON.parse((await tidegate('status', '--json')).out).version, '0.1.0')
  })

  it('watch the status, with rates once there are two looks', async (t) => {
    let looks = 0
    const { tidegate } = await cliHouse(t, async () => {
      looks += 1
      return { ...STATUS, shards: [servingShard({ messagesIn: looks * 1_000_000 })] }
    })
    const { out, code } = await tidegate('status', '--watch', '--times', '2')
    assert.deepEqual([looks, code], [2, 0])
    const rows = [...out.matchAll(/^0 +0 +0 +(\d+) /gm)].map(([, rate]) => Number(rate))
    assert.equal(rows[0], 0)
    assert.ok((rows[1] ?? 0) > 100_000 && (rows[1] ?? 0) < 1_050_000, `${rows[1]}`)
    assert.match(out, /IN\/S/)
    const lines = (await tidegate('status', '--watch', '--times', '1', '--json')).out.split('\n')
    assert.deepEqual([JSON.parse(lines[0] ?? '').version, lines.length], ['0.1.0', 2])
    assert.equal((await tidegate('status', '--times', '2')).code, 2)
  })

  it('end a watch with an error where the server goes away', async (t) => {
    const { tidegate, app } = await cliHouse(t)
    const watching = tidegate('status', '--watch')
    await new Promise((resolve) => setTimeout(resolve, 200))
    await app.close()
    const { code, out, err } = await watching
    assert.equal(code, 1)
    assert.match(out, /SHARD/)
    assert.ok(err.length > 0)
  })

  it('end with 2 and a hint where they are called wrongly', async () => {
    for (const args of [
      ['product', 'nonsense'],
      ['device', 'show', 'k1'],
      ['status', '--nonsense'],
    ]) {
      const ran = await run(args)
      assert.equal(ran.code, 2, args.join(' '))
      assert.match(ran.err, /error:/)
    }
    const { code, err } = await run(['status', '--url', 'ftp://x'])
    assert.equal(code, 2)
    assert.match(err, /http or https/)
  })

  it('explain themselves, with examples and the options of every client command', async () => {
    const { out, code } = await run(['device', 'list', '--help'])
    assert.equal(code, 0)
    assert.match(out, /--url <url>[^]*TIDEGATE_URL/)
    for (const name of [
      'product',
      'device',
      'model',
      'key',
      'properties',
      'call',
      'publish',
      'simulate',
      'status',
    ]) {
      assert.match((await run([name, '--help'])).out, /Examples?:\n {2}tidegate /, name)
    }
  })
})

describe('the key of a client command', () => {
  it('comes from the data directory of a local server where none is given', async (t) => {
    const { url, keys } = await cliHouse(t)
    const data = directory(t)
    writeFileSync(join(data, 'admin.key'), `${keys.admin}\n`)
    assert.equal((await run(['status', '--url', url, '--data', data])).code, 0)
    const none = await run(['status', '--url', url, '--data', join(data, 'nowhere')])
    assert.equal(none.code, 2)
    assert.match(none.err, /admin\.key cannot be read/)
  })

  it('is the one given before the one of the environment', async (t) => {
    const { url, keys } = await cliHouse(t)
    const env = { TIDEGATE_URL: url, TIDEGATE_KEY: 'ak.wrong' }
    const wrong = await run(['status'], env)
    assert.equal(wrong.code, 1)
    assert.match(wrong.err, /TIDEGATE_KEY/)
    assert.equal((await run(['status', '--key', keys.read], env)).code, 0)
  })
})

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tidegate-cli-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}
