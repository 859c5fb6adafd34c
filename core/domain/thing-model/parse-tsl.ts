/**
 * The only door for a thing model: reads a TSL document (tsl.md §1) whole, and yields either a model
 * that every other part may trust or every fault of the document. Runs where models are imported,
 * never on the path of a message.
 *
 * Lenient where exports differ: generated `post`, `set` and `get` are dropped, since they are made
 * anew on export; unknown keys are left out; numbers in specs may be JSON numbers.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { readDataType } from './parse-data-type.ts'
import type { Tsl, TslEvent, TslParam, TslProperty, TslService } from './tsl.ts'
import { type TslFault, TslReader } from './tsl-reader.ts'

export type TslParse =
  | { readonly kind: 'ok'; readonly tsl: Tsl }
  | { readonly kind: 'invalid'; readonly faults: readonly TslFault[] }

// limits.md, "thing model"; of two values the newer one
const MAX_FEATURES = 300
const MAX_PARAMS = 100
const MAX_MODEL_BYTES = 512 * 1024

/** @param input  what `JSON.parse` made of the document */
export function parseTsl(input: unknown): TslParse {
  const reader = new TslReader()
  const source = reader.object(input, '')
  const tsl = source === undefined ? undefined : readTsl(reader, source)
  if (tsl === undefined || reader.faults.length > 0) {
    return { kind: 'invalid', faults: reader.faults }
  }
  return { kind: 'ok', tsl }
}

function readTsl(reader: TslReader, source: JsonObject): Tsl {
  const block = source['functionBlockId']
  if (block !== undefined && block !== null && block !== '' && block !== 'default') {
    reader.fault('/functionBlockId', 'must be absent: only the default module can be imported')
  }
  const identifiers = new Set<string>() // one space for all features (tsl.md §1)
  const properties = features(reader, source, 'properties', [], (raw, path, names) =>
    readProperty(reader, raw, path, identifiers, names),
  )
  const events = features(reader, source, 'events', ['post'], (raw, path, names) =>
    readEvent(reader, raw, path, identifiers, names),
  )
  const services = features(reader, source, 'services', ['set', 'get'], (raw, path, names) =>
    readService(reader, raw, path, identifiers, names),
  )
  const count = properties.length + events.length + services.length
  if (count > MAX_FEATURES) {
    reader.fault('', `must have at most ${MAX_FEATURES} features, has ${count}`)
  }
  const tsl = { properties, events, services }
  if (Buffer.byteLength(JSON.stringify(tsl)) > MAX_MODEL_BYTES) {
    reader.fault('', `must take at most ${MAX_MODEL_BYTES} bytes`)
  }
  return tsl
}

/** The members of one list, without those that are generated. */
function features<Feature>(
  reader: TslReader,
  source: JsonObject,
  key: 'properties' | 'events' | 'services',
  generated: readonly string[],
  read: (raw: JsonObject, path: string, names: Set<string>) => Feature,
): readonly Feature[] {
  const names = new Set<string>()
  const found: Feature[] = []
  for (const [i, raw] of reader.list(source[key], `/${key}`, MAX_FEATURES + 2).entries()) {
    const path = `/${key}/${i}`
    if (isGenerated(raw, generated)) continue
    const feature = reader.object(raw, path)
    if (feature !== undefined) found.push(read(feature, path, names))
  }
  return found
}

function isGenerated(raw: JsonValue, generated: readonly string[]): boolean {
  const identifier = isJsonObject(raw) ? raw['identifier'] : undefined
  return typeof identifier === 'string' && generated.includes(identifier)
}

function readProperty(
  reader: TslReader,
  raw: JsonObject,
  path: string,
  identifiers: Set<string>,
  names: Set<string>,
): TslProperty {
  const identifier = reader.identifier(raw['identifier'], `${path}/identifier`, identifiers)
  return {
    identifier,
    name: reader.name(raw['name'], `${path}/name`, identifier, names),
    desc: reader.description(raw['desc'], `${path}/desc`),
    accessMode: reader.word(raw['accessMode'], `${path}/accessMode`, ['r', 'rw', 'w']),
    required: reader.flag(raw['required'], `${path}/required`),
    dataType: readDataType(reader, raw['dataType'], `${path}/dataType`),
  }
}

function readEvent(
  reader: TslReader,
  raw: JsonObject,
  path: string,
  identifiers: Set<string>,
  names: Set<string>,
): TslEvent {
  const identifier = reader.identifier(raw['identifier'], `${path}/identifier`, identifiers)
  return {
    identifier,
    name: reader.name(raw['name'], `${path}/name`, identifier, names),
    desc: reader.description(raw['desc'], `${path}/desc`),
    type: reader.word(raw['type'], `${path}/type`, ['info', 'alert', 'error']),
    required: reader.flag(raw['required'], `${path}/required`),
    outputData: readParams(reader, raw['outputData'], `${path}/outputData`),
  }
}

function readService(
  reader: TslReader,
  raw: JsonObject,
  path: string,
  identifiers: Set<string>,
  names: Set<string>,
): TslService {
  const identifier = reader.identifier(raw['identifier'], `${path}/identifier`, identifiers)
  return {
    identifier,
    name: reader.name(raw['name'], `${path}/name`, identifier, names),
    desc: reader.description(raw['desc'], `${path}/desc`),
    callType: reader.word(raw['callType'], `${path}/callType`, ['async', 'sync']),
    required: reader.flag(raw['required'], `${path}/required`),
    inputData: readParams(reader, raw['inputData'], `${path}/inputData`),
    outputData: readParams(reader, raw['outputData'], `${path}/outputData`),
  }
}

function readParams(
  reader: TslReader,
  raw: JsonValue | undefined,
  path: string,
): readonly TslParam[] {
  const identifiers = new Set<string>()
  const names = new Set<string>()
  const params: TslParam[] = []
  for (const [i, item] of reader.list(raw, path, MAX_PARAMS).entries()) {
    const at = `${path}/${i}`
    const param = reader.object(item, at)
    if (param === undefined) continue
    const identifier = reader.identifier(param['identifier'], `${at}/identifier`, identifiers)
    params.push({
      identifier,
      name: reader.name(param['name'], `${at}/name`, identifier, names),
      dataType: readDataType(reader, param['dataType'], `${at}/dataType`),
    })
  }
  return params
}
