import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { RequestId, Uplink } from '../../../core/domain/device-message.ts'
import {
  type DecodedUplink,
  decodeUplink,
  type MalformedUplink,
} from '../../../protocol/alink/alink-decode.ts'
import { type AlinkRoute, alinkRoute } from '../../../protocol/alink/alink-topics.ts'

const POST = routeOf('thing/event/property/post')
const EVENT = routeOf('thing/event/OverTemp/post')
const SET_REPLY = routeOf('thing/service/property/set_reply')
const SERVICE_REPLY = routeOf('thing/service/Reboot_reply')

function routeOf(suffix: string): AlinkRoute {
  const route = alinkRoute(suffix)
  assert.ok(route)
  return route
}

function decode(route: AlinkRoute, text: string): DecodedUplink | MalformedUplink {
  return decodeUplink(route, Buffer.from(text))
}

function uplinkOf(route: AlinkRoute, message: unknown): Uplink {
  const decoded = decode(route, JSON.stringify(message))
  assert.ok(decoded.kind === 'uplink', JSON.stringify(decoded))
  return decoded.uplink
}

function valuesOf(params: unknown): unknown {
  const uplink = uplinkOf(POST, { id: '1', params })
  assert.ok(uplink.kind === 'property-post')
  return uplink.values.map(({ identifier, value, timeMs }) => [identifier, value, timeMs])
}

describe('the envelope', () => {
  it('needs neither method nor version', () => {
    assert.deepEqual(decode(POST, '{"id":"4711","params":{"Relay":1}}'), {
      kind: 'uplink',
      uplink: {
        kind: 'property-post',
        id: '4711',
        values: [{ identifier: 'Relay', value: 1, timeMs: undefined }],
      },
      ackWanted: true,
      method: 'thing.event.property.post',
    })
  })

  const ids: readonly [text: string, id: RequestId][] = [
    ['"4711"', '4711'],
    ['"3|exp-topic|/sys/a"', '3|exp-topic|/sys/a'],
    ['4711', 4711],
    ['null', undefined],
    ['{}', undefined],
    ['1e999', undefined],
  ]
  for (const [text, id] of ids) {
    it(`keeps the id ${text} in its own type`, () => {
      const decoded = decode(POST, `{"id":${text},"params":{}}`)
      assert.equal(decoded.kind === 'uplink' && decoded.uplink.id, id)
      const refused = decode(POST, `{"id":${text},"params":[]}`)
      assert.equal(refused.kind === 'malformed' && refused.id, id)
    })
  }

  it('wants an acknowledgement unless sys.ack says 0', () => {
    for (const [sys, wanted] of [
      [undefined, true],
      [{}, true],
      [{ ack: 1 }, true],
      [{ ack: 0 }, false],
      [{ ack: '0' }, false],
      [7, true],
    ] as const) {
      const decoded = decode(POST, JSON.stringify({ params: {}, sys }))
      assert.equal(decoded.kind === 'uplink' && decoded.ackWanted, wanted, JSON.stringify(sys))
    }
  })

  it('takes params that are an object in a string', () => {
    assert.deepEqual(valuesOf('{}'), [])
    assert.deepEqual(valuesOf('{"Relay":1}'), [['Relay', 1, undefined]])
  })

  const refusals: readonly [text: string | Buffer, code: number][] = [
    ['', 6207],
    ['{"id":"1",', 6207],
    ['[]', 6207],
    ['"text"', 6207],
    ['null', 6207],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 6207], // {"\xff":1}
    ['{"id":"1"}', 460],
    ['{"id":"1","params":[]}', 460],
    ['{"id":"1","params":"text"}', 460],
    ['{"id":"1","params":{"Temp":{"value":1,"time":"yesterday"}}}', 6326],
    ['{"id":"1","params":{"Temp":{"value":1,"time":-1}}}', 6326],
    ['{"id":"1","params":{"Temp":{"value":1,"time":1.5}}}', 6326],
    ['{"id":"1","params":{"Temp":{"value":1,"time":9e15}}}', 6326],
    [`{"params":{"Deep":${'['.repeat(33)}${']'.repeat(33)}}}`, 6207],
    [`{"params":{"Deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`, 6207],
  ]
  for (const [payload, code] of refusals) {
    it(`answers ${code} to ${payload.toString('utf8').slice(0, 60)}`, () => {
      const decoded = decodeUplink(POST, Buffer.from(payload))
      assert.equal(decoded.kind === 'malformed' && decoded.code, code)
    })
  }

  it('reads a payload that lies within a larger buffer', () => {
    const text = '{"params":{"Label":"屋顶"}}'
    const around = new Uint8Array(Buffer.from(`x${text}y`))
    const decoded = decodeUplink(POST, around.subarray(1, around.length - 1))
    assert.ok(decoded.kind === 'uplink' && decoded.uplink.kind === 'property-post')
    assert.equal(decoded.uplink.values[0]?.value, '屋顶')
  })

  it('never throws, whatever the bytes', () => {
    const routes = fc.constantFrom(POST, EVENT, SET_REPLY, SERVICE_REPLY)
    const payloads = fc.oneof(fc.uint8Array(), fc.json().map(bytesOf))
    const total = fc.property(routes, payloads, (route, payload) => {
      assert.match(decodeUplink(route, payload).kind, /^(uplink|malformed)$/)
    })
    fc.assert(total)
  })
})

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text)
}

describe('a property post', () => {
  it('mixes bare values and values with their time', () => {
    const params = {
      SupplyVolt: { value: 231.4, time: 1767225600000 },
      Relay: 1,
      Label: { value: 'roof' },
      'hvac:SetPoint': 21.5,
    }
    assert.deepEqual(valuesOf(params), [
      ['SupplyVolt', 231.4, 1767225600000],
      ['Relay', 1, undefined],
      ['Label', 'roof', undefined],
      ['hvac:SetPoint', 21.5, undefined],
    ])
  })

  it('takes an object for a struct when it has any other key, or no value', () => {
    const structs = { Pos: { value: 1, time: 2, lat: 3 }, Span: { time: 5 }, None: {} }
    assert.deepEqual(valuesOf(structs), [
      ['Pos', { value: 1, time: 2, lat: 3 }, undefined],
      ['Span', { time: 5 }, undefined],
      ['None', {}, undefined],
    ])
  })

  it('takes 200 properties, and answers 6106 to one more', () => {
    const params = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`P${i}`, i]))
    assert.equal((valuesOf(params) as unknown[]).length, 200)
    const decoded = decode(POST, JSON.stringify({ id: 7, params: { ...params, more: 1 } }))
    assert.deepEqual(decoded, {
      kind: 'malformed',
      id: 7,
      code: 6106,
      message: 'map size must less than 200',
    })
  })

  it('takes names that JavaScript keeps for itself as any other', () => {
    const decoded = decode(POST, '{"params":{"__proto__":{"value":1},"constructor":2}}')
    assert.ok(decoded.kind === 'uplink' && decoded.uplink.kind === 'property-post')
    assert.deepEqual(decoded.uplink.values, [
      { identifier: '__proto__', value: 1, timeMs: undefined },
      { identifier: 'constructor', value: 2, timeMs: undefined },
    ])
    assert.equal(({} as { value?: number }).value, undefined)
  })
})

describe('an event post', () => {
  it('comes with value and time, or as the bare outputs', () => {
    const wrapped = { id: '5', params: { value: { Celsius: 91 }, time: 1767225600000 } }
    assert.deepEqual(uplinkOf(EVENT, wrapped), {
      kind: 'event-post',
      id: '5',
      identifier: 'OverTemp',
      value: { Celsius: 91 },
      timeMs: 1767225600000,
    })
    const bare = uplinkOf(EVENT, { id: 5, params: { Celsius: 91 } })
    assert.ok(bare.kind === 'event-post')
    assert.deepEqual([bare.id, bare.value, bare.timeMs], [5, { Celsius: 91 }, undefined])
  })

  for (const [params, code] of [
    [{ value: 5 }, 460],
    [[], 460],
    [{ value: {}, time: 'now' }, 6326],
  ] as const) {
    it(`is answered ${code} for ${JSON.stringify(params)}`, () => {
      const decoded = decode(EVENT, JSON.stringify({ params }))
      assert.equal(decoded.kind === 'malformed' && decoded.code, code)
    })
  }
})

describe('a reply', () => {
  it('needs only id and code', () => {
    assert.deepEqual(uplinkOf(SET_REPLY, { id: '880011', code: 200 }), {
      kind: 'command-reply',
      id: '880011',
      service: undefined,
      code: 200,
      message: 'success',
      data: {},
    })
  })

  it('may give its code as a string', () => {
    const reply = { id: '1', code: '5001', message: 'busy', data: { Since: '7' } }
    assert.deepEqual(uplinkOf(SERVICE_REPLY, reply), {
      kind: 'command-reply',
      id: '1',
      service: 'Reboot',
      code: 5001,
      message: 'busy',
      data: { Since: '7' },
    })
  })

  for (const code of ['', 'ok', null, 1.5, undefined]) {
    it(`is malformed with the code ${JSON.stringify(code)}`, () => {
      const decoded = decode(SET_REPLY, JSON.stringify({ id: '1', code }))
      assert.equal(decoded.kind === 'malformed' && decoded.code, 460)
    })
  }
})
