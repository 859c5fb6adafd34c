import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../../../core/domain/json.ts'
import { compileThingModel } from '../../../../core/domain/thing-model/thing-model.ts'
import { meterTsl } from './meter-tsl.ts'

const none = compileThingModel(meterTsl(), 'none')
const weak = compileThingModel(meterTsl(), 'weak')
const strong = compileThingModel(meterTsl(), 'strong')

/** Code under weak and under strong validation; 0: good. */
const VALUES: readonly [property: string, value: JsonValue, weak: number, strong: number][] = [
  ['Temp', 21.5, 0, 0],
  ['Temp', 21, 0, 0],
  ['Temp', 85.1, 0, 6307],
  ['Temp', '21.5', 6307, 6307],
  ['Temp', null, 6307, 6307],
  ['Temp', Number.POSITIVE_INFINITY, 6307, 6307], // what JSON.parse makes of 1e999
  ['Count', 100, 0, 0],
  ['Count', 101, 0, 6306],
  ['Count', 1.5, 6306, 6306],
  ['Count', 2 ** 31, 6306, 6306],
  ['Energy', 1e9, 0, 0],
  ['Energy', -0.1, 0, 6322],
  ['Energy', true, 6322, 6322],
  ['Mode', -1, 0, 0],
  ['Mode', 2, 0, 6309],
  ['Mode', 0.5, 6309, 6309],
  ['Mode', 'eco', 6309, 6309],
  ['Relay', 1, 0, 0],
  ['Relay', 2, 6308, 6308],
  ['Relay', true, 6308, 6308],
  ['Label', 'roof', 0, 0],
  ['Label', '屋顶电表', 0, 6310], // 12 bytes of UTF-8
  ['Label', '屋顶', 0, 0],
  ['Label', 7, 6310, 6310],
  ['Since', '1767225600000', 0, 0],
  ['Since', 1767225600000, 6311, 6311],
  ['Since', 'yesterday', 6311, 6311],
  ['Pos', { lat: 31.2, lon: 121.4 }, 0, 0],
  ['Pos', { lat: 31.2 }, 0, 6312],
  ['Pos', { lat: 31.2, lon: 121.4, alt: 4 }, 6304, 6304],
  ['Pos', { lat: '31.2', lon: 121.4 }, 6322, 6322],
  ['Pos', [31.2, 121.4], 6312, 6312],
  ['Phases', [1, 2, 3], 0, 0],
  ['Phases', [1, 2, 3, 4], 0, 6324],
  ['Phases', [1, '2'], 6307, 6307],
  ['Phases', [true], 6325, 6325],
  ['Phases', 1, 6328, 6328],
  ['Track', [{ lat: 1, lon: 2 }], 0, 0],
  ['Track', [{ lat: 1 }], 0, 6312],
  ['Nothing', 1, 6304, 6304],
  ['__proto__', 1, 6304, 6304],
  ['constructor', 1, 6304, 6304],
  ['hvac:Temp', 1, 6304, 6304],
]

describe('checkProperty', () => {
  for (const [property, value, weakCode, strongCode] of VALUES) {
    const shown = `${property} ${JSON.stringify(value)}`
    it(`answers ${weakCode} (weak) and ${strongCode} (strong) to ${shown}`, () => {
      assert.equal(weak.checkProperty(property, value)?.code ?? 0, weakCode)
      assert.equal(strong.checkProperty(property, value)?.code ?? 0, strongCode)
      assert.equal(none.checkProperty(property, value), undefined)
    })
  }

  it('says where and what is expected', () => {
    assert.deepEqual(
      strong.checkProperty('Track', [
        { lat: 1, lon: 2 },
        { lat: 'x', lon: 2 },
      ]),
      {
        code: 6322,
        message: 'Track[1].lat must be a number, got a string',
      },
    )
    assert.equal(strong.checkProperty('Temp', 99)?.message, 'Temp must be from -40 to 85, got 99')
    assert.equal(
      weak.checkProperty('Nope', 1)?.message,
      'tsl parse: params not exist -> Nope', // tsl.md §4
    )
  })

  it('finds no fault strongly that it would not find in a wider value weakly', () => {
    const names = fc.constantFrom(...meterTsl().properties.map(({ identifier }) => identifier))
    const values = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>
    const implied = fc.property(names, values, (name, value) => {
      const good = strong.checkProperty(name, value) === undefined
      if (good) assert.equal(weak.checkProperty(name, value), undefined)
    })
    fc.assert(implied)
  })
})

describe('checkEvent', () => {
  it('passes a good event with its name and type', () => {
    const good = { kind: 'ok', name: 'Over temperature', type: 'alert' }
    assert.deepEqual(weak.checkEvent('OverTemp', { Celsius: 91 }), good)
    assert.deepEqual(weak.checkEvent('OverTemp', {}), good)
    assert.deepEqual(weak.checkEvent('OverTemp', { Celsius: 900 }), good)
  })

  it('says what is wrong with a bad one', () => {
    assert.deepEqual(strong.checkEvent('OverTemp', { Celsius: 900 }), {
      kind: 'violation',
      code: 6306,
      message: 'OverTemp.Celsius must be from 0 to 200, got 900',
      name: 'Over temperature',
      type: 'alert',
    })
    const unknown = weak.checkEvent('OverTemp', { Kelvin: 1 })
    assert.equal(unknown.kind === 'violation' && unknown.code, 6304)
  })

  it('does not know events that the model does not name, unless nothing is validated', () => {
    assert.deepEqual(weak.checkEvent('Nope', {}), { kind: 'unknown' })
    assert.deepEqual(weak.checkEvent('constructor', {}), { kind: 'unknown' })
    assert.deepEqual(none.checkEvent('Nope', {}), { kind: 'ok', name: 'Nope', type: 'info' })
    assert.equal(none.checkEvent('OverTemp', { Kelvin: 1 }).kind, 'ok')
  })
})

describe('what the platform sends', () => {
  const sets: readonly [values: JsonObject, code: number, identifier: string | undefined][] = [
    [{ Count: 1, Relay: 0 }, 0, undefined],
    [{ Count: 101 }, 6306, 'Count'],
    [{ Temp: 20 }, 6332, 'Temp'],
    [{ Nope: 1 }, 6320, 'Nope'],
    [{ Relay: 1, Pos: { lat: 1 } }, 6312, 'Pos'],
  ]
  for (const [values, code, identifier] of sets) {
    it(`is held strongly against the model: ${JSON.stringify(values)} → ${code}`, () => {
      for (const model of [none, weak, strong]) {
        const violation = model.checkPropertySet(values)
        assert.equal(violation?.code ?? 0, code)
        assert.equal(violation?.identifier, identifier)
      }
    })
  }

  const inputs: readonly [service: string, inputs: JsonObject, code: number][] = [
    ['Reboot', { Delay: 5 }, 0],
    ['Reboot', {}, 6302],
    ['Reboot', { Delay: 61 }, 6306],
    ['Reboot', { Delay: 5, Hard: 1 }, 6304],
    ['Nope', {}, 6206],
  ]
  for (const [service, values, code] of inputs) {
    it(`is held strongly against ${service}: ${JSON.stringify(values)} → ${code}`, () => {
      assert.equal(weak.checkServiceInputs(service, values)?.code ?? 0, code)
    })
  }

  it('knows its services', () => {
    assert.equal(weak.service('Reboot')?.callType, 'sync')
    assert.equal(weak.service('toString'), undefined)
  })
})
