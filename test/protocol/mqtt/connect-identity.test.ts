import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import { connectIdentity, isKnown } from '../../../protocol/mqtt/connect-identity.ts'
import { MemoryBroker } from './memory-broker.ts'
import { connects } from './random-packets.ts'

describe('the identity of a CONNECT', () => {
  it('is read from the bytes as the general parser reads it, whatever stands before it', () => {
    const same = fc.property(connects, (connect) => {
      const bytes = mqttPacket.generate(connect)
      assert.deepEqual(connectIdentity(bytes, bytes.length), {
        resumes: connect.clean === false,
        clientId: connect.clientId,
        userName: connect.username,
      })
    })
    fc.assert(same, { numRuns: 300 })
  })

  it('is unknown where bytes are missing or it is another packet, and never fails', () => {
    const cut = fc.property(connects, fc.nat(), (connect, at) => {
      const bytes = mqttPacket.generate(connect)
      const length = at % bytes.length
      const identity = connectIdentity(bytes, length)
      // Its password and the end of it are not looked at.
      if (identity !== undefined) assert.equal(identity.clientId, connect.clientId)
    })
    fc.assert(cut, { numRuns: 300 })
    const any = fc.uint8Array({ maxLength: 60 })
    fc.assert(fc.property(any, (bytes) => void connectIdentity(Buffer.from(bytes), bytes.length)))
    assert.equal(connectIdentity(Buffer.of(0xc0, 0), 2), undefined)
  })

  it('makes a client known that goes on with a session of its own name', () => {
    const { around } = new MemoryBroker()
    const directory = {
      ...around.directory,
      mayKnow: (name: string) => name === '/a' || name === 'key/b',
    }
    const known = (clientId: string, userName?: string, resumes = true): boolean =>
      isKnown({ resumes, clientId, userName }, { ...around, directory })
    assert.deepEqual([known('a'), known('a', 'key'), known('b', 'key')], [true, true, true])
    assert.deepEqual(
      [known('b'), known('c', 'key'), known('a', 'key', false)],
      [false, false, false],
    )
  })

  it('makes a device known that was here, and no other', () => {
    const { around } = new MemoryBroker()
    const asked: string[] = []
    const devices = {
      ...around.devices,
      knows: (productKey: string, deviceName: string) => {
        asked.push(`${productKey} ${deviceName}`)
        return deviceName === 'old'
      },
    }
    const known = (userName: string, profile: 'alibaba' | 'plain'): boolean =>
      isKnown({ resumes: false, clientId: 'x', userName }, { ...around, profile, devices })
    assert.deepEqual([known('old&k1', 'alibaba'), known('new&k1', 'alibaba')], [true, false])
    assert.deepEqual([known('old&k1', 'plain'), known('old', 'alibaba')], [false, false])
    assert.deepEqual(asked, ['k1 old', 'k1 new'])
  })
})
