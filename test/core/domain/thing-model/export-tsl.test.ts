import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JsonObject, JsonValue } from '../../../../core/domain/json.ts'
import { exportTsl } from '../../../../core/domain/thing-model/export-tsl.ts'
import { parseTsl } from '../../../../core/domain/thing-model/parse-tsl.ts'
import { meterTsl } from './meter-tsl.ts'

describe('exportTsl', () => {
  it('yields what parses to the same model', () => {
    const exported: unknown = JSON.parse(JSON.stringify(exportTsl(meterTsl(), 'k1demoPK001')))
    assert.deepEqual(parseTsl(exported), { kind: 'ok', tsl: meterTsl() })
  })

  it('generates post, set and get from the properties', () => {
    const tsl = exportTsl(meterTsl(), 'k1demoPK001')
    assert.deepEqual(tsl['profile'], { version: '1.2', productKey: 'k1demoPK001' })
    const [post] = tsl['events'] as JsonObject[]
    const [set, get] = tsl['services'] as JsonObject[]
    assert.equal(post?.['method'], 'thing.event.property.post')
    assert.equal(identifiers(post?.['outputData']).length, 10)
    assert.equal(set?.['method'], 'thing.service.property.set')
    const writable = ['Count', 'Mode', 'Relay', 'Label', 'Pos']
    assert.deepEqual(identifiers(set?.['inputData']), writable)
    assert.equal(get?.['method'], 'thing.service.property.get')
    assert.equal((get?.['inputData'] as JsonValue[] | undefined)?.[0], 'Temp')
  })

  it('leaves set out where nothing is writable, and all three where there is no property', () => {
    const [temp] = meterTsl().properties
    assert.ok(temp)
    const readable = exportTsl({ properties: [temp], events: [], services: [] }, 'k1demoPK001')
    assert.deepEqual(identifiers(readable['services']), ['get'])
    const empty = exportTsl({ properties: [], events: [], services: [] }, 'k1demoPK001')
    assert.deepEqual([empty['events'], empty['services']], [[], []])
  })

  it('writes the methods of events and services', () => {
    const tsl = exportTsl(meterTsl(), 'k1demoPK001')
    assert.equal((tsl['events'] as JsonObject[])[1]?.['method'], 'thing.event.OverTemp.post')
    assert.equal((tsl['services'] as JsonObject[])[2]?.['method'], 'thing.service.Reboot')
  })
})

function identifiers(members: JsonValue | undefined): (JsonValue | undefined)[] {
  return (members as JsonObject[]).map((member) => member['identifier'])
}
