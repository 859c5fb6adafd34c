/**
 * Errors as a client of the management API sees them: RFC 9457 problems with the stable code of
 * `docs/errors.md`. The one table from code to HTTP status. What is wrong inside stays inside: a
 * problem of status 500 tells the request's id, and the diagnostics tell the rest.
 */
import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { PlatformError, type PlatformErrorCode } from '../../core/domain/errors.ts'
import type { Diagnostics } from '../../core/ports/diagnostics.ts'

/** HTTP status of each code. Those that no request can meet are 500. */
export const PROBLEM_STATUS: Readonly<Record<PlatformErrorCode, number>> = {
  'api.forbidden': 403,
  'api.not-found': 404,
  'api.unauthorized': 401,
  'command.no-reply': 504,
  'command.too-many-pending': 429,
  'config.invalid': 500,
  'data.locked': 500,
  'data.newer': 500,
  'data.unreadable': 500,
  'device.busy': 429,
  'device.disabled': 409,
  'device.exists': 409,
  'device.limit': 409,
  'device.moved': 503,
  'device.not-found': 404,
  'device.not-subscribed': 409,
  'device.offline': 409,
  internal: 500,
  'key.not-found': 404,
  'listener.anonymous': 500,
  'listener.in-use': 500,
  'listener.unavailable': 500,
  'log.full': 507,
  'model.invalid': 422,
  'model.missing': 409,
  'model.service-not-found': 404,
  'payload.too-large': 413,
  'platform.closed': 503,
  'product.exists': 409,
  'product.not-empty': 409,
  'product.not-found': 404,
  'request.invalid': 400,
  'thread.failed': 503,
  'thread.no-answer': 504,
  'thread.out-of-memory': 503,
  'topic.invalid': 422,
  'value.invalid': 422,
}

interface FieldProblem {
  /** JSON pointer into the body, or `?name` and `{name}` for query and path. */
  readonly path: string
  readonly message: string
}

interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: PlatformErrorCode
  readonly instance: string
  readonly errors?: readonly FieldProblem[]
}

/** The answer to any error of a route; a server's fault is logged, a client's is not. */
export function sendError(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Diagnostics | undefined,
): FastifyReply {
  const known = error instanceof PlatformError ? error : fromFastify(error)
  const status = statusOf(known, error)
  if (status >= 500) {
    const { method, id } = request
    const cause = error.stack ?? error.message
    log?.error('request failed', { method, path: pathOf(request), requestId: id, cause })
  }
  if (known.code === 'api.unauthorized') reply.header('www-authenticate', 'Bearer realm="tidegate"')
  return sendProblem(reply, problemOf(known, status, request))
}

export function sendNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const detail = `${request.method} ${pathOf(request)} is no route; /docs lists them all.`
  return sendProblem(
    reply,
    problemOf(new PlatformError('api.not-found', detail), PROBLEM_STATUS['api.not-found'], request),
  )
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
}

function problemOf(error: PlatformError, status: number, request: FastifyRequest): Problem {
  const errors = error.details?.['errors']
  const hidden = status === 500
  return {
    type: `urn:tidegate:error:${error.code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: hidden ? `Unexpected; the log tells it under request ${request.id}.` : error.message,
    code: hidden ? 'internal' : error.code,
    instance: pathOf(request),
    ...(Array.isArray(errors) && !hidden ? { errors: errors as FieldProblem[] } : {}),
  }
}

/** Fastify's own refusals in our words; anything else is `internal`. */
function fromFastify(error: Error & Partial<FastifyError>): PlatformError {
  if (error.validation !== undefined) return invalid(error as FastifyError)
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new PlatformError('payload.too-large', 'The body is larger than this route takes.')
  }
  if (error.code === 'FST_ERR_HANDLER_TIMEOUT') {
    return new PlatformError('thread.no-answer', 'The platform did not answer in time; try again.')
  }
  if (isClientFault(error)) {
    return new PlatformError('request.invalid', error.message, { cause: error })
  }
  return new PlatformError('internal', error.message, { cause: error })
}

/** Fastify knows finer statuses for a request that it could not read: 415, 414, 408. */
function statusOf(known: PlatformError, original: Error & Partial<FastifyError>): number {
  const finer = known.code === 'request.invalid' && isClientFault(original)
  return finer ? (original.statusCode ?? 400) : PROBLEM_STATUS[known.code]
}

function isClientFault({ statusCode = 500 }: Partial<FastifyError>): boolean {
  return statusCode >= 400 && statusCode < 500
}

function invalid(error: FastifyError): PlatformError {
  const errors = (error.validation ?? []).map(({ instancePath, keyword, params, message }) => {
    const missing = params['missingProperty'] ?? params['additionalProperty']
    const pointer = typeof missing === 'string' ? `${instancePath}/${missing}` : instancePath
    const text =
      keyword === 'additionalProperties' ? 'is not known here' : readable(message, params)
    return { path: placed(error.validationContext, pointer), message: text }
  })
  const [first] = errors
  const detail = first === undefined ? error.message : `${first.path}: ${first.message}`
  return new PlatformError('request.invalid', detail, { details: { errors } })
}

function readable(message: string | undefined, params: Record<string, unknown>): string {
  const allowed = params['allowedValues']
  if (Array.isArray(allowed)) return `must be one of ${allowed.join(', ')}`
  if (typeof params['missingProperty'] === 'string') return 'is missing'
  return message ?? 'is not valid'
}

function placed(context: string | undefined, pointer: string): string {
  if (context === 'querystring') return `?${pointer.slice(1)}`
  return context === 'params' ? `{${pointer.slice(1)}}` : pointer
}

/** Without the query: what a client put there is its own. */
function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? request.url
}
