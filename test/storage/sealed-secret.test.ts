import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { DeviceNumber } from '../../core/domain/identifiers.ts'
import { loadSecretKey, SecretBox } from '../../storage/sealed-secret.ts'
import { checkSecretKey } from '../../storage/secret-check.ts'
import { CountingRandom, secretBox, temporaryDirectory, writableEnvironment } from './support.ts'

const SEVEN = 7 as DeviceNumber
const SECRET = '0123456789abcdef0123456789abcdef'

describe('SecretBox', () => {
  it('gives back what it sealed, and never seals alike', () => {
    const box = secretBox()
    const first = box.seal(SEVEN, SECRET)
    assert.equal(box.unseal(SEVEN, first), SECRET)
    assert.equal(Buffer.from(first).includes(SECRET), false)
    assert.notDeepEqual(box.seal(SEVEN, SECRET), first)
  })

  it('refuses the secret of another device, another key, and every changed byte', () => {
    const box = secretBox()
    const sealed = box.seal(SEVEN, SECRET)
    const refused = { code: 'data.unreadable' }
    assert.throws(() => box.unseal(8 as DeviceNumber, sealed), refused)
    const other = new SecretBox(new Uint8Array(32).fill(8), new CountingRandom())
    assert.throws(() => other.unseal(SEVEN, sealed), refused)
    for (let i = 0; i < sealed.length; i++) {
      const changed = Uint8Array.from(sealed)
      changed[i] = (changed[i] as number) ^ 1
      assert.throws(() => box.unseal(SEVEN, changed), refused)
    }
    for (let size = 0; size < sealed.length; size++) {
      assert.throws(() => box.unseal(SEVEN, sealed.subarray(0, size)), refused)
    }
  })
})

describe('loadSecretKey', () => {
  it('makes the key at the first start, for its owner only, and finds it again', (t) => {
    const path = join(temporaryDirectory(t), 'secret.key')
    const made = loadSecretKey(path, undefined, new CountingRandom())
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.match(readFileSync(path, 'utf8'), /^[0-9a-f]{64}\n$/)
    assert.deepEqual(
      Buffer.from(loadSecretKey(path, undefined, new CountingRandom())),
      Buffer.from(made),
    )
  })

  it('takes a given key in hex or base64, and makes no file then', (t) => {
    const path = join(temporaryDirectory(t), 'secret.key')
    const key = Buffer.alloc(32, 0xfb)
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      const given = ` ${key.toString(encoding)}\n`
      assert.deepEqual(loadSecretKey(path, given, new CountingRandom()), key)
    }
    assert.throws(() => statSync(path), { code: 'ENOENT' })
  })

  it('refuses keys of another form without repeating them', (t) => {
    const path = join(temporaryDirectory(t), 'secret.key')
    for (const bad of ['', 'open sesame', 'ab'.repeat(31), `${'ab'.repeat(32)}c`]) {
      assert.throws(
        () => loadSecretKey(path, bad, new CountingRandom()),
        (error: Error & { code: string }) =>
          error.code === 'config.invalid' && (bad === '' || !error.message.includes(bad)),
      )
    }
    writeFileSync(path, 'rubbish')
    assert.throws(() => loadSecretKey(path, undefined, new CountingRandom()), {
      code: 'data.unreadable',
    })
  })
})

describe('checkSecretKey', () => {
  it('binds a store to its first key, and notices another', (t) => {
    const environment = writableEnvironment(t)
    checkSecretKey(environment, secretBox())
    checkSecretKey(environment, secretBox())
    const other = new SecretBox(new Uint8Array(32).fill(8), new CountingRandom())
    assert.throws(() => checkSecretKey(environment, other), { code: 'data.unreadable' })
  })
})
