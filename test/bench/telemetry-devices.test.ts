import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { postPayloads, signature } from '../../bench/telemetry-devices.ts'

describe('telemetry devices', () => {
  it('sign as the test vector of connect.md says', () => {
    const device = {
      productKey: 'k1demoPK01',
      deviceName: 'meter-0042',
      deviceSecret: '9f2c6b1e7d5a4c3880bb1f6e2a7d9c10',
    }
    const expected = '5cf29736f00e553e0a22fee19e5a0edf5888ff3dc85fa0833c02d06d6ef299af'
    assert.equal(signature('SN-88321', device), expected)
  })

  it('post values that change from message to message, at one length', () => {
    const payloads = postPayloads(1000, true)
    assert.equal(new Set(payloads.map(({ length }) => length)).size, 1)
    for (const [i, payload] of payloads.entries()) {
      const { params } = JSON.parse(payload) as { params: object }
      const before = JSON.parse(payloads.at(i - 1) ?? '') as { params: object }
      assert.notDeepEqual(params, before.params)
    }
  })
})
