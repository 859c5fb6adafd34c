/** A thing model with every data type, as the documents print them (tsl.md §1, §2). */
import assert from 'node:assert/strict'
import type { JsonObject } from '../../../../core/domain/json.ts'
import { parseTsl } from '../../../../core/domain/thing-model/parse-tsl.ts'
import type { Tsl } from '../../../../core/domain/thing-model/tsl.ts'

const POSITION = [
  { identifier: 'lat', name: 'Latitude', dataType: { type: 'double', specs: {} } },
  { identifier: 'lon', name: 'Longitude', dataType: { type: 'double', specs: {} } },
]

/** A fresh copy, to be changed at will. */
export function meterDocument(): JsonObject {
  const document = {
    schema: 'https://iotx-tsl.oss-ap-southeast-1.aliyuncs.com/schema.json',
    profile: { version: '1.2', productKey: 'k1demoPK001' },
    properties: [
      property('Temp', 'r', 'float', { min: '-40', max: '85', step: '0.1', unit: '°C' }),
      property('Count', 'rw', 'int', { min: '0', max: '100', step: '1' }),
      property('Energy', 'r', 'double', { min: '0', max: '1e9', step: '0.001' }),
      property('Mode', 'rw', 'enum', { '0': 'off', '1': 'eco', '-1': 'unknown' }),
      property('Relay', 'rw', 'bool', { '0': 'open', '1': 'closed' }),
      property('Label', 'rw', 'text', { length: '8' }),
      property('Since', 'r', 'date', {}),
      property('Pos', 'rw', 'struct', POSITION),
      property('Phases', 'r', 'array', { size: '3', item: { type: 'float' } }),
      property('Track', 'r', 'array', { size: '2', item: { type: 'struct', specs: POSITION } }),
    ],
    events: [
      {
        identifier: 'OverTemp',
        name: 'Over temperature',
        type: 'alert',
        required: false,
        method: 'thing.event.OverTemp.post',
        outputData: [param('Celsius', 'int', { min: '0', max: '200', step: '1' })],
      },
    ],
    services: [
      {
        identifier: 'Reboot',
        name: 'Reboot',
        required: false,
        callType: 'sync',
        method: 'thing.service.Reboot',
        inputData: [param('Delay', 'int', { min: '0', max: '60', step: '1' })],
        outputData: [],
      },
    ],
  }
  return JSON.parse(JSON.stringify(document)) as JsonObject
}

/** The document with another value at a place (a JSON pointer); `undefined` removes what is there. */
export function meterDocumentWith(pointer: string, value: unknown): JsonObject {
  const document = meterDocument()
  const keys = pointer.split('/').slice(1)
  const last = keys.pop() ?? ''
  const parent = keys.reduce((at, key) => at[key] as Changeable, document as Changeable)
  parent[last] = value
  return document
}

type Changeable = Record<string, unknown>

export function meterTsl(): Tsl {
  const parsed = parseTsl(meterDocument())
  assert.equal(parsed.kind, 'ok', JSON.stringify(parsed))
  return (parsed as { tsl: Tsl }).tsl
}

function property(identifier: string, accessMode: string, type: string, specs: unknown): unknown {
  return { ...(param(identifier, type, specs) as object), accessMode, required: false }
}

function param(identifier: string, type: string, specs: unknown): unknown {
  return { identifier, name: identifier, dataType: { type, specs } }
}
