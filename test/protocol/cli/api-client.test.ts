import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { ApiClient, ApiError, pathTo } from '../../../protocol/cli/api-client.ts'
import { freePort } from '../../support/free-port.ts'
import { cliHouse } from './recording-terminal.ts'

describe('the API client', () => {
  it('reads a listing of several pages to its end', async (t) => {
    const { url, keys, services, meter } = await cliHouse(t)
    const names = Array.from({ length: 1234 }, (_, i) => `m-${String(i).padStart(4, '0')}`)
    for (let i = 0; i < names.length; i += 1000) {
      const part = names.slice(i, i + 1000).map((deviceName) => ({ deviceName }))
      await services.devices.registerMany(meter.productKey, part)
    }
    const api = new ApiClient({ url, key: keys.read })
    const path = pathTo('products', meter.productKey, 'devices')
    const seen: string[] = []
    for await (const device of api.items<{ deviceName: string }>(path)) seen.push(device.deviceName)
    assert.deepEqual(seen, [...names, 'meter-1'].sort())
  })

  it('escapes what a device name may hold', async (t) => {
    const { url, keys, services, meter } = await cliHouse(t)
    const deviceName = 'a@b:c.d-e_'
    await services.devices.register(meter.productKey, { deviceName })
    const api = new ApiClient({ url: `${url}/`, key: keys.read })
    const path = pathTo('products', meter.productKey, 'devices', deviceName)
    assert.equal((await api.get<{ deviceName: string }>(path)).deviceName, deviceName)
    await assert.rejects(api.get(pathTo('products', '../keys')), { code: 'product.not-found' })
  })

  it('turns a problem into a message with its code, and every wrong field', async (t) => {
    const { url, keys, meter } = await cliHouse(t)
    const api = new ApiClient({ url, key: keys.admin })
    const model = { properties: [{ identifier: 'a b' }, { identifier: 'time' }] }
    await assert.rejects(api.put(pathTo('products', meter.productKey, 'model'), model), (error) => {
      assert.ok(error instanceof ApiError)
      assert.deepEqual([error.code, error.status], ['model.invalid', 422])
      assert.match(error.message, /properties\/0/)
      assert.match(error.message, /properties\/1/)
      return true
    })
  })

  it('says how to give a key where one is missing or wrong', async (t) => {
    const { url } = await cliHouse(t)
    for (const key of [undefined, 'ak.wrong']) {
      await assert.rejects(new ApiClient({ url, key }).get('/products'), /TIDEGATE_KEY/)
    }
  })

  it('asks whether the server runs where nothing answers', async () => {
    const port = await freePort()
    const api = new ApiClient({ url: `http://127.0.0.1:${port}`, key: undefined })
    await assert.rejects(api.get('/status'), (error: Error) => {
      assert.ok(error instanceof ApiError)
      assert.match(error.message, /ECONNREFUSED.*is `tidegate serve` running\?/)
      return true
    })
  })

  it('doubts a server that does not answer with JSON', async (t) => {
    const server = createServer((_request, response) => response.end('<html>'))
    t.after(() => server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const asked = new ApiClient({ url, key: undefined }).get('/status')
    await assert.rejects(asked, /Is it a Tidegate server\?/)
  })

  it('derives the same secret from the same key and text only', () => {
    const a = new ApiClient({ url: 'http://x', key: 'ak1.one' })
    const b = new ApiClient({ url: 'http://x', key: 'ak1.two' })
    assert.match(a.derive('x'), /^[0-9a-f]{32}$/)
    assert.equal(a.derive('x'), a.derive('x'))
    assert.notEqual(a.derive('x'), a.derive('y'))
    assert.notEqual(a.derive('x'), b.derive('x'))
  })
})

/** A port that was free a moment ago. */
