/** Building blocks of route schemas: what a route answers, and what its path and query say. */
import { STATUS_CODES } from 'node:http'
import { deviceName, productKey, type Schema } from './schemas.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000

export interface ProductPath {
  readonly productKey: string
}
export interface DevicePath extends ProductPath {
  readonly deviceName: string
}
export interface PageQuery {
  readonly limit: number
  readonly after?: string
}

export const productPath: Schema = { type: 'object', properties: { productKey } }
export const devicePath: Schema = { type: 'object', properties: { productKey, deviceName } }
export const pageQuery: Schema = {
  type: 'object',
  properties: {
    limit: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
    after: { type: 'string', maxLength: 256, description: '`next` of the page before' },
  },
}

/** Success under `status` with the named shape, and the problems a caller should be ready for. */
export function answers(
  status: number,
  shape: string,
  ...problems: number[]
): Record<number, Schema> {
  return { [status]: described(status, { $ref: `${shape}#` }), ...problemAnswers(problems) }
}

export function pageOf(shape: string, ...problems: number[]): Record<number, Schema> {
  const page: Schema = {
    type: 'object',
    required: ['items'],
    properties: {
      items: { type: 'array', items: { $ref: `${shape}#` } },
      next: { type: 'string', description: 'Pass as `after` for the next page; absent at the end' },
    },
  }
  return { 200: described(200, page), ...problemAnswers(problems) }
}

/** As `answers`, with a shape of this route alone. */
export function answersWith(
  status: number,
  shape: Schema,
  ...problems: number[]
): Record<number, Schema> {
  return { [status]: described(status, shape), ...problemAnswers(problems) }
}

/** As `answersWith`, where it is not JSON. */
export function answersAs(
  status: number,
  type: string,
  shape: Schema,
  ...problems: number[]
): Record<number, Schema> {
  const content = { [type]: { schema: shape } }
  return {
    [status]: { description: STATUS_CODES[status], content },
    ...problemAnswers(problems),
  }
}

/** Any route behind a key may also answer 401 and 403. */
function problemAnswers(statuses: readonly number[]): Record<number, Schema> {
  const all: Record<number, Schema> = {}
  for (const status of [401, 403, ...statuses]) {
    all[status] = {
      description: STATUS_CODES[status],
      content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
    }
  }
  return all
}

function described(status: number, schema: Schema): Schema {
  return {
    description: STATUS_CODES[status],
    content: { 'application/json': { schema } },
  }
}
