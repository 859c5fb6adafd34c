import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serviceHouse } from '../../support/service-house.ts'

describe('access keys', () => {
  it('tell their secret once, and match it afterwards', async () => {
    const { services, registry } = serviceHouse()
    const key = await services.keys.create({ note: 'dashboard', api: 'read' })
    assert.ok(registry.accessKeyMatches(key.id, key.secret))
    const [listed] = services.keys.list(undefined, 10).items
    assert.equal(listed?.id, key.id)
    assert.ok(listed !== undefined && !('secret' in listed))
    assert.equal((await services.keys.delete(key.id)).note, 'dashboard')
    assert.ok(!registry.accessKeyMatches(key.id, key.secret))
    await assert.rejects(services.keys.delete(key.id), { code: 'key.not-found' })
  })

  it('are refused where they may do nothing, or where a filter or note is malformed', async () => {
    const { services } = serviceHouse()
    for (const bad of [
      {},
      { note: 'x'.repeat(129), api: 'read' },
      { mqtt: { publish: ['a/#/b'], subscribe: [] } },
    ] as const) {
      await assert.rejects(services.keys.create(bad), { code: 'request.invalid' })
    }
  })
})
