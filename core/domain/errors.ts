/**
 * Promises that could not be kept, each with a stable code. `docs/errors.md` explains every one, and
 * a test keeps the two in step. Across threads send `toWire(error)` and rebuild it with `fromWire`:
 * a posted error loses its name and code.
 */
export const ERROR_CODES = [
  'api.forbidden',
  'api.not-found',
  'api.unauthorized',
  'command.no-reply',
  'command.too-many-pending',
  'config.invalid',
  'data.locked',
  'data.newer',
  'data.unreadable',
  'device.busy',
  'device.disabled',
  'device.exists',
  'device.limit',
  'device.moved',
  'device.not-found',
  'device.not-subscribed',
  'device.offline',
  'internal',
  'key.not-found',
  'listener.anonymous',
  'listener.in-use',
  'listener.unavailable',
  'log.full',
  'model.invalid',
  'model.missing',
  'model.service-not-found',
  'payload.too-large',
  'platform.closed',
  'product.exists',
  'product.not-empty',
  'product.not-found',
  'request.invalid',
  'thread.failed',
  'thread.no-answer',
  'thread.out-of-memory',
  'topic.invalid',
  'value.invalid',
] as const

export type PlatformErrorCode = (typeof ERROR_CODES)[number]

export function isErrorCode(value: unknown): value is PlatformErrorCode {
  return ERROR_CODES.some((code) => code === value)
}

export class PlatformError extends Error {
  override readonly name = 'PlatformError'
  readonly code: PlatformErrorCode
  /** Further facts for a reader of the code: paths, offending values. Never a secret. */
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(
    code: PlatformErrorCode,
    message: string,
    options?: ErrorOptions & { details?: Readonly<Record<string, unknown>> },
  ) {
    super(message, options)
    this.code = code
    this.details = options?.details
  }
}

/** An error as it crosses threads. */
export interface WireError {
  readonly code: PlatformErrorCode
  readonly message: string
  readonly details: Readonly<Record<string, unknown>> | undefined
}

export function toWire(error: unknown): WireError {
  if (error instanceof PlatformError) {
    return { code: error.code, message: error.message, details: error.details }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'internal', message, details: undefined }
}

export function fromWire(wire: WireError): PlatformError {
  const { code, message, details } = wire
  return new PlatformError(code, message, details === undefined ? {} : { details })
}
