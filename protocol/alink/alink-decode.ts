/**
 * Alink JSON as devices send it → domain message. Per message: one `JSON.parse`, no closure, and the
 * objects that the message itself needs. Lenient as the original is with real firmware (alink.md §1):
 * `method`, `version` and `sys` may be absent, an id may be a number, a code a string.
 *
 * Bounds: `MAX_PROPERTIES` a post; `MAX_DEPTH` levels in a value, so that whoever walks or prints it
 * later cannot run out of stack.
 */
import { isUtf8 } from 'node:buffer'
import {
  CODE,
  type PostedValue,
  type RequestId,
  type Uplink,
} from '../../core/domain/device-message.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../../core/domain/json.ts'
import { unreachable } from '../../core/domain/unreachable.ts'
import type { AlinkRoute } from './alink-topics.ts'

export interface DecodedUplink {
  readonly kind: 'uplink'
  readonly uplink: Uplink
  /** `sys.ack`; absent means wanted. */
  readonly ackWanted: boolean
  /** For the reply. */
  readonly method: string
}

/** Not to be handed on; to be answered with the code (alink.md §13). */
export interface MalformedUplink {
  readonly kind: 'malformed'
  /** As far as it could be read. */
  readonly id: RequestId
  readonly code: number
  readonly message: string
}

const MAX_PROPERTIES = 200 // alink.md §2.1
const MAX_DEPTH = 32 // a thing model needs 3: list, struct, member
const MAX_TIME_MS = 8.64e15 // last moment that a Date can say

/** @param payload  borrowed for the call */
export function decodeUplink(
  route: AlinkRoute,
  payload: Uint8Array,
): DecodedUplink | MalformedUplink {
  if (!isUtf8(payload)) return malformed(undefined, CODE.notJson, 'the payload is not UTF-8')
  const message = parseJson(textOf(payload))
  if (!isJsonObject(message)) {
    return malformed(undefined, CODE.notJson, 'the payload is not a JSON object')
  }
  const id = requestId(message['id'])
  switch (route.kind) {
    case 'property-post':
      return decodePropertyPost(route, message, id)
    case 'event-post':
      return decodeEventPost(route, message, id)
    case 'property-set-reply':
      return decodeReply(route, message, id, undefined)
    case 'service-reply':
      return decodeReply(route, message, id, route.identifier)
    default:
      return unreachable(route.kind)
  }
}

function decodePropertyPost(
  route: AlinkRoute,
  message: JsonObject,
  id: RequestId,
): DecodedUplink | MalformedUplink {
  const params = paramsOf(message)
  if (params === undefined) return malformed(id, CODE.parameterError, 'params must be an object')
  const values: PostedValue[] = []
  for (const identifier in params) {
    if (values.length === MAX_PROPERTIES) {
      return malformed(id, CODE.tooManyProperties, 'map size must less than 200')
    }
    const posted = params[identifier] as JsonValue
    if (typeof posted !== 'object' || posted === null) {
      values.push({ identifier, value: posted, timeMs: undefined })
      continue
    }
    const wrapped = isWrapped(posted)
    const value = wrapped ? (posted['value'] as JsonValue) : posted
    const timeMs = wrapped ? timeOf(posted) : undefined
    if (timeMs === MALFORMED_TIME) {
      return malformed(id, CODE.timeMalformed, `time of ${identifier} must be milliseconds UTC`)
    }
    if (!isShallow(value, MAX_DEPTH)) return tooDeep(id)
    values.push({ identifier, value, timeMs })
  }
  return decoded(route, message, { kind: 'property-post', id, values })
}

function decodeEventPost(
  route: AlinkRoute,
  message: JsonObject,
  id: RequestId,
): DecodedUplink | MalformedUplink {
  const params = paramsOf(message)
  if (params === undefined) return malformed(id, CODE.parameterError, 'params must be an object')
  const wrapped = isWrapped(params)
  const value = wrapped ? params['value'] : params
  if (!isJsonObject(value)) return malformed(id, CODE.parameterError, 'value must be an object')
  const timeMs = wrapped ? timeOf(params) : undefined
  if (timeMs === MALFORMED_TIME) {
    return malformed(id, CODE.timeMalformed, 'time must be milliseconds UTC')
  }
  if (!isShallow(value, MAX_DEPTH)) return tooDeep(id)
  const { identifier } = route
  return decoded(route, message, { kind: 'event-post', id, identifier, value, timeMs })
}

/** Replies of devices need only id and code (alink.md §1). */
function decodeReply(
  route: AlinkRoute,
  message: JsonObject,
  id: RequestId,
  service: string | undefined,
): DecodedUplink | MalformedUplink {
  const raw = message['code']
  const code = typeof raw === 'string' && raw !== '' ? Number(raw) : raw
  if (typeof code !== 'number' || !Number.isSafeInteger(code)) {
    return malformed(id, CODE.parameterError, 'code must be an integer')
  }
  const data = message['data'] ?? EMPTY
  if (!isShallow(data, MAX_DEPTH)) return tooDeep(id)
  const said = message['message']
  const text = typeof said === 'string' ? said : code === CODE.success ? 'success' : ''
  return decoded(route, message, { kind: 'command-reply', id, service, code, message: text, data })
}

const EMPTY: JsonObject = {}

/** Some firmware sends params as the string "{}". */
function paramsOf(message: JsonObject): JsonObject | undefined {
  const params = message['params']
  const object = typeof params === 'string' ? parseJson(params) : params
  return isJsonObject(object) ? object : undefined
}

/** `{"value": v}` or `{"value": v, "time": ms}`; with any other key it is a value itself. */
function isWrapped(posted: JsonValue): posted is JsonObject {
  if (!isJsonObject(posted)) return false
  let hasValue = false
  for (const key in posted) {
    if (key === 'value') hasValue = true
    else if (key !== 'time') return false
  }
  return hasValue
}

const MALFORMED_TIME = -1

/** `undefined` where none is given. */
function timeOf(wrapped: JsonObject): number | undefined {
  const time = wrapped['time']
  if (time === undefined) return undefined
  const good = typeof time === 'number' && Number.isInteger(time) && time >= 0
  return good && time <= MAX_TIME_MS ? time : MALFORMED_TIME
}

function isShallow(value: JsonValue, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (!isShallow(value[i] as JsonValue, levels - 1)) return false
    }
    return true
  }
  const object = value as JsonObject
  for (const key in object) {
    if (!isShallow(object[key] as JsonValue, levels - 1)) return false
  }
  return true
}

/** A number beyond the doubles (1e999) could not be echoed: it reads as none. */
function requestId(raw: JsonValue | undefined): RequestId {
  if (typeof raw === 'string') return raw
  return typeof raw === 'number' && Number.isFinite(raw) ? raw : undefined
}

function ackWanted(message: JsonObject): boolean {
  const sys = message['sys']
  if (!isJsonObject(sys)) return true
  const ack = sys['ack']
  return ack !== 0 && ack !== '0'
}

function decoded(route: AlinkRoute, message: JsonObject, uplink: Uplink): DecodedUplink {
  return { kind: 'uplink', uplink, ackWanted: ackWanted(message), method: route.method }
}

function malformed(id: RequestId, code: number, message: string): MalformedUplink {
  return { kind: 'malformed', id, code, message }
}

function tooDeep(id: RequestId): MalformedUplink {
  return malformed(id, CODE.notJson, `values may be nested ${MAX_DEPTH} levels deep`)
}

function textOf(payload: Uint8Array): string {
  const bytes = Buffer.isBuffer(payload)
    ? payload
    : Buffer.from(payload.buffer, payload.byteOffset, payload.length)
  return bytes.toString('utf8')
}
