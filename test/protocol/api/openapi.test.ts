import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { apiHouse } from './house.ts'

interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly requestBody?: { readonly content: Record<string, { schema: object }> }
  readonly responses: Record<string, { description?: string; content?: Record<string, object> }>
}

const EXPECTED = [
  'DELETE /api/v1/keys/{id}',
  'DELETE /api/v1/products/{productKey}',
  'DELETE /api/v1/products/{productKey}/devices/{deviceName}',
  'GET /api/v1/health',
  'GET /api/v1/keys',
  'GET /api/v1/metrics',
  'GET /api/v1/products',
  'GET /api/v1/products/{productKey}',
  'GET /api/v1/products/{productKey}/devices',
  'GET /api/v1/products/{productKey}/devices/{deviceName}',
  'GET /api/v1/products/{productKey}/devices/{deviceName}/properties',
  'GET /api/v1/products/{productKey}/model',
  'GET /api/v1/status',
  'PATCH /api/v1/products/{productKey}',
  'PATCH /api/v1/products/{productKey}/devices/{deviceName}',
  'POST /api/v1/keys',
  'POST /api/v1/products',
  'POST /api/v1/products/{productKey}/devices',
  'POST /api/v1/products/{productKey}/devices/batch',
  'POST /api/v1/products/{productKey}/devices/{deviceName}/properties',
  'POST /api/v1/products/{productKey}/devices/{deviceName}/publish',
  'POST /api/v1/products/{productKey}/devices/{deviceName}/services/{service}',
  'PUT /api/v1/products/{productKey}/devices/{deviceName}/properties',
  'PUT /api/v1/products/{productKey}/model',
]

describe('the OpenAPI document', () => {
  it('lists every route, each with an id of its own, a summary, tags and typed answers', async (t) => {
    const { app } = await apiHouse(t)
    const document = (await app.inject('/docs/json')).json()
    assert.match(document.openapi, /^3\.1\./)
    const operations = Object.entries(document.paths as Record<string, Record<string, Operation>>)
      .flatMap(([path, methods]) =>
        Object.entries(methods).map(
          ([method, op]) => [`${method.toUpperCase()} ${path}`, op] as const,
        ),
      )
      .sort(([a], [b]) => (a < b ? -1 : 1))
    assert.deepEqual(
      operations.map(([name]) => name),
      EXPECTED,
    )
    const ids = operations.map(([, op]) => op.operationId)
    assert.equal(new Set(ids).size, EXPECTED.length)
    for (const [name, op] of operations) {
      assert.ok(op.summary && op.tags?.length === 1, name)
      const type = name === 'GET /api/v1/metrics' ? 'text/plain' : 'application/json'
      const good = Object.keys(op.responses).filter((status) => status.startsWith('2'))
      assert.ok(
        good.every((status) => op.responses[status]?.content?.[type]),
        name,
      )
      if (name === 'GET /api/v1/health') continue
      for (const status of ['401', '403']) {
        assert.ok(op.responses[status]?.content?.['application/problem+json'], `${name} ${status}`)
      }
      const takesBody = /^(POST|PUT|PATCH)/.test(name)
      assert.equal(op.requestBody !== undefined, takesBody, name)
    }
  })

  it('refers only to shapes that it holds, and asks for a key everywhere but at health', async (t) => {
    const { app } = await apiHouse(t)
    const text = (await app.inject('/docs/json')).body
    const document = JSON.parse(text)
    const refs = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref ?? '')
    assert.ok(refs.length > 40)
    for (const ref of new Set(refs)) {
      const [, name] = /^#\/components\/schemas\/(\w+)$/.exec(ref) ?? []
      assert.ok(name !== undefined && document.components.schemas[name] !== undefined, ref)
    }
    assert.deepEqual(document.security, [{ key: [] }])
    assert.equal(document.components.securitySchemes.key.scheme, 'bearer')
    assert.deepEqual(document.paths['/api/v1/health'].get.security, [])
    assert.equal(document.paths['/api/v1/products'].get.security, undefined)
  })

  it('gives an example for every body', async (t) => {
    const { app } = await apiHouse(t)
    const document = (await app.inject('/docs/json')).json()
    for (const methods of Object.values(
      document.paths as Record<string, Record<string, Operation>>,
    )) {
      for (const { requestBody, operationId } of Object.values(methods)) {
        if (requestBody === undefined) continue
        assert.match(JSON.stringify(requestBody), /"examples?":/, operationId)
      }
    }
  })
})
