import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ERROR_CODES, PlatformError, type PlatformErrorCode } from '../../../core/domain/errors.ts'
import { PROBLEM_STATUS } from '../../../protocol/api/problem.ts'
import { apiHouse } from './house.ts'

describe('problems of the management API', () => {
  it('answer every code of the platform under its status, and hide what is inside', async (t) => {
    let code: PlatformErrorCode = 'internal'
    const { ask, logged } = await apiHouse(t, () =>
      Promise.reject(new PlatformError(code, 'kept inside?', { details: { path: '/etc' } })),
    )
    for (code of ERROR_CODES) {
      logged.length = 0
      const answer = await ask('GET', '/status')
      const status = PROBLEM_STATUS[code]
      assert.equal(answer.statusCode, status, code)
      assert.match(answer.headers['content-type'] as string, /^application\/problem\+json/)
      const problem = answer.json()
      assert.equal(problem.code, status === 500 ? 'internal' : code)
      assert.equal(problem.type, `urn:tidegate:error:${code}`)
      assert.equal(problem.status, status)
      assert.equal(problem.instance, '/api/v1/status')
      assert.equal(answer.body.includes('kept inside?'), status !== 500, code)
      assert.equal(logged.length, status >= 500 ? 1 : 0, code)
    }
  })

  it('hide an unexpected error, and log it under the id that the client sees', async (t) => {
    const { ask, logged } = await apiHouse(t, () => Promise.reject(new TypeError('at /srv/secret')))
    const answer = await ask('GET', '/status')
    assert.equal(answer.statusCode, 500)
    assert.ok(!answer.body.includes('secret'))
    const [, id] = /request (\S+)\.$/.exec(answer.json().detail) ?? []
    assert.ok(id !== undefined && logged[0]?.includes(id))
    assert.ok(logged[0]?.includes('at /srv/secret'))
  })

  it('name the field that is wrong, wherever it stands', async (t) => {
    const { ask, meter } = await apiHouse(t)
    const device = `/products/${meter.productKey}/devices/${meter.deviceName}`
    for (const [method, path, body, field, message] of [
      ['POST', '/products', { validation: 'hard' }, '/validation', /one of none, weak, strong/],
      ['POST', '/products', { nmae: 'x' }, '/nmae', /not known/],
      ['POST', '/products', { productKey: 'short' }, '/productKey', /11 letters/],
      ['PATCH', device, {}, '/enabled', /missing/],
      ['PATCH', device, { enabled: 'yes' }, '/enabled', /boolean/],
      ['PATCH', device, { enabled: 'true' }, '/enabled', /boolean/], // nothing is converted in a body
      ['GET', '/products?limit=0', undefined, '?limit', />= 1/],
      ['GET', '/products?limit=many', undefined, '?limit', /integer/],
      ['POST', `${device}/properties`, { values: { target: 99 } }, '/values/target', /./],
      [
        'POST',
        `${device}/publish`,
        { topic: 'user/a', payload: '*', encoding: 'base64' },
        '/payload',
        /base64/,
      ],
    ] as const) {
      const answer = await ask(method, path, body)
      const { errors } = answer.json()
      assert.equal(errors?.[0]?.path, field, answer.body)
      assert.match(errors[0].message, message)
      assert.ok(answer.statusCode === 400 || answer.statusCode === 422)
    }
  })

  it('tell bad JSON, an empty body, a wrong media type and an oversized body apart', async (t) => {
    const { app, keys } = await apiHouse(t)
    const send = async (type: string, payload: string): Promise<[number, string]> => {
      const headers = { authorization: `Bearer ${keys.admin}`, 'content-type': type }
      const answer = await app.inject({ method: 'POST', url: '/api/v1/products', headers, payload })
      assert.match(answer.headers['content-type'] as string, /^application\/problem\+json/)
      return [answer.statusCode, answer.json().code]
    }
    assert.deepEqual(await send('application/json', '{"name":'), [400, 'request.invalid'])
    assert.deepEqual(await send('application/json', ''), [400, 'request.invalid'])
    assert.deepEqual(await send('application/json', '[]'), [400, 'request.invalid'])
    assert.deepEqual(await send('text/csv', 'a,b'), [415, 'request.invalid'])
    const huge = JSON.stringify({ name: 'x'.repeat(524_288) })
    assert.deepEqual(await send('application/json', huge), [413, 'payload.too-large'])
  })

  it('are also what an unknown route or a broken address is answered', async (t) => {
    const { app, ask } = await apiHouse(t)
    for (const url of ['/nowhere', '/api/v1/nowhere', '/api/v2/products?secret=1']) {
      const problem = (await app.inject(url)).json()
      assert.equal(problem.code, 'api.not-found')
      assert.ok(!JSON.stringify(problem).includes('secret'))
    }
    assert.equal((await ask('PUT', '/products')).json().code, 'api.not-found')
    const broken = await app.inject('/api/v1/products/%ZZ')
    assert.equal(broken.statusCode, 400)
    assert.equal(broken.json().code, 'request.invalid')
  })
})
