import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { signIn } from '../../../../protocol/cli/simulate/sign-in.ts'

describe('signing in as a device', () => {
  it('signs as the published vector does', () => {
    const identity = {
      productKey: 'k1demoPK01',
      deviceName: 'meter-0042',
      deviceSecret: '9f2c6b1e7d5a4c3880bb1f6e2a7d9c10',
    }
    assert.deepEqual(signIn(identity, true, 2_524_608_000_000), {
      clientId: 'k1demoPK01.meter-0042|securemode=2,signmethod=hmacsha256,timestamp=2524608000000|',
      username: 'meter-0042&k1demoPK01',
      password: '895a4b342cf08cb48fee2532a9ad4ca6c068d0929e7c88fbf4d69e4d436ac59e',
    })
    assert.match(signIn(identity, false, 1).clientId, /securemode=3/)
  })
})
