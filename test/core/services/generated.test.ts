import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { deviceName, deviceSecret, productKey } from '../../../core/domain/identifiers.ts'
import {
  newDeviceName,
  newDeviceSecret,
  newIotId,
  newKeyId,
  newKeySecret,
  newProductKey,
  randomText,
} from '../../../core/services/generated.ts'
import { countingRandom } from '../../support/service-house.ts'

describe('generated text', () => {
  it('has the shapes that the identifiers promise', () => {
    const random = countingRandom()
    assert.match(newProductKey(random), /^k1[A-Za-z0-9]{9}$/)
    assert.match(newDeviceSecret(random), /^[0-9a-f]{32}$/)
    assert.match(newIotId(random), /^[A-Za-z0-9]{26}$/)
    assert.match(newKeyId(random), /^ak[A-Za-z0-9]{14}$/)
    assert.match(newKeySecret(random), /^[A-Za-z0-9]{40}$/)
    assert.ok(productKey(newProductKey(random)))
    assert.ok(deviceName(newDeviceName(random)))
    assert.ok(deviceSecret(newDeviceSecret(random)))
  })

  it('gives every character of an alphabet the same share of the byte values', () => {
    const evenly = fc.property(fc.integer({ min: 2, max: 256 }), (size) => {
      const alphabet = Array.from({ length: size }, (_, i) => String.fromCharCode(0x4e00 + i)).join(
        '',
      )
      let next = 0
      const everyByte = {
        bytes: (n: number) => Uint8Array.from({ length: n }, () => next++ & 0xff),
      }
      const share = Math.floor(256 / size)
      const text = randomText(everyByte, alphabet, share * size)
      const counts = new Map<string, number>()
      for (const c of text) counts.set(c, (counts.get(c) ?? 0) + 1)
      assert.equal(counts.size, size)
      assert.ok([...counts.values()].every((n) => n === share))
    })
    fc.assert(evenly)
  })

  it('throws away bytes beyond the last whole multiple of the alphabet', () => {
    const script = [255, 250, 3]
    const random = { bytes: (n: number) => Uint8Array.from(script.splice(0, n)) }
    assert.equal(randomText(random, '0123456789', 1), '3')
  })
})
