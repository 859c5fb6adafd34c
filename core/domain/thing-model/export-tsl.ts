/** A thing model as devices and the original's tools read it: TSL with its generated members (tsl.md §1). */
import type { JsonObject, JsonValue } from '../json.ts'
import {
  type DataType,
  isWritable,
  type Tsl,
  type TslEvent,
  type TslParam,
  type TslProperty,
  type TslService,
} from './tsl.ts'

const SCHEMA = 'https://iotx-tsl.oss-ap-southeast-1.aliyuncs.com/schema.json'
const PROFILE_VERSION = '1.2'

/** Parsing what this returns yields the same model. */
export function exportTsl(tsl: Tsl, productKey: string): JsonObject {
  return {
    schema: SCHEMA,
    profile: { version: PROFILE_VERSION, productKey },
    properties: tsl.properties.map(property),
    events: [...generatedEvents(tsl.properties), ...tsl.events.map(event)],
    services: [...generatedServices(tsl.properties), ...tsl.services.map(service)],
  }
}

/** A model without properties has none of the generated members. */
function generatedEvents(properties: readonly TslProperty[]): JsonValue[] {
  if (properties.length === 0) return []
  return [
    {
      identifier: 'post',
      name: 'post',
      type: 'info',
      required: true,
      desc: '属性上报',
      method: 'thing.event.property.post',
      outputData: properties.map(param),
    },
  ]
}

function generatedServices(properties: readonly TslProperty[]): JsonValue[] {
  if (properties.length === 0) return []
  const writable = properties.filter(isWritable)
  const set = {
    identifier: 'set',
    name: 'set',
    required: true,
    callType: 'async',
    desc: '属性设置',
    method: 'thing.service.property.set',
    inputData: writable.map(param),
    outputData: [],
  }
  const get = {
    identifier: 'get',
    name: 'get',
    required: true,
    callType: 'async',
    desc: '属性获取',
    method: 'thing.service.property.get',
    inputData: properties.map(({ identifier }) => identifier),
    outputData: properties.map(param),
  }
  return writable.length === 0 ? [get] : [set, get]
}

function property({
  identifier,
  name,
  accessMode,
  desc,
  required,
  dataType,
}: TslProperty): JsonObject {
  return { identifier, name, accessMode, desc, required, dataType: json(dataType) }
}

function event({ identifier, name, type, required, desc, outputData }: TslEvent): JsonObject {
  const method = `thing.event.${identifier}.post`
  return { identifier, name, type, required, desc, method, outputData: outputData.map(param) }
}

function service(from: TslService): JsonObject {
  const { identifier, name, required, callType, desc } = from
  return {
    identifier,
    name,
    required,
    callType,
    desc,
    method: `thing.service.${identifier}`,
    inputData: from.inputData.map(param),
    outputData: from.outputData.map(param),
  }
}

function param({ identifier, name, dataType }: TslParam): JsonObject {
  return { identifier, name, dataType: json(dataType) }
}

/** A data type is plain JSON already (tsl.ts); only its interfaces lack an index signature. */
function json(dataType: DataType): JsonObject {
  return dataType as unknown as JsonObject
}
