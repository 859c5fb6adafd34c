/**
 * `name=value` arguments: JSON where it reads as JSON, else text; `--json-values` takes a whole
 * object.
 */
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../../core/domain/json.ts'
import { UsageError } from './terminal.ts'

/** @throws UsageError  an argument without `=`, or text that is no JSON object */
export function readValues(pairs: readonly string[], json: string | undefined): JsonObject {
  const whole = json === undefined ? {} : parseJson(json)
  if (!isJsonObject(whole)) throw new UsageError('--json-values: not a JSON object.')
  return Object.fromEntries([...Object.entries(whole), ...pairs.map(readPair)])
}

function readPair(pair: string): [string, JsonValue] {
  const at = pair.indexOf('=')
  if (at < 1) throw new UsageError(`${JSON.stringify(pair)} is not name=value.`)
  const text = pair.slice(at + 1)
  const parsed = parseJson(text)
  return [pair.slice(0, at), parsed === undefined ? text : parsed]
}

/** A whole or broken number within bounds, of an option. @throws UsageError */
export function readNumber(option: string, text: string, min: number, max: number): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (value >= min && value <= max) return value
  throw new UsageError(`${option}: must be a number from ${min} to ${max}.`)
}

/** @throws UsageError */
export function readInteger(option: string, text: string, min: number, max: number): number {
  const value = readNumber(option, text, min, max)
  if (Number.isInteger(value)) return value
  throw new UsageError(`${option}: must be a whole number.`)
}
