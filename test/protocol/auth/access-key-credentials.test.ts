import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AccessPolicy } from '../../../core/domain/access-policy.ts'
import { authenticateAccessKey } from '../../../protocol/auth/access-key-credentials.ts'
import { connackCode } from '../../../protocol/auth/connack-code.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'

const SECRET = 'SecretOfABackEnd'
const POLICY: AccessPolicy = { publish: [], subscribe: ['#'] }

async function registryWith(mqtt: AccessPolicy | undefined): Promise<MemoryRegistry> {
  const registry = new MemoryRegistry()
  await registry.putAccessKey({ id: 'akDemo', note: '', api: 'read', mqtt, createdAt: 1 }, SECRET)
  return registry
}

describe('authenticateAccessKey', () => {
  it('lets a key in with its policy', async () => {
    const login = authenticateAccessKey(await registryWith(POLICY), 'akDemo', Buffer.from(SECRET))
    assert.ok(login.kind === 'client')
    assert.equal(login.key.id, 'akDemo')
    assert.deepEqual(login.key.mqtt, POLICY)
  })

  it('refuses a key that has no MQTT policy', async () => {
    const login = authenticateAccessKey(
      await registryWith(undefined),
      'akDemo',
      Buffer.from(SECRET),
    )
    assert.ok(login.kind === 'refused')
    assert.equal(login.reason, 'no-mqtt-policy')
    assert.deepEqual(connackCode(login.reason), { v3: 5, v5: 0x87 })
  })

  it('says the same of an unknown key and of a wrong secret', async () => {
    const registry = await registryWith(POLICY)
    const wrong = authenticateAccessKey(registry, 'akDemo', Buffer.from('guess'))
    const unknown = authenticateAccessKey(registry, 'akOther', Buffer.from(SECRET))
    const huge = authenticateAccessKey(registry, 'x'.repeat(5000), Buffer.from(SECRET))
    assert.ok(wrong.kind === 'refused' && !wrong.message.includes(SECRET))
    assert.equal(wrong.reason, 'bad-credentials')
    assert.deepEqual(unknown, wrong)
    assert.deepEqual(huge, wrong)
    assert.deepEqual(connackCode('bad-credentials'), { v3: 4, v5: 0x86 })
  })

  it('wants both halves', async () => {
    const registry = await registryWith(POLICY)
    for (const [user, password] of [
      [undefined, Buffer.from(SECRET)],
      ['akDemo', undefined],
      ['akDemo', new Uint8Array()],
    ] as const) {
      const login = authenticateAccessKey(registry, user, password)
      assert.equal(login.kind === 'refused' && login.reason, 'missing-credentials')
    }
  })
})
