import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JsonObject, JsonValue } from '../../../../core/domain/json.ts'
import { parseTsl } from '../../../../core/domain/thing-model/parse-tsl.ts'
import type { TslFault } from '../../../../core/domain/thing-model/tsl-reader.ts'
import { meterDocument, meterDocumentWith, meterTsl } from './meter-tsl.ts'

/** The only fault that the document has with this value at this place. */
function faultOf(pointer: string, value: unknown): TslFault {
  const parsed = parseTsl(meterDocumentWith(pointer, value))
  assert.ok(parsed.kind === 'invalid')
  const [fault, ...others] = parsed.faults
  assert.deepEqual(others, [])
  assert.ok(fault)
  return fault
}

describe('parseTsl', () => {
  it('reads every data type of a document', () => {
    const tsl = meterTsl()
    assert.deepEqual(
      tsl.properties.map(({ dataType }) => dataType.type),
      ['float', 'int', 'double', 'enum', 'bool', 'text', 'date', 'struct', 'array', 'array'],
    )
    assert.deepEqual(tsl.properties[0], {
      identifier: 'Temp',
      name: 'Temp',
      desc: '',
      accessMode: 'r',
      required: false,
      dataType: { type: 'float', specs: { min: '-40', max: '85', step: '0.1', unit: '°C' } },
    })
    assert.equal(tsl.events[0]?.name, 'Over temperature')
    assert.equal(tsl.services[0]?.callType, 'sync')
  })

  it('drops the generated members, wherever a document has them', () => {
    const { events, services, ...others } = meterDocument()
    const document = {
      ...others,
      events: [{ identifier: 'post', name: 'post', outputData: 'anything' }, ...listOf(events)],
      services: [...listOf(services), { identifier: 'set' }, { identifier: 'get' }],
    }
    assert.deepEqual(parseTsl(document), { kind: 'ok', tsl: meterTsl() })
  })

  it('takes JSON numbers in specs, keeping them as strings', () => {
    const specs = { min: 0, max: 100, step: 1 }
    const document = meterDocumentWith('/properties/1/dataType/specs', specs)
    assert.deepEqual(parseTsl(document), { kind: 'ok', tsl: meterTsl() })
    const text = meterDocumentWith('/properties/5/dataType/specs/length', 8)
    assert.deepEqual(parseTsl(text), { kind: 'ok', tsl: meterTsl() })
  })

  it('names a member without a name after its identifier', () => {
    const document = meterDocumentWith('/properties/0/name', undefined)
    assert.deepEqual(parseTsl(document), { kind: 'ok', tsl: meterTsl() })
  })

  it('reports all faults at once', () => {
    const { properties } = meterDocumentWith('/properties/0/accessMode', 'x')
    const document = { ...meterDocumentWith('/events/0/type', 'warning'), properties }
    assert.deepEqual(parseTsl(document), {
      kind: 'invalid',
      faults: [
        { path: '/properties/0/accessMode', message: 'must be one of r, rw, w' },
        { path: '/events/0/type', message: 'must be one of info, alert, error' },
      ],
    })
  })

  it('keeps a bounded number of faults', () => {
    const properties = Array.from({ length: 200 }, () => ({}))
    const parsed = parseTsl({ properties })
    assert.equal(parsed.kind === 'invalid' && parsed.faults.length, 100)
  })

  for (const input of [undefined, null, 7, 'text', []]) {
    it(`does not take ${JSON.stringify(input)} for a model`, () => {
      const faults = [{ path: '', message: 'must be an object' }]
      assert.deepEqual(parseTsl(input), { kind: 'invalid', faults })
    })
  }

  for (const word of ['time', 'value', 'property', 'event', 'set', 'get', 'post', '__proto__']) {
    it(`keeps ${word} for the platform`, () => {
      const fault = faultOf('/properties/0/identifier', word)
      assert.equal(fault.path, '/properties/0/identifier')
      assert.match(fault.message, /reserved word/)
    })
  }

  for (const identifier of ['', 'a b', 'a-b', 'x'.repeat(51), 5]) {
    it(`refuses the identifier ${JSON.stringify(identifier)}`, () => {
      const fault = faultOf('/properties/0/identifier', identifier)
      assert.equal(fault.path, '/properties/0/identifier')
    })
  }

  it('wants identifiers unique across properties, events and services', () => {
    const fault = faultOf('/services/0/identifier', 'Temp')
    assert.equal(fault.path, '/services/0/identifier')
    assert.match(fault.message, /must be unique/)
  })

  const many = (count: number): unknown[] => Array.from({ length: count }, () => ({}))
  const faults: readonly [claim: string, at: string, value: unknown, path?: string][] = [
    ['a name that begins with a sign', '/properties/0/name', '-x'],
    ['a name that is taken', '/properties/1/name', 'Temp'],
    ['a description that is no text', '/properties/1/desc', 7],
    ['a flag that is no boolean', '/properties/1/required', 'yes'],
    ['an unknown type', '/properties/0/dataType/type', 'INT'],
    ['a type that is missing', '/properties/0/dataType', undefined],
    ['a minimum above the maximum', '/properties/1/dataType/specs/min', '101'],
    ['an int bound beyond 32 bits', '/properties/1/dataType/specs/max', '2147483648'],
    ['a bound that is no number', '/properties/0/dataType/specs/max', 'hot'],
    ['a step of nothing', '/properties/0/dataType/specs/step', '0'],
    ['an enum key that is no integer', '/properties/3/dataType/specs', { on: 'on' }],
    ['an enum of nothing', '/properties/3/dataType/specs', {}],
    ['a key without a name', '/properties/3/dataType/specs/1', ''],
    ['a bool with one name', '/properties/4/dataType/specs', { '1': 'on' }],
    ['a text above 10,240 bytes', '/properties/5/dataType/specs/length', '10241'],
    [
      'a struct within a struct',
      '/properties/7/dataType/specs/0/dataType',
      { type: 'struct', specs: [] },
      '/properties/7/dataType/specs/0/dataType/type',
    ],
    ['a struct of nothing', '/properties/7/dataType/specs', []],
    ['a struct above 50 members', '/properties/7/dataType/specs', many(51)],
    ['an array above 512 items', '/properties/8/dataType/specs/size', '513'],
    ['an array of what arrays do not hold', '/properties/8/dataType/specs/item/type', 'bool'],
    ['an unknown call type', '/services/0/callType', 'later'],
    ['a custom module', '/functionBlockId', 'hvac'],
    ['properties that are no list', '/properties', {}],
    ['an event above 100 outputs', '/events/0/outputData', many(101)],
  ]
  for (const [claim, at, value, path = at] of faults) {
    it(`refuses ${claim}`, () => assert.equal(faultOf(at, value).path, path))
  }

  it('takes 300 features, and not one more', () => {
    const { properties, ...others } = meterDocument()
    const [model, ...rest] = listOf(properties)
    const more = Array.from({ length: 288 }, (_, i) => ({
      ...(model as JsonObject),
      identifier: `P${i}`,
      name: `P${i}`,
    }))
    const full = [model, ...rest, ...more] // 298, one event, one service
    assert.equal(parseTsl({ ...others, properties: full }).kind, 'ok')
    const one = { ...(model as JsonObject), identifier: 'OneMore', name: 'OneMore' }
    const faults = [{ path: '', message: 'must have at most 300 features, has 301' }]
    assert.deepEqual(parseTsl({ ...others, properties: [...full, one] }), {
      kind: 'invalid',
      faults,
    })
  })
})

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  assert.ok(Array.isArray(value))
  return value as readonly JsonValue[]
}
