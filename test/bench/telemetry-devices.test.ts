import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import {
  listeningDevice,
  postPayloads,
  registerDevices,
  signature,
} from '../../bench/telemetry-devices.ts'

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

  it('are registered in batches of what the management API takes at once', async (t) => {
    const batches: number[] = []
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const { devices = [] } = (await json(request)) as { devices?: { deviceName: string }[] }
      if (request.url?.endsWith('/devices/batch') === true) batches.push(devices.length)
      const registered = devices.map(({ deviceName }) => ({
        productKey: 'k1demoPK01',
        deviceName,
        deviceSecret: 'secret',
      }))
      response.end(JSON.stringify({ productKey: 'k1demoPK01', registered }))
    }
    const server = createServer((request, response) => void answer(request, response))
    t.after(() => server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const api = { url: `http://127.0.0.1:${port}`, key: 'id.secret' }
    const devices = await registerDevices(api, 2500)
    assert.deepEqual(batches, [1000, 1000, 500])
    assert.equal(new Set(devices.map(({ deviceName }) => deviceName)).size, 2500)
    const filters = new Set(devices.map((device) => listeningDevice(device).filters[0]))
    assert.equal(filters.size, 2500)
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
