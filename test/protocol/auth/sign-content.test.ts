import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  parseClientId,
  type SignMethod,
  sign,
  signatureMatches,
  signContent,
  signMethod,
} from '../../../protocol/auth/sign-content.ts'

const SECRET = '9f2c6b1e7d5a4c3880bb1f6e2a7d9c10'
const IDENTITY = { productKey: 'k1demoPK01', deviceName: 'meter-0042' }

/** connect.md §2, "Test vectors". */
const VECTORS: readonly [id: string, ts: string | undefined, method: SignMethod, hex: string][] = [
  ['SN-88321', '1700000000123', 'hmacmd5', '4856562f5b1db0baf47ae53d827e1fce'],
  ['SN-88321', '1700000000123', 'hmacsha1', 'b85c3d405cc42a58adc130bd716c6b807d6cf523'],
  [
    'SN-88321',
    '1700000000123',
    'hmacsha256',
    'ff8eca0213a871b6331a974b48443d56bfc937545860e54181c738185ab346aa',
  ],
  [
    'SN-88321',
    undefined,
    'hmacsha256',
    '5cf29736f00e553e0a22fee19e5a0edf5888ff3dc85fa0833c02d06d6ef299af',
  ],
  [
    'k1demoPK01.meter-0042',
    '2524608000000',
    'hmacsha256',
    '895a4b342cf08cb48fee2532a9ad4ca6c068d0929e7c88fbf4d69e4d436ac59e',
  ],
]

describe('the signature of a device', () => {
  for (const [clientId, timestamp, method, hex] of VECTORS) {
    it(`is that of the documents: ${clientId}, ${timestamp ?? 'no timestamp'}, ${method}`, () => {
      const content = signContent({ clientId, ...IDENTITY, timestamp })
      assert.equal(sign(SECRET, method, content), hex)
      assert.ok(signatureMatches(SECRET, method, content, hex))
      assert.ok(signatureMatches(SECRET, method, content, hex.toUpperCase()))
      assert.ok(!signatureMatches(`${SECRET}0`, method, content, hex))
      assert.ok(!signatureMatches(SECRET, method, `${content}0`, hex))
    })
  }

  it('is that of the sample in the official documents', () => {
    const fields = { clientId: '12345', deviceName: 'device', productKey: 'pk', timestamp: '789' }
    const content = signContent(fields)
    assert.equal(content, 'clientId12345deviceNamedeviceproductKeypktimestamp789')
    const hex = sign('secret', 'hmacsha1', content).toUpperCase()
    assert.match(hex, /^FAFD82A3\w+4A477F85/)
  })

  it('does not match what is not the hex of a digest', () => {
    const good = sign(SECRET, 'hmacmd5', 'x')
    for (const password of [
      '',
      good.slice(2),
      `${good}00`,
      `${good.slice(0, -1)}g`,
      '€'.repeat(32),
    ]) {
      assert.ok(!signatureMatches(SECRET, 'hmacmd5', 'x', password), password)
    }
  })
})

describe('parseClientId', () => {
  const ids: readonly [claim: string, raw: string, id: string, ext: Record<string, string>][] = [
    [
      'the order of keys is free',
      'SN-88321|timestamp=1,signmethod=hmacsha256,securemode=2|',
      'SN-88321',
      { securemode: '2', signmethod: 'hmacsha256', timestamp: '1' },
    ],
    [
      'C 4 ends its ext part with a comma',
      'k1demoPK01.meter-0042|timestamp=2524608000000,_ss=1,_v=sdk-c-4.1.0,securemode=2,signmethod=hmacsha256,ext=3,|',
      'k1demoPK01.meter-0042',
      {
        timestamp: '2524608000000',
        _ss: '1',
        _v: 'sdk-c-4.1.0',
        securemode: '2',
        signmethod: 'hmacsha256',
        ext: '3',
      },
    ],
    [
      'a value of the JavaScript SDK contains the separator',
      'k1demoPK01&meter-0042|securemode=3,signmethod=hmacsha1,timestamp=7,lan=JS|Ali,_v=1.2.8|',
      'k1demoPK01&meter-0042',
      { securemode: '3', signmethod: 'hmacsha1', timestamp: '7', lan: 'JS|Ali', _v: '1.2.8' },
    ],
    [
      'the old npm SDK writes blanks and line breaks',
      'x|securemode=3,\n  signmethod = hmacsha1 ,\r\n timestamp=7\n|',
      'x',
      { securemode: '3', signmethod: 'hmacsha1', timestamp: '7' },
    ],
    ['a value may contain an equals sign', 'x|a=b=c|', 'x', { a: 'b=c' }],
    ['the ext part may be empty', 'x||', 'x', {}],
  ]
  for (const [claim, raw, clientId, ext] of ids) {
    it(`knows that ${claim}`, () => {
      assert.deepEqual(parseClientId(raw), { clientId, ext: new Map(Object.entries(ext)) })
    })
  }

  for (const raw of ['', 'plain', 'x|a=b', '|a=b|', `${'x'.repeat(65)}|a=b|`, 'x|a=b|tail']) {
    it(`refuses ${JSON.stringify(raw.slice(0, 12))}`, () => {
      assert.equal(parseClientId(raw), undefined)
    })
  }
})

describe('signMethod', () => {
  it('is hmacmd5 where none is given, of either case, and nothing else', () => {
    assert.equal(signMethod(undefined), 'hmacmd5')
    assert.equal(signMethod('hmacSha256'), 'hmacsha256')
    assert.equal(signMethod('sha256'), undefined)
    assert.equal(signMethod('toString'), undefined)
  })
})
