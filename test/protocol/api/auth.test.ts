import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { apiHouse } from './house.ts'

describe('authorisation on the management API', () => {
  it('lets read keys look, admin keys change, and others do neither', async (t) => {
    const { app, keys, meter } = await apiHouse(t)
    const device = `/api/v1/products/${meter.productKey}/devices/${meter.deviceName}`
    const ask = async (key: string, method: 'GET' | 'PATCH'): Promise<number> => {
      const headers = { authorization: `Bearer ${key}` }
      const change = method === 'PATCH' ? { payload: { enabled: true } } : {}
      return (await app.inject({ method, url: device, headers, ...change })).statusCode
    }
    assert.deepEqual([await ask(keys.read, 'GET'), await ask(keys.read, 'PATCH')], [200, 403])
    assert.deepEqual([await ask(keys.admin, 'GET'), await ask(keys.admin, 'PATCH')], [200, 200])
    assert.deepEqual([await ask(keys.mqtt, 'GET'), await ask(keys.mqtt, 'PATCH')], [403, 403])
  })

  it('refuses a missing, malformed, unknown or wrong key alike, and says which scheme it wants', async (t) => {
    const { app, keys } = await apiHouse(t)
    const [id = ''] = keys.admin.split('.')
    for (const authorization of [
      undefined,
      '',
      'Bearer',
      `Bearer ${id}`,
      `Bearer ${id}.wrong`,
      'Bearer akUnknown.secret',
      `Basic ${Buffer.from(keys.admin).toString('base64')}`,
      `Bearer ${keys.admin}x`,
    ]) {
      const headers = authorization === undefined ? {} : { authorization }
      const answer = await app.inject({ url: '/api/v1/products', headers })
      assert.equal(answer.statusCode, 401, authorization)
      assert.equal(answer.headers['www-authenticate'], 'Bearer realm="tidegate"')
      assert.equal(answer.json().code, 'api.unauthorized')
      assert.ok(!answer.body.includes('wrong"'))
    }
  })

  it('looks at the key before the body', async (t) => {
    const { app } = await apiHouse(t)
    const payload = '{"not json'
    const headers = { 'content-type': 'application/json' }
    const answer = await app.inject({ method: 'POST', url: '/api/v1/products', headers, payload })
    assert.equal(answer.statusCode, 401)
  })

  it('leaves health and the documentation open', async (t) => {
    const { app } = await apiHouse(t)
    assert.deepEqual((await app.inject('/api/v1/health')).json(), { status: 'ok' })
    assert.equal((await app.inject('/docs/json')).statusCode, 200)
    assert.match((await app.inject('/docs/')).headers['content-type'] as string, /text\/html/)
  })

  it('stops honouring a key from the moment that it is revoked', async (t) => {
    const { app, keys, ask } = await apiHouse(t)
    const [id] = keys.read.split('.')
    assert.equal((await ask('DELETE', `/keys/${id}`)).statusCode, 200)
    const headers = { authorization: `Bearer ${keys.read}` }
    assert.equal((await app.inject({ url: '/api/v1/products', headers })).statusCode, 401)
  })
})
