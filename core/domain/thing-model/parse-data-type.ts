/** Reads the `dataType` of a property, a parameter or a struct member (tsl.md §2). */
import type { JsonObject, JsonValue } from '../json.ts'
import type {
  ArrayType,
  DataType,
  ItemType,
  KeyedType,
  NumberSpecs,
  NumberType,
  ScalarType,
  StructMember,
  StructType,
} from './tsl.ts'
import type { TslReader } from './tsl-reader.ts'

// limits.md, "thing model"
const MAX_STRUCT_MEMBERS = 50
const MAX_ENUM_ITEMS = 100
const MAX_TEXT_BYTES = 10_240
const MAX_ARRAY_ITEMS = 512
const MAX_LABEL_CHARS = 30 // TSL states none: that of any other name
const MAX_UNIT_CHARS = 64

const SCALARS = ['int', 'float', 'double', 'enum', 'bool', 'text', 'date'] as const
const ITEMS = ['int', 'float', 'double', 'text', 'struct'] as const
const ALL = [...SCALARS, 'struct', 'array'] as const

const DECIMAL = /^-?\d{1,400}(\.\d{1,400})?([eE][+-]?\d{1,3})?$/
const INTEGER = /^-?\d{1,10}$/

/** What stands in for a type that could not be read; the parse as a whole fails then. */
const NO_TYPE: ScalarType = { type: 'date', specs: {} }

/** Any type: of a property or of a parameter. */
export function readDataType(
  reader: TslReader,
  raw: JsonValue | undefined,
  path: string,
): DataType {
  const source = reader.object(raw, path)
  if (source === undefined) return NO_TYPE
  const type = reader.type(source['type'], `${path}/type`, ALL)
  if (type === undefined) return NO_TYPE
  const specs = `${path}/specs`
  if (type === 'struct') return readStruct(reader, source['specs'], specs)
  if (type === 'array') return readArray(reader, source['specs'], specs)
  return readScalar(reader, type, source['specs'], specs)
}

function readScalar(
  reader: TslReader,
  type: ScalarType['type'],
  raw: JsonValue | undefined,
  path: string,
): ScalarType {
  const specs = reader.object(raw ?? {}, path)
  if (specs === undefined) return NO_TYPE
  switch (type) {
    case 'int':
    case 'float':
    case 'double':
      return { type, specs: readNumberSpecs(reader, type, specs, path) }
    case 'enum':
    case 'bool':
      return { type, specs: readKeys(reader, type, specs, path) }
    case 'text': {
      const length = reader.count(specs['length'], `${path}/length`, MAX_TEXT_BYTES)
      return { type, specs: { length } }
    }
    case 'date':
      return { type, specs: {} }
  }
}

function readNumberSpecs(
  reader: TslReader,
  type: NumberType['type'],
  specs: JsonObject,
  path: string,
): NumberSpecs {
  const min = readBound(reader, type, specs['min'], `${path}/min`)
  const max = readBound(reader, type, specs['max'], `${path}/max`)
  const step = readBound(reader, type, specs['step'], `${path}/step`)
  if (min !== undefined && max !== undefined && Number(min) > Number(max)) {
    reader.fault(`${path}/min`, `must not be above max ${max}`)
  }
  if (step !== undefined && Number(step) <= 0) reader.fault(`${path}/step`, 'must be above 0')
  const unit = readUnit(reader, specs['unit'], `${path}/unit`)
  const unitName = readUnit(reader, specs['unitName'], `${path}/unitName`)
  return {
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(step !== undefined && { step }),
    ...(unit !== undefined && { unit }),
    ...(unitName !== undefined && { unitName }),
  }
}

/** A decimal string, or `undefined` where there is none; the console writes absent ones as ''. */
function readBound(
  reader: TslReader,
  type: NumberType['type'],
  raw: JsonValue | undefined,
  path: string,
): string | undefined {
  if (raw === undefined || raw === null || raw === '') return undefined
  const text = typeof raw === 'number' ? String(raw) : raw
  if (type === 'int') {
    if (typeof text === 'string' && INTEGER.test(text) && Number(text) === (Number(text) | 0)) {
      return text
    }
    reader.fault(path, 'must be a 32-bit integer, written as a string')
    return undefined
  }
  if (typeof text === 'string' && DECIMAL.test(text) && Number.isFinite(Number(text))) return text
  reader.fault(path, 'must be a number, written as a string')
  return undefined
}

function readUnit(reader: TslReader, raw: JsonValue | undefined, path: string): string | undefined {
  if (raw === undefined || raw === null) return undefined
  if (typeof raw === 'string' && raw.length <= MAX_UNIT_CHARS) return raw
  reader.fault(path, `must be text of at most ${MAX_UNIT_CHARS} characters`)
  return undefined
}

function readKeys(
  reader: TslReader,
  type: KeyedType['type'],
  specs: JsonObject,
  path: string,
): Readonly<Record<string, string>> {
  const entries = Object.entries(specs)
  if (type === 'bool' && !(entries.length === 2 && '0' in specs && '1' in specs)) {
    reader.fault(path, 'must name exactly the keys "0" and "1"')
  } else if (entries.length === 0 || entries.length > MAX_ENUM_ITEMS) {
    reader.fault(path, `must name 1 to ${MAX_ENUM_ITEMS} keys, names ${entries.length}`)
  }
  const labels: Record<string, string> = {}
  for (const [key, label] of entries) {
    if (String(Number(key) | 0) !== key) {
      reader.fault(path, `key ${JSON.stringify(key)} must be a 32-bit integer in decimal`)
    } else if (typeof label !== 'string' || label === '' || label.length > MAX_LABEL_CHARS) {
      reader.fault(`${path}/${key}`, `must be text of 1 to ${MAX_LABEL_CHARS} characters`)
    } else {
      labels[key] = label
    }
  }
  return labels
}

function readStruct(reader: TslReader, raw: JsonValue | undefined, path: string): StructType {
  const members = reader.list(raw, path, MAX_STRUCT_MEMBERS)
  if (raw === undefined || (Array.isArray(raw) && raw.length === 0)) {
    reader.fault(path, 'must list at least one member')
  }
  const identifiers = new Set<string>()
  const names = new Set<string>()
  const specs = members.map((member, i): StructMember => {
    const at = `${path}/${i}`
    const source = reader.object(member, at)
    if (source === undefined) return { identifier: '', name: '', dataType: NO_TYPE }
    const identifier = reader.identifier(source['identifier'], `${at}/identifier`, identifiers)
    const name = reader.name(source['name'], `${at}/name`, identifier, names)
    const dataType = readMemberType(reader, source['dataType'], `${at}/dataType`)
    return { identifier, name, dataType }
  })
  return { type: 'struct', specs }
}

function readMemberType(reader: TslReader, raw: JsonValue | undefined, path: string): ScalarType {
  const source = reader.object(raw, path)
  if (source === undefined) return NO_TYPE
  const type = reader.type(source['type'], `${path}/type`, SCALARS)
  if (type === undefined) return NO_TYPE
  return readScalar(reader, type, source['specs'], `${path}/specs`)
}

function readArray(reader: TslReader, raw: JsonValue | undefined, path: string): ArrayType {
  const specs = reader.object(raw, path)
  if (specs === undefined) return { type: 'array', specs: { size: '1', item: { type: 'int' } } }
  const size = reader.count(specs['size'], `${path}/size`, MAX_ARRAY_ITEMS)
  const item = readItem(reader, specs['item'], `${path}/item`)
  return { type: 'array', specs: { size, item } }
}

function readItem(reader: TslReader, raw: JsonValue | undefined, path: string): ItemType {
  const source = reader.object(raw, path)
  if (source === undefined) return { type: 'int' }
  const type = reader.type(source['type'], `${path}/type`, ITEMS) ?? 'int'
  return type === 'struct' ? readStruct(reader, source['specs'], `${path}/specs`) : { type }
}
