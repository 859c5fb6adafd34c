/**
 * Domain message → Alink JSON towards devices: replies to what they posted, and commands. Serialisers
 * are compiled once, when the module loads.
 */
import fastJson from 'fast-json-stringify'
import type { IssuedCommand, RequestId, Violation } from '../../core/domain/device-message.ts'
import type { JsonObject } from '../../core/domain/json.ts'
import {
  PROPERTY_SET_METHOD,
  PROPERTY_SET_SUFFIX,
  serviceMethod,
  serviceSuffix,
} from './alink-topics.ts'

export interface ReplyFacts {
  /** Echoed in its own type; left out where the request had none. */
  readonly id: RequestId
  readonly code: number
  readonly message: string
  /** Of the request; left out where empty. */
  readonly method: string
  /** Values held back, told under `data` by identifier: of a good reply as well (alink.md §2.1). */
  readonly rejected: readonly (Violation & { readonly identifier: string })[]
}

export interface EncodedCommand {
  /** Topic behind `/sys/{pk}/{dn}/`. */
  readonly suffix: string
  readonly payload: Uint8Array
}

const VERSION = '1.0'

const stringifyReply = fastJson({
  type: 'object',
  properties: {
    code: { type: 'integer' },
    data: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        properties: { code: { type: 'integer' }, message: { type: 'string' } },
      },
    },
    id: {}, // text or number, in its own type
    message: { type: 'string' },
    method: { type: 'string' },
    version: { type: 'string' },
  },
})

const stringifyCommand = fastJson({
  type: 'object',
  properties: {
    id: { type: 'string' },
    version: { type: 'string' },
    params: {},
    method: { type: 'string' },
  },
})

const NOTHING_REJECTED = Object.freeze(Object.create(null) as Record<string, Violation>)

export function encodeReply(facts: ReplyFacts): Uint8Array {
  const { id, code, message, rejected } = facts
  const data = rejected.length === 0 ? NOTHING_REJECTED : byIdentifier(rejected)
  const method = facts.method === '' ? undefined : facts.method
  return Buffer.from(stringifyReply({ code, data, id, message, method, version: VERSION }))
}

export function encodeCommand({ id, command }: IssuedCommand): EncodedCommand {
  switch (command.kind) {
    case 'property-set':
      return {
        suffix: PROPERTY_SET_SUFFIX,
        payload: request(id, command.values, PROPERTY_SET_METHOD),
      }
    case 'service-call':
      return {
        suffix: serviceSuffix(command.service),
        payload: request(id, command.inputs, serviceMethod(command.service)),
      }
  }
}

function request(id: string, params: JsonObject, method: string): Uint8Array {
  return Buffer.from(stringifyCommand({ id, version: VERSION, params, method }))
}

/** Without a prototype: an identifier may be any string. */
function byIdentifier(rejected: ReplyFacts['rejected']): Record<string, Violation> {
  const data: Record<string, Violation> = Object.create(null)
  for (const { identifier, code, message } of rejected) data[identifier] = { code, message }
  return data
}
