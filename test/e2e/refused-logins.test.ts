import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import mqtt, { type IClientOptions } from 'mqtt'
import { type DeviceTriple, deviceCredentials } from '../support/device-credentials.ts'
import { LivePlatform } from '../support/live-platform.ts'

interface Refusal {
  readonly code: number
  readonly reasonString: string | undefined
}

describe('logins that are refused, on a live platform', () => {
  let live: LivePlatform
  let triple: DeviceTriple
  before(async () => {
    live = await LivePlatform.open()
    triple = await live.device('meter-1')
  })
  after(() => live.close())

  /** The CONNACK that the client gets. */
  function refusal(options: IClientOptions): Promise<Refusal> {
    return new Promise((resolve, reject) => {
      const client = mqtt.connect(`mqtt://127.0.0.1:${live.port}`, {
        reconnectPeriod: 0,
        ...options,
      })
      client.on('error', () => {})
      client.on('packetreceive', (packet) => {
        if (packet.cmd !== 'connack') return
        const code = packet.reasonCode ?? packet.returnCode ?? 0
        resolve({ code, reasonString: packet.properties?.reasonString })
        client.end(true)
      })
      client.on('connect', () => reject(new Error('it was let in')))
    })
  }

  async function refusedBoth(
    options: IClientOptions,
    reason: string,
    code3: number,
    code5: number,
  ) {
    const counter = `connect.refused.${reason}`
    const earlier = await live.refused(counter)
    const old = await refusal({ ...options, protocolVersion: 4 })
    assert.deepEqual(old, { code: code3, reasonString: undefined })
    const recent = await refusal({ ...options, protocolVersion: 5 })
    assert.equal(recent.code, code5)
    assert.ok((recent.reasonString ?? '').length > 10, 'MQTT 5 clients are told why')
    assert.equal(await live.refused(counter), earlier + 2)
    assert.ok(
      live.lines.some((line) => line.includes(`"reason":"${reason}"`)),
      'operators are told why',
    )
  }

  it('a wrong signature: 4, or 0x86', async () => {
    const wrong = deviceCredentials({ ...triple, deviceSecret: '0'.repeat(32) })
    await refusedBoth(wrong, 'bad-signature', 4, 0x86)
    await refusedBoth({ ...wrong, password: 'nonsense' }, 'bad-signature', 4, 0x86)
  })

  it('an unknown device, an unknown product: 4, or 0x86', async () => {
    await refusedBoth(
      deviceCredentials({ ...triple, deviceName: 'nobody' }),
      'unknown-device',
      4,
      0x86,
    )
    const elsewhere = { ...triple, productKey: 'k1nowhere00' }
    await refusedBoth(deviceCredentials(elsewhere), 'unknown-product', 4, 0x86)
  })

  it('a disabled device: 5, or 0x87; its connection is closed, and it may come back when enabled', async () => {
    const client = await live.connect(triple, { protocolVersion: 5 })
    const told = new Promise<number | undefined>((resolve) => {
      client.on('disconnect', (packet) => resolve(packet.reasonCode))
    })
    await live.platform.devices.disable(triple)
    assert.equal(await told, 0x98)
    client.end(true)
    await refusedBoth(deviceCredentials(triple), 'device-disabled', 5, 0x87)
    await live.platform.devices.enable(triple)
    await (await live.connect(triple)).endAsync()
  })

  it('a malformed client id: 2, or 0x85', async () => {
    const credentials = deviceCredentials(triple)
    await refusedBoth(
      { ...credentials, clientId: 'no parts at all' },
      'malformed-client-id',
      2,
      0x85,
    )
    await refusedBoth(
      { ...credentials, clientId: '|securemode=3|' },
      'malformed-client-id',
      2,
      0x85,
    )
  })

  it('an access key with a wrong secret, and one without MQTT', async () => {
    const { id, secret } = await live.platform.keys.create({ api: 'read' })
    live.secrets.push(secret)
    const client = { clientId: 'back-end', username: id }
    await refusedBoth({ ...client, password: 'wrong' }, 'bad-credentials', 4, 0x86)
    await refusedBoth({ ...client, password: secret }, 'no-mqtt-policy', 5, 0x87)
  })

  it('leave no connection behind and tell no secret', async () => {
    assert.ok(await live.alone())
    assert.deepEqual(live.leaks(), [])
  })
})
