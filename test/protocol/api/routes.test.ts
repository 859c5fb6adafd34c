import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { METER_TSL, stateOf } from '../../support/service-house.ts'
import { apiHouse, STATUS } from './house.ts'

describe('routes of the management API', () => {
  it('lead a product through its life', async (t) => {
    const { ask } = await apiHouse(t)
    const made = await ask('POST', '/products', { name: 'Valve' })
    assert.equal(made.statusCode, 201)
    const product = made.json()
    const path = `/products/${product.productKey}`
    assert.equal(made.headers['location'], `/api/v1${path}`)
    assert.deepEqual((await ask('GET', path)).json(), product)
    const changed = await ask('PATCH', path, { validation: 'none' })
    assert.deepEqual(changed.json(), { ...product, validation: 'none' })
    assert.deepEqual((await ask('DELETE', path)).json(), changed.json())
    assert.equal((await ask('GET', path)).json().code, 'product.not-found')
  })

  it('keep a product that has devices', async (t) => {
    const { ask, meter } = await apiHouse(t)
    const answer = await ask('DELETE', `/products/${meter.productKey}`)
    assert.equal(answer.statusCode, 409)
    assert.match(answer.json().detail, /1 device/)
  })

  it('take a thing model and give it back as TSL', async (t) => {
    const { ask, meter } = await apiHouse(t)
    const path = `/products/${meter.productKey}/model`
    const put = await ask('PUT', path, METER_TSL)
    assert.deepEqual(put.json(), {
      productKey: meter.productKey,
      properties: 2,
      events: 0,
      services: 1,
    })
    const tsl = (await ask('GET', path)).json()
    assert.equal(tsl.profile.productKey, meter.productKey)
    assert.equal(tsl.properties[0].dataType.specs.unit, '°C')
    assert.equal((await ask('PUT', path, tsl)).statusCode, 200) // what it gives, it takes
    const faulty = await ask('PUT', path, { properties: [{ identifier: 'no good' }] })
    assert.equal(faulty.statusCode, 422)
    assert.equal(faulty.json().code, 'model.invalid')
    assert.ok(faulty.json().errors.length > 0)
    const bare = (await ask('POST', '/products', {})).json().productKey
    assert.equal((await ask('GET', `/products/${bare}/model`)).json().code, 'model.missing')
  })

  it('tell a device secret at registration and never again', async (t) => {
    const { ask, meter } = await apiHouse(t)
    const devices = `/products/${meter.productKey}/devices`
    const made = await ask('POST', devices, { deviceName: 'meter-2' })
    assert.equal(made.statusCode, 201)
    const { deviceSecret } = made.json()
    assert.match(deviceSecret, /^[0-9a-f]{32}$/)
    const path = `${devices}/meter-2`
    assert.equal(made.headers['location'], `/api/v1${path}`)
    for (const answer of [
      await ask('GET', path),
      await ask('GET', devices),
      await ask('PATCH', path, { enabled: false }),
      await ask('DELETE', path),
    ]) {
      assert.equal(answer.statusCode, 200)
      assert.ok(!answer.body.includes(deviceSecret))
    }
  })

  it('register a batch, each device for itself', async (t) => {
    const { ask, meter } = await apiHouse(t)
    const devices = [{ deviceName: 'meter-1' }, { deviceName: 'meter-2' }, {}]
    const answer = await ask('POST', `/products/${meter.productKey}/devices/batch`, { devices })
    assert.equal(answer.statusCode, 200)
    const { registered, failed } = answer.json()
    assert.equal(registered[0].deviceName, 'meter-2')
    assert.match(registered[1].deviceSecret, /^[0-9a-f]{32}$/)
    assert.deepEqual([failed[0].index, failed[0].code], [0, 'device.exists'])
    const many = Array.from({ length: 1001 }, () => ({}))
    const over = await ask('POST', `/products/${meter.productKey}/devices/batch`, { devices: many })
    assert.equal(over.statusCode, 400)
  })

  it('show a device with its live status, and what went with it when it is removed', async (t) => {
    const { ask, meter, registry } = await apiHouse(t)
    const path = `/products/${meter.productKey}/devices/meter-1`
    assert.equal((await ask('GET', path)).json().status, 'inactive')
    const properties = { temperature: { value: 21.5, time: 7 } }
    const row = { online: true, activatedAt: 5, onlineAt: 6, address: '10.0.0.7', properties }
    registry.states.set(meter.number, stateOf(row))
    const shown = (await ask('GET', path)).json()
    assert.deepEqual(
      [shown.status, shown.activatedAt, shown.onlineAt, shown.offlineAt, shown.address],
      ['online', 5, 6, undefined, '10.0.0.7'],
    )
    assert.deepEqual((await ask('GET', `${path}/properties`)).json(), {
      items: [{ identifier: 'temperature', value: 21.5, time: 7, name: 'Temperature', unit: '°C' }],
    })
    const removed = (await ask('DELETE', path)).json()
    assert.equal(removed.device.deviceName, 'meter-1')
    assert.deepEqual(removed.properties, ['temperature'])
  })

  it('show values of any JSON shape unchanged', async (t) => {
    const { ask, meter, registry } = await apiHouse(t)
    const values = { a: null, b: [1, { c: 'x' }], d: { e: true }, f: 0 }
    const properties = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, { value, time: 1 }]),
    )
    registry.states.set(meter.number, stateOf({ properties }))
    const path = `/products/${meter.productKey}/devices/meter-1/properties`
    const { items } = (await ask('GET', path)).json()
    const seen = items.map((i: { identifier: string; value: unknown }) => [i.identifier, i.value])
    assert.deepEqual(Object.fromEntries(seen), values)
  })

  it('answer 202 to a command on its way and 200 with the reply', async (t) => {
    const { ask, meter, owner } = await apiHouse(t)
    const path = `/products/${meter.productKey}/devices/meter-1`
    owner.reply = { code: 200, message: 'success', data: { took: 3 } }
    const answered = { kind: 'answered', id: '880011', ...owner.reply }
    for (const method of ['PUT', 'POST'] as const) {
      const sent = await ask(method, `${path}/properties`, { values: { target: 20 } })
      assert.deepEqual([sent.statusCode, sent.json()], [202, { kind: 'sent', id: '880011' }])
      const body = { values: { target: 20 }, waitMs: 100 }
      const waited = await ask(method, `${path}/properties`, body)
      assert.deepEqual([waited.statusCode, waited.json()], [200, answered])
    }
    const call = await ask('POST', `${path}/services/Reboot`, { inputs: { Delay: 1 }, waitMs: 9 })
    assert.deepEqual([call.statusCode, call.json()], [200, answered])
    assert.equal(owner.commands.at(-1)?.waitMs, 9)
    const unknown = await ask('POST', `${path}/services/Explode`, {})
    assert.equal(unknown.json().code, 'model.service-not-found')
    owner.failure = 'device.not-subscribed'
    const failed = await ask('POST', `${path}/properties`, { values: { target: 20 } })
    assert.deepEqual([failed.statusCode, failed.json().code], [409, 'device.not-subscribed'])
  })

  it('publish text and bytes to custom topics only', async (t) => {
    const { ask, meter, owner } = await apiHouse(t)
    const path = `/products/${meter.productKey}/devices/meter-1/publish`
    const topic = `/${meter.productKey}/meter-1/user/in`
    const text = await ask('POST', path, { topic: 'user/in', payload: 'größer' })
    assert.deepEqual(text.json(), { topic })
    const encoding = 'base64'
    const bytes = await ask('POST', path, { topic, payload: 'AP8=', encoding, qos: 1 })
    assert.equal(bytes.statusCode, 200)
    assert.deepEqual(
      owner.customs.map(({ payload, qos }) => [[...payload], qos]),
      [
        [[...Buffer.from('größer')], 0],
        [[0, 255], 1],
      ],
    )
    const system = await ask('POST', path, { topic: 'thing/service/property/set', payload: '{}' })
    assert.deepEqual([system.statusCode, system.json().code], [422, 'topic.invalid'])
  })

  it('issue, list and revoke keys', async (t) => {
    const { ask } = await apiHouse(t)
    const mqtt = { publish: [], subscribe: ['/+/+/user/#'] }
    const made = await ask('POST', '/keys', { note: 'backend', mqtt })
    assert.equal(made.statusCode, 201)
    const { id, secret, api } = made.json()
    assert.equal(api, 'none')
    const listed = await ask('GET', '/keys')
    assert.ok(!listed.body.includes(secret))
    const found = listed.json().items.find((key: { id: string }) => key.id === id)
    assert.deepEqual(found.mqtt, mqtt)
    assert.equal((await ask('DELETE', `/keys/${id}`)).json().note, 'backend')
    assert.equal((await ask('DELETE', `/keys/${id}`)).json().code, 'key.not-found')
  })

  it('page through a listing without losing or repeating an item', async (t) => {
    const { ask, meter, services } = await apiHouse(t)
    const names = Array.from({ length: 25 }, (_, i) => `m@:${String(i).padStart(3, '0')}`)
    await services.devices.registerMany(
      meter.productKey,
      names.map((deviceName) => ({ deviceName })),
    )
    const seen: string[] = []
    let after = ''
    for (let pages = 0; pages < 10; pages++) {
      const query = `?limit=10${after && `&after=${encodeURIComponent(after)}`}`
      const page = (await ask('GET', `/products/${meter.productKey}/devices${query}`)).json()
      assert.ok(page.items.length <= 10)
      seen.push(...page.items.map((device: { deviceName: string }) => device.deviceName))
      if (page.next === undefined) break
      after = page.next
    }
    assert.deepEqual(seen, [...names, 'meter-1'].sort())
  })

  it('report the status of every shard', async (t) => {
    const { ask } = await apiHouse(t)
    assert.deepEqual((await ask('GET', '/status')).json(), STATUS)
  })

  it('report a shard that does not answer with what is known', async (t) => {
    const silent = { shard: 1, state: 'stalled', restarts: 2, devicesOnline: 4 } as const
    const report = { ...STATUS, shards: [...STATUS.shards, silent] }
    const { ask } = await apiHouse(t, () => Promise.resolve(report))
    assert.deepEqual((await ask('GET', '/status')).json(), report)
  })

  it('give metrics to who has a key to read, as Prometheus reads them', async (t) => {
    const { app, keys } = await apiHouse(t)
    const scrape = (key: string) =>
      app.inject({ url: '/api/v1/metrics', headers: { authorization: `Bearer ${key}` } })
    const answer = await scrape(keys.read)
    assert.equal(answer.statusCode, 200)
    assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
    assert.match(answer.body, /^tidegate_connections\{shard="0"\} 3$/m)
    assert.equal((await scrape(keys.mqtt)).statusCode, 403)
    assert.equal((await app.inject('/api/v1/metrics')).statusCode, 401)
  })
})
