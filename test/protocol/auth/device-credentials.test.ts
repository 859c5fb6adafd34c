import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { ProductKey } from '../../../core/domain/identifiers.ts'
import { connackCode } from '../../../protocol/auth/connack-code.ts'
import {
  authenticateDevice,
  type DeviceConnect,
  type DeviceRefusal,
} from '../../../protocol/auth/device-credentials.ts'
import { type SignMethod, sign, signContent } from '../../../protocol/auth/sign-content.ts'
import { MemoryRegistry } from '../../support/memory-registry.ts'

const PK = 'k1demoPK001'
const DN = 'meter-0042'
const SECRET = '9f2c6b1e7d5a4c3880bb1f6e2a7d9c10'
const LENIENT = { strictSecureMode: false }
const STRICT = { strictSecureMode: true }

let registry: MemoryRegistry

beforeEach(async () => {
  registry = new MemoryRegistry()
  const productKey = PK as ProductKey
  await registry.createProduct({ productKey, name: 'Meters', validation: 'weak', createdAt: 1 })
  const iotId = 'x1y2z3'
  const device = { productKey, deviceName: DN, iotId, deviceSecret: SECRET, createdAt: 1 }
  await registry.createDevice(device)
})

interface Shape {
  readonly clientId?: string
  readonly ext?: string
  readonly timestamp?: string
  readonly method?: SignMethod
  readonly deviceName?: string
  readonly productKey?: string
  readonly secret?: string
  readonly secure?: boolean
}

/** A CONNECT as a device of this shape would send it, rightly signed with its secret. */
function connectOf(shape: Shape): DeviceConnect {
  const { clientId = 'SN-88321', method = 'hmacsha256', timestamp } = shape
  const { deviceName = DN, productKey = PK, secret = SECRET, secure = true } = shape
  const content = signContent({ clientId, deviceName, productKey, timestamp })
  const ext = shape.ext ?? `securemode=2,signmethod=${method}`
  return {
    clientId: `${clientId}|${ext}|`,
    userName: `${deviceName}&${productKey}`,
    password: Buffer.from(sign(secret, method, content)),
    secure,
  }
}

function refusalOf(connect: DeviceConnect, options = LENIENT): DeviceRefusal | undefined {
  const login = authenticateDevice(registry, connect, options)
  return login.kind === 'refused' ? login.reason : undefined
}

describe('a device that holds its secret', () => {
  const shapes: readonly [claim: string, shape: Shape][] = [
    ['without a timestamp', {}],
    [
      'of the C 4 SDK',
      {
        clientId: `${PK}.${DN}`,
        timestamp: '2524608000000',
        ext: 'timestamp=2524608000000,_ss=1,_v=sdk-c-4.1.0,securemode=2,signmethod=hmacsha256,ext=3,',
      },
    ],
    [
      'of the C 3 SDK',
      {
        clientId: `${PK}.${DN}`,
        timestamp: '2524608000000',
        ext: 'timestamp=2524608000000,_v=sdk-c-3.0.1,securemode=3,signmethod=hmacsha256,lan=C,gw=0',
        secure: false,
      },
    ],
    [
      'of the JavaScript SDK',
      {
        clientId: `${PK}&${DN}`,
        method: 'hmacsha1',
        timestamp: '1700000000123',
        ext: 'securemode=3,\n  signmethod=hmacsha1,timestamp=1700000000123,lan=JS|Ali,_v=1.2.8',
        secure: false,
      },
    ],
    ['that says no method and signs with hmacmd5', { ext: 'securemode=2', method: 'hmacmd5' }],
  ]
  for (const [claim, shape] of shapes) {
    it(`is let in: ${claim}`, () => {
      const login = authenticateDevice(registry, connectOf(shape), STRICT)
      assert.equal(login.kind, 'device', JSON.stringify(login))
      assert.ok(login.kind === 'device')
      assert.equal(login.device.deviceName, DN)
      assert.equal(login.systemTopicsSubscribed, shape.ext?.includes('_ss=1') ?? false)
      assert.equal(login.hint, undefined)
    })
  }

  it('may send its signature in upper case', () => {
    const connect = connectOf({})
    const password = Buffer.from(
      Buffer.from(connect.password ?? [])
        .toString()
        .toUpperCase(),
    )
    assert.equal(refusalOf({ ...connect, password }), undefined)
  })

  it('is told of a securemode that contradicts its transport, and refused where that is enforced', () => {
    const plain = connectOf({ secure: false })
    const login = authenticateDevice(registry, plain, LENIENT)
    assert.match((login.kind === 'device' && login.hint) || '', /securemode=2 promises TLS/)
    assert.equal(refusalOf(plain, STRICT), 'securemode-mismatch')
    const tls = connectOf({ ext: 'securemode=3,signmethod=hmacsha256' })
    assert.equal(refusalOf(tls, STRICT), 'securemode-mismatch')
  })

  it('is refused while it is disabled, but only after its signature', async () => {
    await registry.updateDevice(PK, DN, { enabled: false })
    assert.equal(refusalOf(connectOf({})), 'device-disabled')
    assert.equal(refusalOf(connectOf({ secret: 'f'.repeat(32) })), 'bad-signature')
  })
})

describe('anyone else', () => {
  const good = (): DeviceConnect => connectOf({})
  const refusals: readonly [DeviceRefusal, v3: number, v5: number, connect: () => DeviceConnect][] =
    [
      ['missing-credentials', 4, 0x86, () => ({ ...good(), userName: undefined })],
      ['missing-credentials', 4, 0x86, () => ({ ...good(), password: new Uint8Array() })],
      ['malformed-client-id', 2, 0x85, () => ({ ...good(), clientId: 'SN-88321' })],
      ['malformed-user-name', 4, 0x86, () => ({ ...good(), userName: DN })],
      ['unsupported-sign-method', 4, 0x86, () => connectOf({ ext: 'signmethod=sha256' })],
      [
        'unsupported-auth-type',
        4,
        0x86,
        () => connectOf({ ext: 'securemode=2,authType=regnwl,random=4711' }),
      ],
      ['bad-signature', 4, 0x86, () => connectOf({ secret: '0'.repeat(32) })],
      ['bad-signature', 4, 0x86, () => ({ ...good(), password: Buffer.alloc(4096, 'a') })],
      ['bad-signature', 4, 0x86, () => connectOf({ timestamp: '5' })],
      ['unknown-device', 4, 0x86, () => connectOf({ deviceName: 'meter-0043' })],
      ['unknown-device', 4, 0x86, () => connectOf({ deviceName: 'x'.repeat(5000) })],
      ['unknown-product', 4, 0x86, () => connectOf({ productKey: 'k1nowhere01' })],
      ['unknown-product', 4, 0x86, () => connectOf({ productKey: '../../etc' })],
    ]
  for (const [reason, v3, v5, connect] of refusals) {
    it(`is refused: ${reason}, ${v3} in 3.1.1 and 0x${v5.toString(16)} in 5.0`, () => {
      assert.equal(refusalOf(connect()), reason)
      assert.deepEqual(connackCode(reason), { v3, v5 })
    })
  }

  it('reads no secret in a refusal, and no line break of its own', () => {
    const connect = connectOf({ clientId: 'two\nlines', secret: '0'.repeat(32) })
    const login = authenticateDevice(registry, connect, LENIENT)
    assert.ok(login.kind === 'refused')
    assert.ok(!login.message.includes(SECRET) && !login.message.includes('\n'), login.message)
    assert.match(login.message, /clientIdtwo linesdeviceNamemeter-0042productKeyk1demoPK001/)
  })
})
