/**
 * One closure per data type, built once per thing model and called per value (a few nanoseconds for a
 * scalar): a value that passes allocates nothing. `weak` holds a value against its type, `strong` also
 * against ranges, lengths, keys and completeness (tsl.md §2, §4). Codes: alink.md §13.
 */
import type { Violation } from '../device-message.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import type { Validation } from '../registry.ts'
import type {
  ArrayType,
  DataType,
  KeyedType,
  NumberType,
  ScalarType,
  StructMember,
  TslParam,
} from './tsl.ts'

export type Strictness = Exclude<Validation, 'none'>

/** The message of a violation goes on behind the name of the value: ` must be …` or `.lat must be …`. */
export type ValueCheck = (value: JsonValue) => Violation | undefined

/** Holds an object against its parameters; a message as those of `ValueCheck`. */
export type ParamsCheck = (values: JsonObject) => Violation | undefined

export const TSL_CODE = {
  inputMissing: 6302,
  unknownParameter: 6304,
  int: 6306,
  float: 6307,
  bool: 6308,
  enum: 6309,
  text: 6310,
  date: 6311,
  struct: 6312,
  double: 6322,
  arraySize: 6324,
  arrayItem: 6325,
  array: 6328,
} as const

const INT_MIN = -0x8000_0000
const INT_MAX = 0x7fff_ffff
const DATE = /^\d{1,15}$/ // milliseconds UTC; 15 digits stay below 2^53

export function valueCheck(dataType: DataType, strictness: Strictness): ValueCheck {
  if (dataType.type === 'struct') return structCheck(dataType.specs, strictness)
  if (dataType.type === 'array') return arrayCheck(dataType, strictness)
  return scalarCheck(dataType, strictness)
}

/**
 * @param missing  code of a parameter that is not given, or `undefined` where all are optional
 */
export function paramsCheck(
  params: readonly (TslParam | StructMember)[],
  strictness: Strictness,
  missing: number | undefined,
): ParamsCheck {
  const checks = new Map<string, ValueCheck>()
  for (const { identifier, dataType } of params) {
    checks.set(identifier, valueCheck(dataType, strictness))
  }
  return (values) => {
    let given = 0
    for (const identifier in values) {
      const check = checks.get(identifier)
      if (check === undefined) return unknownParameter(identifier)
      const violation = check(values[identifier] as JsonValue)
      if (violation !== undefined) return within(`.${identifier}`, violation)
      given += 1
    }
    if (missing === undefined || given === checks.size) return undefined
    for (const identifier of checks.keys()) {
      if (!Object.hasOwn(values, identifier)) {
        return { code: missing, message: `.${identifier} is missing` }
      }
    }
    return undefined
  }
}

/** In the original's words, which back ends look for (tsl.md §4); no name goes in front of it. */
export function unknownParameter(identifier: string): Violation {
  return {
    code: TSL_CODE.unknownParameter,
    message: `${UNKNOWN_PARAMETER}${identifier}`,
  }
}

/** A violation of a part, told of the whole. */
export function within(place: string, { code, message }: Violation): Violation {
  return message.startsWith(UNKNOWN_PARAMETER)
    ? { code, message }
    : { code, message: `${place}${message}` }
}

const UNKNOWN_PARAMETER = 'tsl parse: params not exist -> '

function scalarCheck(dataType: ScalarType, strictness: Strictness): ValueCheck {
  switch (dataType.type) {
    case 'int':
      return intCheck(dataType, strictness)
    case 'float':
    case 'double':
      return floatCheck(dataType, strictness)
    case 'enum':
      return enumCheck(dataType, strictness)
    case 'bool':
      return isBit
    case 'text':
      return strictness === 'strong' ? textCheck(Number(dataType.specs.length)) : isText
    case 'date':
      return isDate
  }
}

function intCheck({ specs }: NumberType, strictness: Strictness): ValueCheck {
  const strong = strictness === 'strong'
  const min = strong && specs.min !== undefined ? Number(specs.min) : INT_MIN
  const max = strong && specs.max !== undefined ? Number(specs.max) : INT_MAX
  return (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      return { code: TSL_CODE.int, message: ` must be an integer, got ${shown(value)}` }
    }
    if (value >= min && value <= max) return undefined
    return { code: TSL_CODE.int, message: ` must be from ${min} to ${max}, got ${value}` }
  }
}

function floatCheck({ type, specs }: NumberType, strictness: Strictness): ValueCheck {
  const strong = strictness === 'strong'
  const code = type === 'float' ? TSL_CODE.float : TSL_CODE.double
  const min = strong && specs.min !== undefined ? Number(specs.min) : -Number.MAX_VALUE
  const max = strong && specs.max !== undefined ? Number(specs.max) : Number.MAX_VALUE
  return (value) => {
    if (typeof value !== 'number') {
      return { code, message: ` must be a number, got ${shown(value)}` }
    }
    if (value >= min && value <= max) return undefined
    return { code, message: ` must be from ${min} to ${max}, got ${value}` }
  }
}

function enumCheck({ specs }: KeyedType, strictness: Strictness): ValueCheck {
  const keys = new Set(Object.keys(specs).map(Number))
  const strong = strictness === 'strong'
  return (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      return { code: TSL_CODE.enum, message: ` must be an integer, got ${shown(value)}` }
    }
    if (!strong || keys.has(value)) return undefined
    return { code: TSL_CODE.enum, message: ` must be a key of its enum, got ${value}` }
  }
}

/** JSON true and false are not taken, as in the original (tsl.md §2). */
const isBit: ValueCheck = (value) =>
  value === 0 || value === 1
    ? undefined
    : { code: TSL_CODE.bool, message: ` must be 0 or 1, got ${shown(value)}` }

const isText: ValueCheck = (value) =>
  typeof value === 'string'
    ? undefined
    : { code: TSL_CODE.text, message: ` must be text, got ${shown(value)}` }

const isDate: ValueCheck = (value) =>
  typeof value === 'string' && DATE.test(value)
    ? undefined
    : {
        code: TSL_CODE.date,
        message: ` must be UTC milliseconds as a string, got ${shown(value)}`,
      }

function textCheck(maxBytes: number): ValueCheck {
  return (value) => {
    if (typeof value !== 'string') return isText(value)
    if (value.length * 3 <= maxBytes) return undefined // UTF-8 takes at most 3 bytes a UTF-16 unit
    const bytes = Buffer.byteLength(value)
    if (bytes <= maxBytes) return undefined
    return { code: TSL_CODE.text, message: ` must be at most ${maxBytes} bytes, has ${bytes}` }
  }
}

function structCheck(members: readonly StructMember[], strictness: Strictness): ValueCheck {
  const missing = strictness === 'strong' ? TSL_CODE.struct : undefined
  const checkMembers = paramsCheck(members, strictness, missing)
  return (value) =>
    isJsonObject(value)
      ? checkMembers(value)
      : { code: TSL_CODE.struct, message: ` must be an object, got ${shown(value)}` }
}

function arrayCheck({ specs }: ArrayType, strictness: Strictness): ValueCheck {
  const maxItems = strictness === 'strong' ? Number(specs.size) : Number.POSITIVE_INFINITY
  const checkItem = itemCheck(specs.item, strictness)
  return (value) => {
    if (!Array.isArray(value)) {
      return { code: TSL_CODE.array, message: ` must be a list, got ${shown(value)}` }
    }
    if (value.length > maxItems) {
      const message = ` must have at most ${maxItems} items, has ${value.length}`
      return { code: TSL_CODE.arraySize, message }
    }
    for (let i = 0; i < value.length; i++) {
      const violation = checkItem(value[i] as JsonValue)
      if (violation !== undefined) return within(`[${i}]`, violation)
    }
    return undefined
  }
}

function itemCheck(item: ArrayType['specs']['item'], strictness: Strictness): ValueCheck {
  const check = ofItem(item, strictness)
  return (value) =>
    value === null || typeof value === 'boolean' || Array.isArray(value)
      ? { code: TSL_CODE.arrayItem, message: ` must be of type ${item.type}, got ${shown(value)}` }
      : check(value)
}

/** Items are held against their type alone: a TSL gives them no specs, but for structs. */
function ofItem(item: ArrayType['specs']['item'], strictness: Strictness): ValueCheck {
  switch (item.type) {
    case 'struct':
      return structCheck(item.specs, strictness)
    case 'text':
      return isText
    case 'int':
      return intCheck({ type: 'int', specs: {} }, strictness)
    case 'float':
    case 'double':
      return floatCheck({ type: item.type, specs: {} }, strictness)
  }
}

/** A number as it is, anything else by its kind: messages travel to logs, payloads do not. */
function shown(value: JsonValue): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) {
    return String(value)
  }
  if (typeof value === 'string') return 'a string'
  return Array.isArray(value) ? 'a list' : 'an object'
}
